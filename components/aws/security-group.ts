import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import type * as pulumi from "@pulumi/pulumi";
import { everywhere, networkLabel, ruleSource } from "./networks.ts";
import { nameWhereNeeded, securityGroupDescription } from "./physical-names.ts";
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
    ...nameWhereNeeded("securityGroup", provision.nameOf("security-group")),
    vpcId,
    description: securityGroupDescription(`VPN server ${provision.name}`),
    tags: provision.tags("security-group"),
    ...provision.region,
  });
  allowClients(provision, group, { listeners, vpnFrom });
  for (const network of sshFrom) {
    const suffix = `ssh-from-${networkLabel(network)}`;
    allowPort(provision, group, suffix, 22, ruleSource(network), "SSH of the deployment");
  }
  allowOut(provision, group);
  return group;
}

/** Lets VPN clients in. */
export function allowClients(
  provision: Provision,
  group: SecurityGroup,
  { listeners, vpnFrom }: Pick<Access, "listeners" | "vpnFrom">,
): void {
  for (const port of new Set(listeners)) {
    for (const network of vpnFrom) {
      const suffix = `tcp-${port}-from-${networkLabel(network)}`;
      allowPort(provision, group, suffix, port, ruleSource(network), "VPN clients");
    }
  }
}

/** Whom a rule is for. */
type Source = ReturnType<typeof ruleSource> | { readonly referencedSecurityGroupId: pulumi.Output<string> };

/** Lets connections to a port in. */
export function allowPort(
  provision: Provision,
  group: SecurityGroup,
  suffix: string,
  port: number,
  source: Source,
  description: string,
): void {
  provision.make("ingressRule", SecurityGroupIngressRule, suffix, {
    securityGroupId: group.id,
    ipProtocol: "tcp",
    fromPort: port,
    toPort: port,
    ...source,
    description,
    tags: provision.tags(suffix),
    ...provision.region,
  });
}

/** Clients go out by SecureNAT wherever they like; AWS's own rule that allows it is taken away with the first one that is given. */
export function allowOut(provision: Provision, group: SecurityGroup): void {
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
}
