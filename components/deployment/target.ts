import * as pulumi from "@pulumi/pulumi";
import type { Owner } from "../../server/contract/owner.ts";
import type { DeploymentSettings } from "../arguments/deployment-settings.ts";
import type { DesiredHubs } from "../arguments/desired-hubs.ts";
import type { ServerCertificate } from "../arguments/server-certificate.ts";
import { findArtifacts, type Artifacts } from "../host/artifact.ts";
import type { HostScriptOptions } from "../host/host-script.ts";
import type { Deployment } from "./deployment.ts";

/** What is to become of the host; some of it holds secrets. */
export interface Target {
  readonly settings: pulumi.Output<DeploymentSettings>;
  /** The executables of this package. */
  readonly artifacts: pulumi.Output<Artifacts>;
  /** What the host's script is made of. */
  readonly script: pulumi.Output<HostScriptOptions>;
  /** Standard input of `vpnserver apply`. */
  readonly desired: pulumi.Output<string>;
}

export function describeTarget(
  deployment: Deployment,
  declared: {
    readonly settings: pulumi.Output<DeploymentSettings>;
    readonly hubs: pulumi.Output<DesiredHubs>;
    readonly certificate: pulumi.Output<ServerCertificate | undefined>;
    readonly adminPassword: pulumi.Output<string | undefined>;
    readonly owner: pulumi.Output<Owner>;
  },
): Target {
  const { settings, hubs, certificate, adminPassword, owner } = declared;
  const desired = pulumi.secret(
    pulumi
      .all([adminPassword, certificate, hubs])
      .apply(([adminPassword, certificate, { hubs }]) =>
        JSON.stringify({ adminPassword, ...certificate, hubs }),
      ),
  );
  const artifacts = pulumi.output(null).apply(() => deployment.attempt(() => findArtifacts()));
  const script = pulumi.unsecret(
    pulumi
      .all([settings, owner, artifacts])
      .apply(([{ install, removal }, owner, { releases }]): HostScriptOptions => ({
        install,
        owner,
        releases: releases.map(({ uname, sha256, bytes }) => ({ uname, sha256, bytes })),
        purgeState: removal.purgeState,
      })),
  );
  return { settings, artifacts, script, desired };
}
