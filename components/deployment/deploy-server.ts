import type * as pulumi from "@pulumi/pulumi";
import type { ApplyResult } from "../../server/contract/apply-result.ts";
import type { InstallResult } from "../../server/contract/install-result.ts";
import type { DeploymentSettings } from "../arguments/deployment-settings.ts";
import type { DesiredHubs } from "../arguments/desired-hubs.ts";
import type { VpnServerArgs } from "../arguments/server-arguments.ts";
import type { CheckReport } from "../outputs/check-report.ts";
import { checkAndRepair } from "./check.ts";
import type { ServerTransforms } from "./child-transform.ts";
import { Deployment } from "./deployment.ts";
import type { DeploymentOutcome } from "./deployment-outcome.ts";
import { applyHubs } from "./hubs.ts";
import { makeAdminPassword, makeOwner } from "./identity.ts";
import { installServer } from "./install.ts";
import { reachHost } from "./reach.ts";
import { checkCertificate, checkHubs, checkSettings } from "./settings.ts";
import { describeTarget } from "./target.ts";

/** What a deployment gives the component's outputs. */
export interface ServerDeployment {
  readonly settings: pulumi.Output<DeploymentSettings>;
  readonly hubs: pulumi.Output<DesiredHubs>;
  readonly adminPassword: pulumi.Output<string | undefined>;
  readonly installed: pulumi.Output<InstallResult>;
  readonly applied: pulumi.Output<ApplyResult>;
  readonly outcome: pulumi.Output<DeploymentOutcome>;
  /** Rejects when the check did not pass. */
  readonly lastCheck: pulumi.Output<CheckReport>;
}

/** Deploys a server, in steps, each a file of its name. */
export function deployServer(
  name: string,
  args: VpnServerArgs,
  server: pulumi.Resource,
  transforms: ServerTransforms = {},
): ServerDeployment {
  const deployment = new Deployment(name, server, transforms);

  const settings = checkSettings(deployment, args);
  const hubs = checkHubs(deployment, args);
  const certificate = checkCertificate(deployment, args);

  const owner = makeOwner(deployment);
  const adminPassword = makeAdminPassword(deployment, args);

  const target = describeTarget(deployment, { settings, hubs, certificate, adminPassword, owner });
  const host = reachHost(deployment, target);
  const installed = installServer(deployment, host, settings);
  const applied = applyHubs(deployment, host, { settings, hubs, installed });
  const outcome = checkAndRepair(deployment, host, { installed, applied });

  const lastCheck = outcome.apply((result) =>
    result.kind === "passed" ? result.check : deployment.fail(result.problem),
  );
  // Nobody may look at that output, and a check that fails fails the update all the same.
  lastCheck.apply((report) => report);
  return { settings, hubs, adminPassword, installed, applied, outcome, lastCheck };
}
