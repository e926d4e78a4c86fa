import type { AwsApi } from "../api/aws-api.ts";
import { listAt, textAt, type XmlValue } from "../api/xml.ts";
import type { Values } from "../types/type-check.ts";
import { imagesIn } from "./images.ts";
import type { LookUp } from "./resource-kind.ts";
import { filtersOf, firstOf, isTrue, tagsIn, text, texts } from "./values.ts";

/** The account that the lab's AWS is of. */
export const accountId = "123456789012";

async function getVpc(args: Values, api: AwsApi): Promise<Values> {
  const id = text(args, "id");
  const filters = filtersOf(args, args["default"] === true ? { isDefault: "true" } : {});
  const answer = await api.ec2("DescribeVpcs", { ...(id !== undefined && { VpcId: [id] }), Filter: filters });
  const vpc = onlyOne(listAt(answer, "vpcSet"), "VPC");
  return {
    id: textAt(vpc, "vpcId"),
    arn: `arn:aws:ec2:${api.region}:${accountId}:vpc/${textAt(vpc, "vpcId")}`,
    cidrBlock: textAt(vpc, "cidrBlock"),
    default: isTrue(vpc, "isDefault"),
    ownerId: textAt(vpc, "ownerId"),
    region: api.region,
    state: textAt(vpc, "state"),
    tags: tagsIn(vpc),
  };
}

async function getSubnets(args: Values, api: AwsApi): Promise<Values> {
  const answer = await api.ec2("DescribeSubnets", { Filter: filtersOf(args) });
  const ids = listAt(answer, "subnetSet").map((subnet) => textAt(subnet, "subnetId"));
  return { id: api.region, region: api.region, ids };
}

async function getSubnet(args: Values, api: AwsApi): Promise<Values> {
  const id = text(args, "id");
  const names = { vpcId: "vpc-id", availabilityZone: "availability-zone", cidrBlock: "cidr-block" };
  const more = Object.entries(names).flatMap(([name, filter]) => {
    const value = text(args, name);
    return value === undefined ? [] : [[filter, value] as const];
  });
  if (args["defaultForAz"] === true) more.push(["default-for-az", "true"]);
  const answer = await api.ec2("DescribeSubnets", {
    ...(id !== undefined && { SubnetId: [id] }),
    Filter: filtersOf(args, Object.fromEntries(more)),
  });
  const subnet = onlyOne(listAt(answer, "subnetSet"), "subnet");
  return {
    id: textAt(subnet, "subnetId"),
    arn: textAt(subnet, "subnetArn"),
    availabilityZone: textAt(subnet, "availabilityZone"),
    availabilityZoneId: textAt(subnet, "availabilityZoneId"),
    cidrBlock: textAt(subnet, "cidrBlock"),
    defaultForAz: isTrue(subnet, "defaultForAz"),
    mapPublicIpOnLaunch: isTrue(subnet, "mapPublicIpOnLaunch"),
    ownerId: textAt(subnet, "ownerId"),
    region: api.region,
    state: textAt(subnet, "state"),
    tags: tagsIn(subnet),
    vpcId: textAt(subnet, "vpcId"),
  };
}

async function getInstanceType(args: Values, api: AwsApi): Promise<Values> {
  const instanceType = text(args, "instanceType") ?? "";
  const answer = await api.ec2("DescribeInstanceTypes", { InstanceType: [instanceType] });
  const type = onlyOne(listAt(answer, "instanceTypeSet"), `instance type "${instanceType}"`);
  return {
    id: instanceType,
    instanceType,
    region: api.region,
    supportedArchitectures: listAt(type, "processorInfo.supportedArchitectures"),
    defaultVcpus: Number(textAt(type, "vCpuInfo.defaultVCpus")),
    memorySize: Number(textAt(type, "memoryInfo.sizeInMiB")),
    currentGeneration: isTrue(type, "currentGeneration"),
    hypervisor: textAt(type, "hypervisor"),
    networkPerformance: textAt(type, "networkInfo.networkPerformance"),
  };
}

async function getInstanceTypeOfferings(args: Values, api: AwsApi): Promise<Values> {
  const answer = await api.ec2("DescribeInstanceTypeOfferings", {
    LocationType: text(args, "locationType"),
    Filter: filtersOf(args),
  });
  const offerings = listAt(answer, "instanceTypeOfferingSet");
  return {
    id: api.region,
    region: api.region,
    instanceTypes: offerings.map((offering) => textAt(offering, "instanceType")),
    locations: offerings.map((offering) => textAt(offering, "location")),
    locationTypes: offerings.map((offering) => textAt(offering, "locationType")),
  };
}

