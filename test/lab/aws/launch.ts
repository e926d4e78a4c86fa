import type { AwsApi, Parameter } from "./api/aws-api.ts";
import { at, listAt, textAt, type XmlValue } from "./api/xml.ts";

/** By which an instance tells its group. */
export const groupTag = "aws:autoscaling:groupName";

interface Launch {
  readonly templateId: string;
  readonly version: string;
  /** One of them, in a zone each. */
  readonly subnets: readonly string[];
  /** Who is there already. */
  readonly memberIds: readonly string[];
  readonly tags: readonly { Key: string; Value: string }[];
}

/** Starts an instance of a launch template, in the subnet where the fewest members are. Resolves to its id. */
export async function launchInstance(
  api: AwsApi,
  { templateId, version, subnets, memberIds, tags }: Launch,
): Promise<string> {
  const [described, instances] = await Promise.all([
    api.ec2("DescribeLaunchTemplateVersions", {
      LaunchTemplateId: templateId,
      LaunchTemplateVersion: [version],
    }),
    memberIds.length === 0 ? "" : api.ec2("DescribeInstances", { InstanceId: memberIds }),
  ]);
  const used = listAt(instances, "reservationSet")
    .flatMap((one) => listAt(one, "instancesSet"))
    .map((one) => textAt(one, "subnetId"));
  const count = (subnet: string) => used.filter((one) => one === subnet).length;
  const [subnet] = [...subnets].sort((one, other) => count(one) - count(other));
  const data = at(described, "launchTemplateVersionSet.0.launchTemplateData");
  const text = (path: string) => textAt(data, path) || undefined;
  const profile = text("iamInstanceProfile.name");
  const answer = await api.ec2("RunInstances", {
    MinCount: 1,
    MaxCount: 1,
    ImageId: text("imageId"),
    InstanceType: text("instanceType"),
    UserData: text("userData"),
    SubnetId: subnet,
    SecurityGroupId: listAt(data, "securityGroupIdSet").map(String),
    ...(profile !== undefined && { IamInstanceProfile: { Name: profile } }),
    MetadataOptions: {
      HttpTokens: text("metadataOptions.httpTokens"),
      HttpEndpoint: text("metadataOptions.httpEndpoint"),
      HttpPutResponseHopLimit: text("metadataOptions.httpPutResponseHopLimit"),
    },
    BlockDeviceMapping: listAt(data, "blockDeviceMappingSet").map((mapping) => ({
      DeviceName: textAt(mapping, "deviceName"),
      Ebs: {
        Encrypted: textAt(mapping, "ebs.encrypted") || undefined,
        VolumeSize: textAt(mapping, "ebs.volumeSize") || 8,
        VolumeType: textAt(mapping, "ebs.volumeType") || undefined,
        DeleteOnTermination: textAt(mapping, "ebs.deleteOnTermination") || true,
      },
    })),
    TagSpecification: tagSpecifications(listAt(data, "tagSpecificationSet"), tags),
  });
  return textAt(answer, "instancesSet.0.instanceId");
}

function tagSpecifications(
  given: readonly XmlValue[],
  more: readonly { Key: string; Value: string }[],
): Parameter[] {
  // The server of the API tags instances and volumes only.
  return ["instance", "volume"].flatMap((type) => {
    const tags = given
      .filter((one) => textAt(one, "resourceType") === type)
      .flatMap((one) => listAt(one, "tagSet"))
      .map((tag) => ({ Key: textAt(tag, "key"), Value: textAt(tag, "value") }));
    const all = type === "instance" ? [...tags, ...more] : tags;
    return all.length === 0 ? [] : [{ ResourceType: type, Tag: all }];
  });
}
