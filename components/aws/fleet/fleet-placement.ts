import { getSubnetOutput } from "@pulumi/aws/ec2/getSubnet.js";
import * as pulumi from "@pulumi/pulumi";
import { isLeftOut } from "../../arguments/argument-kind.ts";
import { makeOnce } from "../../deployment/identity.ts";
import { publicSubnets } from "../placement.ts";
import type { Provision } from "../provision.ts";
import { checkFleetLater, type AwsVpnFleetArgs } from "./fleet-arguments.ts";

/** Where in AWS's network a fleet is. */
export interface FleetPlacement {
  readonly subnetIds: pulumi.Output<string[]>;
  readonly vpcId: pulumi.Output<string>;
}

interface ZoneSubnet {
  readonly id: string;
  readonly availabilityZone: string;
}

/**
 * The given subnets, or one in each zone, chosen once: a load balancer that loses a subnet is replaced, and clients know it by its
 * name.
 */
export function placeFleet(
  provision: Provision,
  args: Pick<AwsVpnFleetArgs, "subnetIds" | "vpcId">,
  instanceType: pulumi.Output<string>,
): FleetPlacement {
  const attempt = <T>(work: () => T): T => provision.attempt(work);
  const subnetIds = isLeftOut(args.subnetIds)
    ? makeOnce(provision, "subnets", chooseSubnets(provision, args.vpcId, instanceType)).apply((ids) =>
        ids.split(","),
      )
    : (checkFleetLater("subnetIds", args.subnetIds, attempt) as pulumi.Output<string[]>);
  const first = subnetIds.apply(([first = ""]) => first);
  const { vpcId } = getSubnetOutput({ id: first, ...provision.region }, provision.invoking);
  return { subnetIds, vpcId };
}

/** Ids with commas between them. */
function chooseSubnets(
  provision: Provision,
  givenVpc: pulumi.Input<string> | undefined,
  instanceType: pulumi.Output<string>,
): pulumi.Output<string> {
  const { ids, vpcId } = publicSubnets(provision, givenVpc, instanceType);
  const subnets = ids.apply((ids) =>
    pulumi.all(
      ids.map((id) => {
        const { availabilityZone } = getSubnetOutput({ id, ...provision.region }, provision.invoking);
        return availabilityZone.apply((availabilityZone): ZoneSubnet => ({ id, availabilityZone }));
      }),
    ),
  );
  return pulumi
    .all([subnets, vpcId, instanceType])
    .apply(([subnets, vpcId, instanceType]) =>
      provision.attempt(() => oneInEachZone(subnets, vpcId, instanceType).join(",")),
    );
}

/**
 * Ids of subnets, one in each zone; the same ones whenever there are the same ones.
 *
 * @throws Error when there is none
 */
export function oneInEachZone(subnets: readonly ZoneSubnet[], vpcId: string, instanceType: string): string[] {
  const byZone = new Map<string, string>();
  for (const { id, availabilityZone } of [...subnets].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    if (!byZone.has(availabilityZone)) byZone.set(availabilityZone, id);
  }
  if (byZone.size > 0) return [...byZone.values()];
  throw new Error(
    `the VPC ${vpcId} has no public subnet in a zone that has ${instanceType}: give subnetIds, or another instanceType`,
  );
}
