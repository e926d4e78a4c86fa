import { setTimeout as delay } from "node:timers/promises";
import type { AwsApi, Parameter } from "../api/aws-api.ts";
import { listAt, textAt, type XmlValue } from "../api/xml.ts";
import { groupTag } from "../launch.ts";
import type { Values } from "../types/type-check.ts";
import { accountId } from "./look-ups.ts";
import { imageRefusals, typeRefusals } from "./instance-kinds.ts";
import { nameRefusals } from "./name-refusals.ts";
import type { ResourceKind } from "./resource-kind.ts";
import {
  firstOf,
  ifFound,
  isChanged,
  object,
  pascalCased,
  scalar,
  tagsIn,
  tagSpecification,
  text,
  texts,
} from "./values.ts";

const launchTemplate: ResourceKind = {
  carriesOut: [
    "blockDeviceMappings",
    "description",
    "iamInstanceProfile",
    "imageId",
    "instanceType",
    "metadataOptions",
    "monitoring",
    "name",
    "namePrefix",
    "tagSpecifications",
    "updateDefaultVersion",
    "userData",
    "vpcSecurityGroupIds",
  ],
  replaces: ["name", "namePrefix"],
  autoNamed: "name",
  async refusals(inputs, api) {
    const asInstance = { ...inputs, ami: inputs["imageId"] };
    return [
      ...nameRefusals(inputs, { most: 125, allowed: /^[A-Za-z0-9().\-/_]*$/ }),
      ...imageRefusals(asInstance, api.region),
      ...(await typeRefusals(asInstance, api)),
    ];
  },
  async create(inputs, api) {
    const answer = await api.ec2("CreateLaunchTemplate", {
      LaunchTemplateName: text(inputs, "name"),
      VersionDescription: text(inputs, "description"),
      LaunchTemplateData: templateDataOf(inputs),
      TagSpecification: tagSpecification("launch-template", inputs),
    });
    return textAt(answer, "launchTemplate.launchTemplateId");
  },
  async read(id, _, api) {
    const answer = await ifFound(api.ec2("DescribeLaunchTemplates", { LaunchTemplateId: [id] }));
    const found = firstOf(answer, "launchTemplates");
    return found === undefined
      ? undefined
      : {
          arn: `arn:aws:ec2:${api.region}:${accountId}:launch-template/${id}`,
          defaultVersion: Number(textAt(found, "defaultVersionNumber")),
          latestVersion: Number(textAt(found, "latestVersionNumber")),
          name: textAt(found, "launchTemplateName"),
          tags: tagsIn(found),
        };
  },
  async update(id, inputs, former, api) {
    const others = ["tags", "updateDefaultVersion"];
    const names = Object.keys({ ...inputs, ...former }).filter((name) => !others.includes(name));
    if (!names.some((name) => isChanged(name, inputs, former))) return;
    const answer = await api.ec2("CreateLaunchTemplateVersion", {
      LaunchTemplateId: id,
      VersionDescription: text(inputs, "description"),
      LaunchTemplateData: templateDataOf(inputs),
    });
    if (inputs["updateDefaultVersion"] !== true) return;
    const version = textAt(answer, "launchTemplateVersion.versionNumber");
    await api.ec2("ModifyLaunchTemplate", { LaunchTemplateId: id, SetDefaultVersion: version });
  },
  async delete(id, _, api) {
    await ifFound(api.ec2("DeleteLaunchTemplate", { LaunchTemplateId: id }));
  },
};

function templateDataOf(inputs: Values): Parameter {
  const mappings = (inputs["blockDeviceMappings"] ?? []) as Values[];
  const specifications = (inputs["tagSpecifications"] ?? []) as Values[];
  return {
    ImageId: text(inputs, "imageId"),
    InstanceType: text(inputs, "instanceType"),
    UserData: text(inputs, "userData"),
    SecurityGroupId: texts(inputs, "vpcSecurityGroupIds"),
    IamInstanceProfile: pascalCased(object(inputs, "iamInstanceProfile")),
    MetadataOptions: pascalCased(object(inputs, "metadataOptions")),
    Monitoring: pascalCased(object(inputs, "monitoring")),
    BlockDeviceMapping: mappings.map(pascalCased),
    TagSpecification: specifications.flatMap((one) =>
      tagSpecification(text(one, "resourceType") ?? "instance", one),
    ),
  };
}

