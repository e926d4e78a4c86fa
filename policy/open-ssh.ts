import type { ResourceValidationPolicy } from "@pulumi/policy";
import { isTheWorld } from "../server/ethernet/world-network.ts";
import { listOf, look, membersOf, textOf } from "./known-value.ts";

/** A rule of a security group that lets somebody in. */
interface InboundRule {
  /** Where it stands in its resource, for messages. */
  readonly path: string;
  readonly protocol: unknown;
  readonly fromPort: unknown;
  readonly toPort: unknown;
  readonly networks: readonly unknown[];
}

type Properties = Readonly<Record<string, unknown>>;

/** The resources that let somebody in on AWS, and how they say so. */
const readers: Readonly<Record<string, (props: Properties) => readonly InboundRule[]>> = {
  "aws:ec2/securityGroup:SecurityGroup": inlineRules,
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": inlineRules,
  "aws:ec2/securityGroupRule:SecurityGroupRule": (props) =>
    textOf(() => props["type"]) === "ingress" ? [ruleWithBlocks("", props)] : [],
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (props) => [
    {
      path: "",
      protocol: look(() => props["ipProtocol"]),
      fromPort: look(() => props["fromPort"]),
      toPort: look(() => props["toPort"]),
      networks: [look(() => props["cidrIpv4"]), look(() => props["cidrIpv6"])],
    },
  ],
};

/** SSH is open to the world. */
export const openSsh: ResourceValidationPolicy = {
  name: "ssh-open-to-the-world",
  displayName: "SSH open to the world",
  description: "No security group lets the whole Internet try to log in over SSH.",
  severity: "critical",
  remediationSteps: "Give the networks from which pulumi up is run; of an AwsVpnServer these are sshFrom.",
  configSchema: {
    properties: {
      ports: {
        type: "array",
        items: { type: "integer", minimum: 1, maximum: 65_535 },
        default: [22],
        description: "TCP ports of SSH servers.",
      },
    },
  },
  validateResource: (resource, report) => {
    const { type, props } = resource;
    const { ports = [22] } = resource.getConfig<{ ports?: readonly number[] }>();
    for (const rule of readers[type]?.(props) ?? []) {
      const port = ports.find((port) => opens(rule, port));
      const open = rule.networks.filter((network) => typeof network === "string" && isTheWorld(network));
      if (port === undefined || open.length === 0) continue;
      report(`${rule.path}TCP port ${port} is open to ${open.join(" and ")}: give the networks that need it`);
    }
  },
};

function inlineRules(props: Properties): readonly InboundRule[] {
  return listOf(() => props["ingress"]).map((rule, index) =>
    ruleWithBlocks(
      `ingress[${index}]: `,
      membersOf(() => rule),
    ),
  );
}

function ruleWithBlocks(path: string, rule: Properties): InboundRule {
  return {
    path,
    protocol: look(() => rule["protocol"]),
    fromPort: look(() => rule["fromPort"]),
    toPort: look(() => rule["toPort"]),
    networks: [...elementsOf(() => rule["cidrBlocks"]), ...elementsOf(() => rule["ipv6CidrBlocks"])],
  };
}

/** Elements of a list, each of which may be unknown. */
function elementsOf(read: () => unknown): readonly unknown[] {
  const list = listOf(read);
  return Array.from({ length: list.length }, (_, index) => look(() => list[index]));
}

/** Whether a rule lets TCP to a port in. What is not known yet opens nothing yet. */
function opens({ protocol, fromPort, toPort }: InboundRule, port: number): boolean {
  const name =
    typeof protocol === "string"
      ? protocol.toLowerCase()
      : typeof protocol === "number"
        ? String(protocol)
        : "";
  if (["-1", "all"].includes(name)) return true;
  if (!["tcp", "6"].includes(name)) return false;
  return typeof fromPort === "number" && typeof toPort === "number" && fromPort <= port && port <= toPort;
}
