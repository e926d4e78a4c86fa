import * as pulumi from "@pulumi/pulumi";
import type { AwsVpnServer } from "../components/aws/index.ts";
import { VpnFleet } from "../components/index.ts";
import { explainMissingPackage } from "../components/missing-package.ts";
import { memberReport, memberSecrets, type FleetMember } from "../components/outputs/member-report.ts";
import { projectRoot } from "./config-file.ts";
import type { FleetSettings } from "./fleet-config.ts";

/** A server of the stack: on a host that there was, or on AWS. */
export interface DeployedMember extends FleetMember {
  /** What was made for it, on AWS. */
  aws?: { publicIp: string; instanceId: string; availabilityZone: string; stateVolumeId: string };
}

/** What is told of the servers, by their names. */
export interface FleetOutputs {
  readonly servers: pulumi.Output<Record<string, DeployedMember>>;
  readonly vpnFiles: pulumi.Output<Record<string, Record<string, Record<string, string>>>>;
  readonly adminPasswords: pulumi.Output<Record<string, string>>;
  /** Private keys that log in on instances; only where there are some. */
  readonly sshPrivateKeys?: pulumi.Output<Record<string, string>>;
}

/**
 * Deploys the servers of a configuration.
 *
 * @throws Error that tells how to install what servers on AWS need, where it is missing
 */
export async function deployFleet({ hosts, aws }: FleetSettings): Promise<FleetOutputs> {
  const entries = Object.entries(aws);
  // Who has no server on AWS needs nothing of it: not the package, nor the time to load it.
  const Server = entries.length === 0 ? undefined : await loadAwsVpnServer();
  const fleet = hosts && new VpnFleet("fleet", hosts);
  const onAws =
    Server === undefined
      ? []
      : entries.map(([name, args]): [string, AwsVpnServer] => [name, new Server(name, args)]);
  const reports = onAws.map(([name, server]) =>
    pulumi
      .all([memberReport(server), awsPlace(server)])
      .apply(([report, aws]): Record<string, DeployedMember> => ({ [name]: { ...report, aws } })),
  );
  return {
    servers: merged(fleet?.servers, ...reports),
    vpnFiles: merged(
      fleet?.vpnFiles,
      memberSecrets(onAws, ({ vpnFiles }) => vpnFiles),
    ),
    adminPasswords: merged(
      fleet?.adminPasswords,
      memberSecrets(onAws, ({ adminPassword }) => adminPassword),
    ),
    ...(onAws.length > 0 && {
      sshPrivateKeys: merged(
        ...onAws.map(([name, { sshPrivateKey }]) => sshPrivateKey.apply((key) => ({ [name]: key }))),
      ),
    }),
  };
}

function awsPlace({ publicIp, instanceId, availabilityZone, stateVolumeId }: AwsVpnServer) {
  return pulumi.output({ publicIp, instanceId, availabilityZone, stateVolumeId });
}

/** What several tell by name, as one; secret where one of them is. */
function merged<T>(
  ...parts: readonly (pulumi.Output<Record<string, T>> | undefined)[]
): pulumi.Output<Record<string, T>> {
  return pulumi
    .all(parts.filter((part) => part !== undefined) as unknown as pulumi.Output<object>[])
    .apply((told) => Object.assign({}, ...told) as Record<string, T>);
}

async function loadAwsVpnServer(): Promise<typeof AwsVpnServer> {
  try {
    return (await import("../components/aws/index.ts")).AwsVpnServer;
  } catch (error) {
    throw explainMissingPackage(error, "vpnserver:aws", projectRoot());
  }
}
