import type { GroupArgs } from "@pulumi/aws/autoscaling/group.js";
import type { PolicyArgs } from "@pulumi/aws/autoscaling/policy.js";
import type { LaunchTemplateArgs } from "@pulumi/aws/ec2/launchTemplate.js";
import type { SecurityGroupArgs } from "@pulumi/aws/ec2/securityGroup.js";
import type { RolePolicyArgs } from "@pulumi/aws/iam/rolePolicy.js";
import type { ListenerArgs } from "@pulumi/aws/lb/listener.js";
import type { LoadBalancerArgs } from "@pulumi/aws/lb/loadBalancer.js";
import type { TargetGroupArgs } from "@pulumi/aws/lb/targetGroup.js";
import type { BucketArgs } from "@pulumi/aws/s3/bucket.js";
import type { BucketObjectv2Args } from "@pulumi/aws/s3/bucketObjectv2.js";
import type { BucketPublicAccessBlockArgs } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import type { SecretArgs } from "@pulumi/aws/secretsmanager/secret.js";
import type { SecretVersionArgs } from "@pulumi/aws/secretsmanager/secretVersion.js";
import type { AwsChildArgs, AwsChildTransform } from "../aws-transforms.ts";

/** What each child of an AwsVpnFleet is made with. */
export interface AwsFleetChildArgs extends Pick<
  AwsChildArgs,
  "securityGroup" | "ingressRule" | "egressRule" | "role" | "rolePolicy" | "instanceProfile"
> {
  loadBalancerSecurityGroup: SecurityGroupArgs;
  loadBalancer: LoadBalancerArgs;
  targetGroup: TargetGroupArgs;
  listener: ListenerArgs;
  releaseBucket: BucketArgs;
  releaseBucketAccess: BucketPublicAccessBlockArgs;
  release: BucketObjectv2Args;
  secret: SecretArgs;
  secretVersion: SecretVersionArgs;
  bootPolicy: RolePolicyArgs;
  launchTemplate: LaunchTemplateArgs;
  group: GroupArgs;
  scalingPolicy: PolicyArgs;
}

/** Changes to the children of an AwsVpnFleet. */
export type AwsFleetTransforms = {
  readonly [Child in keyof AwsFleetChildArgs]?: AwsChildTransform<AwsFleetChildArgs[Child]>;
};

/** Everything that a transform of an AwsVpnFleet may change. */
export const awsFleetChildren = [
  "securityGroup",
  "loadBalancerSecurityGroup",
  "ingressRule",
  "egressRule",
  "loadBalancer",
  "targetGroup",
  "listener",
  "releaseBucket",
  "releaseBucketAccess",
  "release",
  "secret",
  "secretVersion",
  "role",
  "rolePolicy",
  "bootPolicy",
  "instanceProfile",
  "launchTemplate",
  "group",
  "scalingPolicy",
] as const satisfies readonly (keyof AwsFleetChildArgs)[];
