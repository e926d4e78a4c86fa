import { Group } from "@pulumi/aws/autoscaling/group.js";
import { Policy } from "@pulumi/aws/autoscaling/policy.js";
import { getAmiOutput } from "@pulumi/aws/ec2/getAmi.js";
import { LaunchTemplate } from "@pulumi/aws/ec2/launchTemplate.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import * as pulumi from "@pulumi/pulumi";
import { makeInstanceRole, type InstanceRole } from "../instance-role.ts";
import { metadataOptions } from "../instance.ts";
import { nameWhereNeeded } from "../physical-names.ts";
import type { Provision } from "../provision.ts";
import { bootScript } from "./boot-script.ts";
import type { FleetScalingArgs } from "./fleet-arguments.ts";
import type { FleetPlacement } from "./fleet-placement.ts";
import type { Balanced } from "./load-balancer.ts";
import { releasePrefix, type Releases } from "./releases.ts";
import { scalingTarget, usesConnections } from "./scaling.ts";
import type { FleetSecret } from "./secrets.ts";

/** How long an instance may take from its launch until it serves: what it fetches has five minutes, the rest is booting. */
const bootSeconds = 600;

export interface FleetMembers {
  readonly imageId: pulumi.Output<string>;
  readonly instanceType: pulumi.Output<string>;
  readonly releases: Releases;
  readonly secrets: readonly FleetSecret[];
  readonly ports: readonly number[];
  readonly sessionManager: boolean;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly scaling: FleetScalingArgs | undefined;
  readonly minHealthyPercentage: pulumi.Output<number>;
}

/** The instances: what each begins with, and how many there are. */
export function makeGroup(
  provision: Provision,
  placement: FleetPlacement,
  balanced: Balanced,
  members: FleetMembers,
): Group {
  const { region } = provision;
  const { minInstances, scaling, minHealthyPercentage } = members;
  const template = makeLaunchTemplate(provision, balanced, members);
  const group = provision.make(
    "group",
    Group,
    "group",
    {
      ...nameWhereNeeded("group", provision.nameOf("group")),
      vpcZoneIdentifiers: placement.subnetIds,
      // How many there are between the two is left to AWS: it is not put back by an "up".
      minSize: minInstances,
      maxSize: members.maxInstances,
      launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
      targetGroupArns: balanced.targetGroups.map(({ arn }) => arn),
      healthCheckType: "ELB",
      healthCheckGracePeriod: bootSeconds,
      defaultInstanceWarmup: 60,
      // The first "up" ends when they serve.
      minElbCapacity: minInstances,
      waitForCapacityTimeout: "20m",
      instanceRefresh: {
        strategy: "Rolling",
        preferences: {
          minHealthyPercentage,
          // With all of them healthy all the time, a new one has to come before a former one goes.
          maxHealthyPercentage: minHealthyPercentage.apply((percent) => (percent === 100 ? 110 : 100)),
          autoRollback: true,
          skipMatching: true,
        },
      },
      ...(usesConnections(scaling) && {
        enabledMetrics: ["GroupInServiceInstances" as const],
        metricsGranularity: "1Minute",
      }),
      tags: provision
        .tags("group")
        .apply((tags) =>
          Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: false })),
        ),
      ...region,
    },
    {
      // Health is told by target groups that a listener leads to.
      dependsOn: [...balanced.listeners],
      // To go, all instances drain their sessions, for an hour at most.
      customTimeouts: { delete: "90m" },
    },
  );
  if (scaling !== undefined) {
    provision.make("scalingPolicy", Policy, "scaling", {
      autoscalingGroupName: group.name,
      policyType: "TargetTrackingScaling",
      targetTrackingConfiguration: scalingTarget(scaling, {
        group: group.name,
        loadBalancer: balanced.loadBalancer.arnSuffix,
      }),
      ...region,
    });
  }
  return group;
}

function makeLaunchTemplate(
  provision: Provision,
  { securityGroup }: Balanced,
  members: FleetMembers,
): LaunchTemplate {
  const { region, invoking } = provision;
  const { role, profile } = makeInstanceRole(provision, members);
  const policy = makeBootPolicy(provision, role, members);
  const { rootDeviceName } = getAmiOutput(
    // An image is deprecated long before it goes.
    { filters: [{ name: "image-id", values: [members.imageId] }], includeDeprecated: true, ...region },
    invoking,
  );
  const tagged = (resourceType: string, suffix: string) => ({ resourceType, tags: provision.tags(suffix) });
  return provision.make(
    "launchTemplate",
    LaunchTemplate,
    "launch-template",
    {
      ...nameWhereNeeded("launchTemplate", provision.nameOf("launch-template")),
      imageId: members.imageId,
      instanceType: members.instanceType,
      userData: userDataOf(provision, members),
      vpcSecurityGroupIds: [securityGroup.id],
      iamInstanceProfile: { name: profile.name },
      updateDefaultVersion: true,
      metadataOptions,
      blockDeviceMappings: [
        {
          deviceName: rootDeviceName,
          ebs: { encrypted: "true", volumeType: "gp3", deleteOnTermination: "true" },
        },
      ],
      // A minute is what a target is tracked by.
      monitoring: { enabled: members.scaling?.networkOutMbps !== undefined },
      tagSpecifications: [
        tagged("instance", "instance"),
        tagged("volume", "root"),
        tagged("network-interface", "instance"),
      ],
      tags: provision.tags("launch-template"),
      ...region,
    },
    // What the first instance needs the moment it boots.
    { dependsOn: [policy, members.releases.object] },
  );
}

/** Base64, as a launch template has it. */
function userDataOf(provision: Provision, { releases, secrets, ports }: FleetMembers): pulumi.Output<string> {
  return pulumi
    .all([
      releases.bucket.bucket,
      releases.object.key,
      releases.release,
      pulumi.all(
        secrets.map(({ arn, version }) =>
          pulumi.all([arn, version]).apply(([arn, version]) => ({ arn, version })),
        ),
      ),
    ])
    .apply(([bucket, key, { sha256, bytes }, secrets]) => {
      const script = bootScript({
        fleet: provision.name,
        bucket,
        key,
        sha256,
        bytes,
        secrets,
        listeners: ports,
      });
      return Buffer.from(script).toString("base64");
    });
}

/** What an instance may do: read its release and its two secrets. Nothing else, and nothing that it could write. */
function makeBootPolicy(
  provision: Provision,
  role: InstanceRole["role"],
  { releases, secrets }: FleetMembers,
): RolePolicy {
  const allow = (action: string, resources: string[]) => ({
    Effect: "Allow",
    Action: action,
    Resource: resources,
  });
  return provision.make("bootPolicy", RolePolicy, "boot-policy", {
    ...nameWhereNeeded("rolePolicy", provision.nameOf("boot-policy")),
    role: role.name,
    policy: pulumi
      .all([releases.bucket.arn, pulumi.all(secrets.map(({ arn }) => arn))])
      .apply(([bucketArn, secretArns]) =>
        JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            allow("s3:GetObject", [`${bucketArn}/${releasePrefix}*`]),
            allow("secretsmanager:GetSecretValue", secretArns),
          ],
        }),
      ),
  });
}