const group: ResourceKind = {
  carriesOut: [
    "defaultInstanceWarmup",
    "desiredCapacity",
    "enabledMetrics",
    "forceDelete",
    "healthCheckGracePeriod",
    "healthCheckType",
    "instanceRefresh",
    "launchTemplate",
    "maxSize",
    "metricsGranularity",
    "minElbCapacity",
    "minSize",
    "name",
    "namePrefix",
    "tags",
    "targetGroupArns",
    "vpcZoneIdentifiers",
    "waitForCapacityTimeout",
  ],
  replaces: ["name", "namePrefix"],
  autoNamed: "name",
  async refusals(inputs) {
    const [min, max] = [Number(inputs["minSize"]), Number(inputs["maxSize"])];
    const reason = `a group has at most as many instances as maxSize says, so not ${min} to ${max}`;
    const sizes = min > max ? [{ property: "minSize", reason }] : [];
    return sizes.concat(nameRefusals(inputs, { most: 255, allowed: /^[\x20-\x39\x3b-\x7e]*$/ }));
  },
  async create(inputs, api) {
    const name = text(inputs, "name") ?? "";
    await api.autoScaling("CreateAutoScalingGroup", {
      AutoScalingGroupName: name,
      // The lab starts the instances, not the server of the API, which would put them all into one zone and forget their roles.
      DesiredCapacity: 0,
      ...groupOf(inputs),
      TargetGroupARNs: texts(inputs, "targetGroupArns"),
      Tags: tagsOf(name, inputs),
    });
    await collectMetrics(name, inputs, api);
    await setDesiredCapacity(name, inputs, api);
    await becomesHealthy(name, inputs, api);
    return name;
  },
  async read(id, _, api) {
    const found = await describe(id, api);
    return found === undefined
      ? undefined
      : {
          arn: textAt(found, "AutoScalingGroupARN"),
          availabilityZones: listAt(found, "AvailabilityZones"),
          healthCheckType: textAt(found, "HealthCheckType"),
          maxSize: Number(textAt(found, "MaxSize")),
          minSize: Number(textAt(found, "MinSize")),
          name: id,
        };
  },
  async update(id, inputs, former, api) {
    await api.autoScaling("UpdateAutoScalingGroup", {
      AutoScalingGroupName: id,
      DesiredCapacity: 0,
      ...groupOf(inputs),
    });
    if (isChanged("targetGroupArns", inputs, former)) await attach(id, inputs, former, api);
    if (isChanged("desiredCapacity", inputs, former)) await setDesiredCapacity(id, inputs, api);
    if (isChanged("tags", inputs, former)) await changeTags(id, inputs, former, api);
    if (isChanged("enabledMetrics", inputs, former)) await collectMetrics(id, inputs, api);
    const refresh = object(inputs, "instanceRefresh");
    if (refresh === undefined || !isChanged("launchTemplate", inputs, former)) return;
    await api.autoScaling("StartInstanceRefresh", {
      AutoScalingGroupName: id,
      Strategy: text(refresh, "strategy"),
      Preferences: pascalCased(object(refresh, "preferences")),
    });
  },
  async delete(id, _, api) {
    if ((await describe(id, api)) === undefined) return;
    await api.autoScaling("DeleteAutoScalingGroup", { AutoScalingGroupName: id, ForceDelete: true });
    await isEmpty(id, api);
  },
};

function tagsOf(group: string, inputs: Values): Parameter[] {
  const tags = (inputs["tags"] ?? []) as Values[];
  return tags.map((tag) => ({
    ResourceId: group,
    ResourceType: "auto-scaling-group",
    Key: scalar(tag, "key"),
    Value: scalar(tag, "value"),
    PropagateAtLaunch: scalar(tag, "propagateAtLaunch"),
  }));
}

async function changeTags(group: string, inputs: Values, former: Values, api: AwsApi): Promise<void> {
  const kept = new Set(((inputs["tags"] ?? []) as Values[]).map((tag) => tag["key"]));
  const gone = tagsOf(group, former).filter((tag) => !kept.has((tag as Values)["Key"]));
  if (gone.length > 0) await api.autoScaling("DeleteTags", { Tags: gone });
  const tags = tagsOf(group, inputs);
  if (tags.length > 0) await api.autoScaling("CreateOrUpdateTags", { Tags: tags });
}

async function collectMetrics(group: string, inputs: Values, api: AwsApi): Promise<void> {
  const metrics = texts(inputs, "enabledMetrics");
  if (metrics.length === 0) return;
  await api.autoScaling("EnableMetricsCollection", {
    AutoScalingGroupName: group,
    Granularity: text(inputs, "metricsGranularity") ?? "1Minute",
    Metrics: metrics,
  });
}

function groupOf(inputs: Values): Record<string, Parameter> {
  const template = object(inputs, "launchTemplate");
  return {
    MinSize: scalar(inputs, "minSize"),
    MaxSize: scalar(inputs, "maxSize"),
    HealthCheckType: text(inputs, "healthCheckType"),
    HealthCheckGracePeriod: scalar(inputs, "healthCheckGracePeriod"),
    DefaultInstanceWarmup: scalar(inputs, "defaultInstanceWarmup"),
    VPCZoneIdentifier: texts(inputs, "vpcZoneIdentifiers").join(","),
    LaunchTemplate: {
      LaunchTemplateId: scalar(template, "id"),
      LaunchTemplateName: scalar(template, "name"),
      Version: scalar(template, "version"),
    },
  };
}