async function getParameter(args: Values, api: AwsApi): Promise<Values> {
  const name = text(args, "name") ?? "";
  const base = { id: name, name, region: api.region };
  const image = imagesIn(api.region).find(({ parameter }) => parameter === name);
  if (image !== undefined) {
    const arn = `arn:aws:ssm:${api.region}::parameter${name}`;
    return { ...base, arn, type: "String", value: image.id, insecureValue: image.id, version: 1 };
  }
  const input = { Name: name, WithDecryption: args["withDecryption"] !== false };
  const answer = await api.json("ssm", "AmazonSSM.GetParameter", input);
  const found = answer["Parameter"] as Record<string, unknown>;
  const [value, type] = [String(found["Value"]), String(found["Type"])];
  const plain = type === "SecureString" ? {} : { insecureValue: value };
  return { ...base, arn: String(found["ARN"]), type, value, ...plain, version: Number(found["Version"]) };
}

async function getAmi(args: Values, api: AwsApi): Promise<Values> {
  const owners = texts(args, "owners");
  const filters = (args["filters"] ?? []) as Values[];
  const pattern = text(args, "nameRegex");
  const found = imagesIn(api.region).filter((image) => {
    const values: Record<string, string> = {
      name: image.name,
      architecture: image.architecture,
      "image-id": image.id,
      "owner-id": image.ownerId,
      "virtualization-type": "hvm",
      "root-device-type": "ebs",
      state: "available",
    };
    return (
      (owners.length === 0 || owners.includes(image.ownerId) || owners.includes(image.ownerAlias)) &&
      (pattern === undefined || new RegExp(pattern).test(image.name)) &&
      filters.every((filter) => {
        const name = text(filter, "name") ?? "";
        const value = values[name];
        if (value === undefined) throw new Error(`the AWS of the lab knows no filter "${name}" for images`);
        return texts(filter, "values").some((wildcard) => matches(value, wildcard));
      })
    );
  });
  if (found.length > 1 && args["mostRecent"] !== true) {
    throw new Error(
      "your query returned more than one result: a more specific one is needed, or mostRecent: true",
    );
  }
  const image = onlyOne(found.slice(-1), "image");
  return {
    id: image.id,
    imageId: image.id,
    name: image.name,
    architecture: image.architecture,
    arn: `arn:aws:ec2:${api.region}::image/${image.id}`,
    ownerId: image.ownerId,
    imageOwnerAlias: image.ownerAlias,
    public: true,
    region: api.region,
    rootDeviceName: image.rootDeviceName,
    rootDeviceType: "ebs",
    state: "available",
    virtualizationType: "hvm",
    tags: {},
  };
}

/** `*` stands for any characters, `?` for one. */
function matches(value: string, wildcard: string): boolean {
  const escaped = wildcard.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(value);
}

async function getAvailabilityZones(args: Values, api: AwsApi): Promise<Values> {
  const answer = await api.ec2("DescribeAvailabilityZones", { Filter: filtersOf(args) });
  const zones = listAt(answer, "availabilityZoneInfo");
  return {
    id: api.region,
    region: api.region,
    names: zones.map((zone) => textAt(zone, "zoneName")),
    zoneIds: zones.map((zone) => textAt(zone, "zoneId")),
  };
}

export const lookUps: Readonly<Record<string, LookUp>> = {
  "aws:ec2/getAmi:getAmi": getAmi,
  "aws:ec2/getInstanceType:getInstanceType": getInstanceType,
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": getInstanceTypeOfferings,
  "aws:ec2/getSubnet:getSubnet": getSubnet,
  "aws:ec2/getSubnets:getSubnets": getSubnets,
  "aws:ec2/getVpc:getVpc": getVpc,
  "aws:index/getAvailabilityZones:getAvailabilityZones": getAvailabilityZones,
  "aws:index/getCallerIdentity:getCallerIdentity": async () => ({
    id: accountId,
    accountId,
    arn: `arn:aws:iam::${accountId}:user/lab`,
    userId: "AIDALAB",
  }),
  "aws:index/getRegion:getRegion": async (_, { region }) => ({ id: region, region, name: region }),
  "aws:ssm/getParameter:getParameter": getParameter,
};

function onlyOne<T>(found: readonly T[], what: string): T {
  const [one, ...more] = found;
  if (one === undefined) throw new Error(`no matching ${what} found`);
  if (more.length > 0) throw new Error(`multiple matches for ${what}: ${found.length}`);
  return one;
}

/** The instance's record in an answer, unless AWS has only a memory of it. */
export async function liveInstance(id: string, api: AwsApi): Promise<XmlValue | undefined> {
  const answer = await api.ec2("DescribeInstances", {
    Filter: [{ Name: "instance-id", Value: [id] }],
  });
  const instance = firstOf(answer, "reservationSet.0.instancesSet");
  const state = textAt(instance, "instanceState.name");
  return state === "" || state === "terminated" || state === "shutting-down" ? undefined : instance;
}
