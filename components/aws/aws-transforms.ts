import type { VolumeArgs } from "@pulumi/aws/ebs/volume.js";
import type { EipArgs } from "@pulumi/aws/ec2/eip.js";
import type { EipAssociationArgs } from "@pulumi/aws/ec2/eipAssociation.js";
import type { InstanceArgs } from "@pulumi/aws/ec2/instance.js";
import type { KeyPairArgs } from "@pulumi/aws/ec2/keyPair.js";
import type { SecurityGroupArgs } from "@pulumi/aws/ec2/securityGroup.js";
import type { VolumeAttachmentArgs } from "@pulumi/aws/ec2/volumeAttachment.js";
import type { InstanceProfileArgs } from "@pulumi/aws/iam/instanceProfile.js";
import type { RoleArgs } from "@pulumi/aws/iam/role.js";
import type { RolePolicyAttachmentArgs } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import type { SecurityGroupEgressRuleArgs } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import type { SecurityGroupIngressRuleArgs } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import * as pulumi from "@pulumi/pulumi";
import {
  changesOf,
  serverChildren,
  type Changes,
  type ServerTransforms,
} from "../deployment/child-transform.ts";

/** A child resource as it would be registered. */
export interface AwsChild<Args> {
  /** Name of the resource, such as `edge-instance`. */
  readonly name: string;
  readonly args: Args;
  readonly opts: pulumi.CustomResourceOptions;
}

/**
 * Changes arguments or options of a child; what it does not return stays. Options that are lists, such as `ignoreChanges`, are added to those
 * of the component. Its parent stays in any case.
 */
export type AwsChildTransform<Args> = (
  child: AwsChild<Args>,
) => Changes<Partial<Args>, pulumi.CustomResourceOptions> | undefined;

/** What each child on AWS is made with. */
export interface AwsChildArgs {
  securityGroup: SecurityGroupArgs;
  ingressRule: SecurityGroupIngressRuleArgs;
  egressRule: SecurityGroupEgressRuleArgs;
  keyPair: KeyPairArgs;
  address: EipArgs;
  addressAssociation: EipAssociationArgs;
  stateVolume: VolumeArgs;
  stateAttachment: VolumeAttachmentArgs;
  instance: InstanceArgs;
  role: RoleArgs;
  rolePolicy: RolePolicyAttachmentArgs;
  instanceProfile: InstanceProfileArgs;
}

/** Changes to the children of an AwsVpnServer on AWS, and to those of its server. */
export type AwsServerTransforms = ServerTransforms & {
  readonly [Child in keyof AwsChildArgs]?: AwsChildTransform<AwsChildArgs[Child]>;
};

export const awsChildren = [
  "securityGroup",
  "ingressRule",
  "egressRule",
  "keyPair",
  "address",
  "addressAssociation",
  "stateVolume",
  "stateAttachment",
  "instance",
  "role",
  "rolePolicy",
  "instanceProfile",
] as const satisfies readonly (keyof AwsChildArgs)[];

/** Everything that a transform of an AwsVpnServer may change. */
export const awsServerChildren = [...awsChildren, ...serverChildren] as const;

/** The transforms of the server itself. */
export function serverTransformsOf({ install, hubs, repair }: AwsServerTransforms): ServerTransforms {
  return { ...(install && { install }), ...(hubs && { hubs }), ...(repair && { repair }) };
}

/**
 * The child as its transform wants it.
 *
 * @throws Error when it returns something else than changes
 */
export function transformAwsChild<Args>(
  child: string,
  transform: AwsChildTransform<Args> | undefined,
  resource: AwsChild<Args>,
): AwsChild<Args> {
  const { args, opts } = changesOf(child, transform?.(resource));
  // What the component ignores and waits for is how it works: others are added to it.
  const merged = pulumi.mergeOptions(resource.opts, opts);
  const { ignoreChanges } = merged;
  return {
    ...resource,
    args: { ...resource.args, ...args },
    opts: { ...merged, ...(ignoreChanges && { ignoreChanges: [...new Set(ignoreChanges)] }) },
  };
}
