import { mockPulumi, untilDeclared, type MockedResource } from "../mocked-pulumi.ts";

/** A function of AWS that was called. */
export interface MockedCall {
  readonly token: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Reference to the provider that was asked; empty for the default one. */
  readonly provider: string;
}

export interface MockedAws {
  readonly resources: ReadonlyMap<string, MockedResource>;
  readonly calls: readonly MockedCall[];
}

const architectures: Readonly<Record<string, readonly string[]>> = {
  "t3.small": ["x86_64"],
  "t2.micro": ["i386", "x86_64"],
  "t4g.small": ["arm64"],
};

/** Subnets of the VPCs that there are, not in their order. */
const subnets: Readonly<Record<string, readonly string[]>> = {
  "vpc-default": ["subnet-b", "subnet-a"],
  "vpc-own": ["subnet-own"],
  "vpc-wide": ["subnet-w3", "subnet-w1", "subnet-w2"],
};

/** Zones of the subnets that are not in the first one. */
const zones: Readonly<Record<string, string>> = {
  "subnet-b": "eu-north-1b",
  "subnet-w2": "eu-north-1b",
  "subnet-w3": "eu-north-1b",
};

/** AWS as the mocks of Pulumi's engine play it: what the component asks, and what it makes. */
export async function mockAws(): Promise<MockedAws> {
  const calls: MockedCall[] = [];
  const resources = await mockPulumi(
    "project",
    {},
    {
      outputsOf: (type, name) => {
        if (type === "aws:ec2/eip:Eip") return { publicIp: "198.51.100.7" };
        if (type === "aws:ec2/instance:Instance") return { availabilityZone: "eu-north-1a" };
        if (type === "aws:ec2/keyPair:KeyPair") return { keyName: `${name}-1234567` };
        const ofFleet = fleetOutputs[type];
        if (ofFleet !== undefined) return ofFleet(name);
        return /^aws:iam/.test(type) ? { name: `${name}-1234567` } : undefined;
      },
      call: (token, inputs, provider) => {
        calls.push({ token, inputs, provider });
        return answers[token]?.(inputs);
      },
    },
  );
  return { resources, calls };
}

/** What AWS adds to the parts of a fleet. */
const fleetOutputs: Readonly<Record<string, (name: string) => Record<string, unknown>>> = {
  "aws:s3/bucket:Bucket": (name) => ({ bucket: `${name}-1234567`, arn: `arn:aws:s3:::${name}-1234567` }),
  "aws:secretsmanager/secret:Secret": (name) => ({
    arn: `arn:aws:secretsmanager:eu-north-1:1:secret:${name}`,
  }),
  "aws:secretsmanager/secretVersion:SecretVersion": (name) => ({ versionId: `${name}-uuid` }),
  "aws:lb/loadBalancer:LoadBalancer": (name) => ({
    arn: `arn:${name}`,
    arnSuffix: `net/${name}/1`,
    dnsName: `${name}-1234567.elb.eu-north-1.amazonaws.com`,
    zoneId: "Z1UDT6IFJ4EJM",
  }),
  "aws:lb/targetGroup:TargetGroup": (name) => ({ arn: `arn:${name}` }),
  "aws:lb/listener:Listener": (name) => ({ arn: `arn:${name}` }),
  "aws:ec2/launchTemplate:LaunchTemplate": () => ({ latestVersion: 3 }),
  "aws:autoscaling/group:Group": (name) => ({ name: `${name}-1234567`, arn: `arn:${name}` }),
};

type Answer = (inputs: Readonly<Record<string, unknown>>) => Record<string, unknown>;

const answers: Readonly<Record<string, Answer>> = {
  "aws:ec2/getVpc:getVpc": () => ({ id: "vpc-default" }),
  "aws:ec2/getInstanceType:getInstanceType": ({ instanceType }) => ({
    supportedArchitectures: architectures[String(instanceType)] ?? [],
  }),
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": () => ({
    locations: ["eu-north-1a", "eu-north-1b"],
  }),
  "aws:ec2/getSubnets:getSubnets": ({ filters }) => {
    const [vpc] = filters as { values: string[] }[];
    return { ids: subnets[vpc?.values[0] ?? ""] ?? [] };
  },
  "aws:ec2/getSubnet:getSubnet": ({ id }) => ({
    id,
    vpcId: Object.entries(subnets).find(([, ids]) => ids.includes(String(id)))?.[0] ?? "vpc-default",
    availabilityZone: zones[String(id)] ?? "eu-north-1a",
  }),
  "aws:ec2/getAmi:getAmi": () => ({ rootDeviceName: "/dev/xvda" }),
  "aws:ssm/getParameter:getParameter": ({ name }) => ({ name, value: `ami-of${String(name)}` }),
};

export { untilDeclared };
