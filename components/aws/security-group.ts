import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import { everywhere, networkLabel, ruleSource } from "./networks.ts";
import type { Placement } from "./placement.ts";
import type { Provision } from "./provision.ts";

export interface Access {
  readonly listeners: readonly number[];
  readonly vpnFrom: readonly string[];
  readonly sshFrom: readonly string[];
}

/**
 * The instance's security group. Each rule is a resource of its own, named by what it is for, so that one that comes or goes touches no
 * other.
 */
export function makeSecurityGroup(
  provision: Provision,
  { vpcId }: Pick<Placement, "vpcId">,
  { listeners, vpnFrom, sshFrom }: Access,
): SecurityGroup {
  const group = provision.make("securityGroup", SecurityGroup, "security-group", {
    vpcId,
    description: `VPN server ${provision.name}`,
    tags: provision.tags("security-group"),
    ...provision.region,
  });
  const allow = (suffix: string, port: number, network: string, description: string) =>
    provision.make("ingressRule", SecurityGroupIngressRule, suffix, {
      securityGroupId: group.id,
      ipProtocol: "tcp",
      fromPort: port,
      toPort: port,
      ...ruleSource(network),
      description,
      tags: provision.tags(suffix),
      ...provision.region,
    });
  for (const port of new Set(listeners)) {
    for (const network of vpnFrom) {
      allow(`tcp-${port}-from-${networkLabel(network)}`, port, network, "VPN clients");
    }
  }
  for (const network of sshFrom) {
    allow(`ssh-from-${networkLabel(network)}`, 22, network, "SSH of the deployment");
  }
  // Clients go out by SecureNAT wherever they like; AWS's own rule that allows it is taken away with the first one that is given.
  for (const network of everywhere) {
    const suffix = `egress-to-${networkLabel(network)}`;
    provision.make("egressRule", SecurityGroupEgressRule, suffix, {
      securityGroupId: group.id,
      ipProtocol: "-1",
      ...ruleSource(network),
      description: "the server, and its clients by SecureNAT",
      tags: provision.tags(suffix),
      ...provision.region,
    });
  }
  return group;
}
