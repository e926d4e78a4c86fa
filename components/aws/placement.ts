import { getInstanceTypeOfferingsOutput } from "@pulumi/aws/ec2/getInstanceTypeOfferings.js";
import { getSubnetOutput } from "@pulumi/aws/ec2/getSubnet.js";
import { getSubnetsOutput } from "@pulumi/aws/ec2/getSubnets.js";
import { getVpcOutput } from "@pulumi/aws/ec2/getVpc.js";
import * as pulumi from "@pulumi/pulumi";
import { isLeftOut } from "../arguments/argument-kind.ts";
import { makeOnce } from "../deployment/identity.ts";
import type { AwsVpnServerArgs } from "./aws-server-arguments.ts";
import type { Provision } from "./provision.ts";

/** Where in AWS's network an instance is. */
export interface Placement {
  readonly subnetId: pulumi.Output<string>;
  readonly vpcId: pulumi.Output<string>;
  readonly availabilityZone: pulumi.Output<string>;
}

/**
 * The given subnet, or one that is chosen once: what is found later may be in another zone, where the state is not, and would replace the
 * instance.
 */
export function placeInstance(
  provision: Provision,
  args: Pick<AwsVpnServerArgs, "subnetId" | "vpcId">,
  instanceType: pulumi.Output<string>,
): Placement {
  const subnetId = isLeftOut(args.subnetId)
    ? makeOnce(provision, "subnet", chooseSubnet(provision, args.vpcId, instanceType))
    : pulumi.output(args.subnetId);
  const subnet = getSubnetOutput({ id: subnetId, ...provision.region }, provision.invoking);
  return { subnetId, vpcId: subnet.vpcId, availabilityZone: subnet.availabilityZone };
}

/** A subnet that gives public addresses, in a zone that has the instance type. */
function chooseSubnet(
  provision: Provision,
  givenVpc: pulumi.Input<string> | undefined,
  instanceType: pulumi.Output<string>,
): pulumi.Output<string> {
  const { ids, vpcId } = publicSubnets(provision, givenVpc, instanceType);
  return pulumi
    .all([ids, vpcId, instanceType])
    .apply(([ids, vpcId, instanceType]) => provision.attempt(() => subnetAmong(ids, vpcId, instanceType)));
}

/** The subnets of a VPC that give public addresses, in zones that have the instance type: not every zone has every one. */
export function publicSubnets(
  provision: Provision,
  givenVpc: pulumi.Input<string> | undefined,
  instanceType: pulumi.Output<string>,
): { readonly ids: pulumi.Output<string[]>; readonly vpcId: pulumi.Output<string> } {
  const { region, invoking } = provision;
  const vpcId = isLeftOut(givenVpc)
    ? getVpcOutput({ default: true, ...region }, invoking).id
    : pulumi.output(givenVpc);
  const offerings = getInstanceTypeOfferingsOutput(
    {
      locationType: "availability-zone",
      filters: [{ name: "instance-type", values: [instanceType] }],
      ...region,
    },
    invoking,
  );
  const isPublic = isLeftOut(givenVpc) ? "default-for-az" : "map-public-ip-on-launch";
  const subnets = getSubnetsOutput(
    {
      filters: [
        { name: "vpc-id", values: [vpcId] },
        { name: "availability-zone", values: offerings.locations },
        { name: isPublic, values: ["true"] },
      ],
      ...region,
    },
    invoking,
  );
  return { ids: subnets.ids, vpcId };
}

/**
 * The same one whenever there are the same ones.
 *
 * @throws Error when there is none
 */
export function subnetAmong(ids: readonly string[], vpcId: string, instanceType: string): string {
  const [first] = [...ids].sort();
  if (first !== undefined) return first;
  throw new Error(
    `the VPC ${vpcId} has no public subnet in a zone that has ${instanceType}: give subnetId, or another instanceType`,
  );
}
