import { mockPulumi, untilDeclared, type MockedResource } from "../mocked-pulumi.ts";

/** A function of AWS that was called. */
export interface MockedCall {
  readonly token: string;
  readonly inputs: Readonly<Record<string, unknown>>;
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
        return /^aws:iam/.test(type) ? { name: `${name}-1234567` } : undefined;
      },
      call: (token, inputs) => {
        calls.push({ token, inputs });
        return answers[token]?.(inputs);
      },
    },
  );
  return { resources, calls };
}

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
    vpcId: id === "subnet-own" ? "vpc-own" : "vpc-default",
    availabilityZone: "eu-north-1a",
  }),
  "aws:ssm/getParameter:getParameter": ({ name }) => ({ name, value: `ami-of${String(name)}` }),
};

export { untilDeclared };
