import * as pulumi from "@pulumi/pulumi";
import type * as Aws from "../components/aws/index.ts";
import { VpnFleet } from "../components/index.ts";
import { explainMissingPackage } from "../components/missing-package.ts";
import { memberReport, memberSecrets, type FleetMember } from "../components/outputs/member-report.ts";
import { projectRoot } from "./config-file.ts";
import type { VpnConnection } from "../components/outputs/vpn-connection.ts";
import type { FleetSettings } from "./fleet-config.ts";

/** A server of the stack: on a host that there was, or on AWS. */
export interface DeployedMember extends FleetMember {
  /** What was made for it, on AWS. */
  aws?: { publicIp: string; instanceId: string; availabilityZone: string; stateVolumeId: string };
}

/** A fleet on AWS: what AWS runs, and where its clients connect. */
export interface DeployedFleet {
  address: string;
  dnsName: string;
  dnsZoneId: string;
  endpoints: string[];
  version: string;
  certificate: string;
  tlsFingerprint: string;
  connections: VpnConnection[];
  groupName: string;
}

/** What is told of the servers and fleets, by their names. */
export interface FleetOutputs {
  readonly servers: pulumi.Output<Record<string, DeployedMember>>;
  /** Only where there are some. */
  readonly fleets?: pulumi.Output<Record<string, DeployedFleet>>;
  readonly vpnFiles: pulumi.Output<Record<string, Record<string, Record<string, string>>>>;
  readonly adminPasswords: pulumi.Output<Record<string, string>>;
  /** Private keys that log in on instances; only where there are some. */
  readonly sshPrivateKeys?: pulumi.Output<Record<string, string>>;
}

/**
 * Deploys the servers of a configuration.
 *
 * @throws Error that tells how to install what is needed on AWS, where it is missing
 */
export async function deployFleet({ hosts, aws, awsFleets }: FleetSettings): Promise<FleetOutputs> {
  const wanted =
    Object.keys(aws).length > 0 ? "aws" : Object.keys(awsFleets).length > 0 ? "awsFleets" : undefined;
  // Who has nothing on AWS needs nothing of it: not the package, nor the time to load it.
  const components = wanted && (await loadAws(wanted));
  const fleet = hosts && new VpnFleet("fleet", hosts);
  const servers = makeEach(aws, components?.AwsVpnServer);
  const fleets = makeEach(awsFleets, components?.AwsVpnFleet);
  const reports = servers.map(([name, server]) =>
    pulumi
      .all([memberReport(server), awsPlace(server)])
      .apply(([report, aws]): Record<string, DeployedMember> => ({ [name]: { ...report, aws } })),
  );
  return {
    servers: merged(fleet?.servers, ...reports),
    ...(fleets.length > 0 && { fleets: merged(...byName(fleets, fleetReport)) }),
    vpnFiles: merged(
      fleet?.vpnFiles,
      memberSecrets(servers, ({ vpnFiles }) => vpnFiles),
      ...byName(fleets, ({ vpnFiles }) => vpnFiles),
    ),
    adminPasswords: merged(
      fleet?.adminPasswords,
      memberSecrets(servers, ({ adminPassword }) => adminPassword),
      // There is one, given or made.
      ...byName(fleets, ({ adminPassword }) => adminPassword as pulumi.Output<string>),
    ),
    ...(servers.length > 0 && {
      sshPrivateKeys: merged(...byName(servers, ({ sshPrivateKey }) => sshPrivateKey)),
    }),
  };
}

/** A component of its name for each entry. */
function makeEach<Args, Component>(
  entries: Readonly<Record<string, Args>>,
  Component: (new (name: string, args: Args) => Component) | undefined,
): [string, Component][] {
  if (Component === undefined) return [];
  return Object.entries(entries).map(([name, args]) => [name, new Component(name, args)]);
}

function byName<Component, T>(
  components: readonly (readonly [string, Component])[],
  tell: (component: Component) => pulumi.Output<T>,
): pulumi.Output<Record<string, T>>[] {
  return components.map(([name, component]) => tell(component).apply((told) => ({ [name]: told })));
}

function fleetReport(fleet: Aws.AwsVpnFleet): pulumi.Output<DeployedFleet> {
  const { address, dnsName, dnsZoneId, endpoints, version, certificate, tlsFingerprint } = fleet;
  const { connections, groupName } = fleet;
  const where = { address, dnsName, dnsZoneId, endpoints, connections };
  return pulumi.output({ ...where, version, certificate, tlsFingerprint, groupName });
}

function awsPlace({ publicIp, instanceId, availabilityZone, stateVolumeId }: Aws.AwsVpnServer) {
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

async function loadAws(key: string): Promise<typeof Aws> {
  try {
    return await import("../components/aws/index.ts");
  } catch (error) {
    throw explainMissingPackage(error, `vpnserver:${key}`, projectRoot());
  }
}