async function describe(name: string, api: AwsApi): Promise<XmlValue | undefined> {
  const answer = await api.autoScaling("DescribeAutoScalingGroups", { AutoScalingGroupNames: [name] });
  return firstOf(answer, "AutoScalingGroups");
}

async function attach(name: string, inputs: Values, former: Values, api: AwsApi): Promise<void> {
  const [wanted, had] = [texts(inputs, "targetGroupArns"), texts(former, "targetGroupArns")];
  const named = { AutoScalingGroupName: name };
  const gone = had.filter((arn) => !wanted.includes(arn));
  const added = wanted.filter((arn) => !had.includes(arn));
  if (added.length > 0) {
    await api.autoScaling("AttachLoadBalancerTargetGroups", { ...named, TargetGroupARNs: added });
  }
  if (gone.length > 0) {
    await api.autoScaling("DetachLoadBalancerTargetGroups", { ...named, TargetGroupARNs: gone });
  }
}

async function setDesiredCapacity(name: string, inputs: Values, api: AwsApi): Promise<void> {
  const desired = scalar(inputs, "desiredCapacity");
  if (desired === undefined) return;
  const parameters = { AutoScalingGroupName: name, DesiredCapacity: desired };
  await api.autoScaling("SetDesiredCapacity", parameters);
}

const pollMs = 500;

/** The provider waits until as many instances as `minElbCapacity` says are healthy in each target group. */
async function becomesHealthy(name: string, inputs: Values, api: AwsApi): Promise<void> {
  const wanted = Number(inputs["minElbCapacity"] ?? 0);
  const deadline = Date.now() + durationMs(text(inputs, "waitForCapacityTimeout") ?? "10m");
  for (const arn of wanted === 0 ? [] : texts(inputs, "targetGroupArns")) {
    for (;;) {
      const answer = await api.loadBalancing("DescribeTargetHealth", { TargetGroupArn: arn });
      const targets = listAt(answer, "TargetHealthDescriptions");
      const healthy = targets.filter((target) => textAt(target, "TargetHealth.State") === "healthy");
      if (healthy.length >= wanted) break;
      if (Date.now() > deadline) {
        throw new Error(
          `${name}: ${healthy.length} of ${wanted} instances are healthy in ${arn} at the end of the wait`,
        );
      }
      await delay(pollMs);
    }
  }
}

/** A group takes its instances along, and its security groups have to be free of them. */
async function isEmpty(name: string, api: AwsApi): Promise<void> {
  const deadline = Date.now() + durationMs("10m");
  const filters = [
    { Name: `tag:${groupTag}`, Value: [name] },
    { Name: "instance-state-name", Value: ["pending", "running"] },
  ];
  for (;;) {
    const answer = await api.ec2("DescribeInstances", { Filter: filters });
    if (listAt(answer, "reservationSet").length === 0) return;
    if (Date.now() > deadline) throw new Error(`${name}: its instances do not end`);
    await delay(pollMs);
  }
}

function durationMs(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000 };
  const parts = [...duration.matchAll(/(\d+)([hms])/g)];
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0), 0);
}

const policy: ResourceKind = {
  carriesOut: ["autoscalingGroupName", "name", "policyType", "targetTrackingConfiguration"],
  replaces: ["autoscalingGroupName", "name"],
  autoNamed: "name",
  async refusals(inputs) {
    const type = text(inputs, "policyType");
    const reason = `the lab keeps policies of the type TargetTrackingScaling, not "${type}"`;
    return type === "TargetTrackingScaling" ? [] : [{ property: "policyType", reason }];
  },
  async create(inputs, api) {
    await putPolicy(inputs, api);
    return text(inputs, "name") ?? "";
  },
  async read(id, inputs, api) {
    const named = { AutoScalingGroupName: text(inputs, "autoscalingGroupName"), PolicyNames: [id] };
    const found = firstOf(await ifFound(api.autoScaling("DescribePolicies", named)), "ScalingPolicies");
    return found === undefined ? undefined : { arn: textAt(found, "PolicyARN"), name: id };
  },
  update: (_, inputs, __, api) => putPolicy(inputs, api),
  async delete(id, inputs, api) {
    const named = { AutoScalingGroupName: text(inputs, "autoscalingGroupName"), PolicyName: id };
    await ifFound(api.autoScaling("DeletePolicy", named));
  },
};

async function putPolicy(inputs: Values, api: AwsApi): Promise<void> {
  await api.autoScaling("PutScalingPolicy", {
    AutoScalingGroupName: text(inputs, "autoscalingGroupName"),
    PolicyName: text(inputs, "name"),
    PolicyType: text(inputs, "policyType"),
    TargetTrackingConfiguration: pascalCased(object(inputs, "targetTrackingConfiguration")),
  });
}

export const scalingKinds: Readonly<Record<string, ResourceKind>> = {
  "aws:autoscaling/group:Group": group,
  "aws:autoscaling/policy:Policy": policy,
  "aws:ec2/launchTemplate:LaunchTemplate": launchTemplate,
};
