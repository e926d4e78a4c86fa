import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { Listener } from "@pulumi/aws/lb/listener.js";
import { LoadBalancer } from "@pulumi/aws/lb/loadBalancer.js";
import { TargetGroup } from "@pulumi/aws/lb/targetGroup.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import type * as pulumi from "@pulumi/pulumi";
import { loadBalancerNamePrefix, nameWhereNeeded, securityGroupDescription } from "../physical-names.ts";
import type { Provision } from "../provision.ts";
import { allowClients, allowOut, allowPort } from "../security-group.ts";
import type { FleetPlacement } from "./fleet-placement.ts";

export interface LoadBalancing {
  readonly listeners: readonly number[];
  readonly vpnFrom: readonly string[];
  readonly stickyAddresses: boolean;
  readonly crossZone: pulumi.Output<boolean>;
  readonly drainSeconds: pulumi.Output<number>;
  readonly terminationProtection: pulumi.Output<boolean>;
}

export interface Balanced {
  readonly loadBalancer: LoadBalancer;
  readonly targetGroups: readonly TargetGroup[];
  readonly listeners: readonly Listener[];
  /** Of the instances. */
  readonly securityGroup: SecurityGroup;
}

/**
 * The load balancer with a listener and a target group for each port. Clients reach the instances by it alone, and the instances see
 * the clients' own addresses.
 */
export function balanceLoad(
  provision: Provision,
  placement: FleetPlacement,
  wanted: LoadBalancing,
): Balanced {
  const { name, region } = provision;
  const { vpcId } = placement;
  const groups = makeSecurityGroups(provision, placement, wanted);
  const loadBalancer = provision.make("loadBalancer", LoadBalancer, "load-balancer", {
    namePrefix: loadBalancerNamePrefix(name),
    loadBalancerType: "network",
    internal: false,
    ipAddressType: "ipv4",
    subnets: placement.subnetIds,
    securityGroups: [groups.loadBalancer.id],
    enableCrossZoneLoadBalancing: wanted.crossZone,
    enableDeletionProtection: wanted.terminationProtection,
    tags: provision.tags("load-balancer"),
    ...region,
  });
  const pairs = wanted.listeners.map((port) => {
    const targetGroup = provision.make("targetGroup", TargetGroup, `target-${port}`, {
      namePrefix: loadBalancerNamePrefix(name),
      port,
      protocol: "TCP",
      targetType: "instance",
      vpcId,
      preserveClientIp: "true",
      deregistrationDelay: wanted.drainSeconds,
      // Else clients of an instance that is gone would wait for their own time-out.
      connectionTermination: true,
      stickiness: { enabled: wanted.stickyAddresses, type: "source_ip" },
      healthCheck: {
        protocol: "TCP",
        port: "traffic-port",
        interval: 10,
        timeout: 10,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      },
      tags: provision.tags(`target-${port}`),
      ...region,
    });
    const listener = provision.make("listener", Listener, `listener-${port}`, {
      loadBalancerArn: loadBalancer.arn,
      port,
      protocol: "TCP",
      defaultActions: [{ type: "forward", targetGroupArn: targetGroup.arn }],
      tags: provision.tags(`listener-${port}`),
      ...region,
    });
    return { targetGroup, listener };
  });
  return {
    loadBalancer,
    targetGroups: pairs.map(({ targetGroup }) => targetGroup),
    listeners: pairs.map(({ listener }) => listener),
    securityGroup: groups.instances,
  };
}

function makeSecurityGroups(
  provision: Provision,
  { vpcId }: FleetPlacement,
  { listeners, vpnFrom }: LoadBalancing,
): { loadBalancer: SecurityGroup; instances: SecurityGroup } {
  const { region } = provision;
  const make = (child: "securityGroup" | "loadBalancerSecurityGroup", suffix: string, whose: string) =>
    provision.make(
      child,
      SecurityGroup,
      suffix,
      {
        ...nameWhereNeeded("securityGroup", provision.nameOf(suffix)),
        vpcId,
        description: securityGroupDescription(`VPN server ${provision.name}: ${whose}`),
        tags: provision.tags(suffix),
        ...region,
      },
      // AWS changes none: a component that is renamed would replace the groups.
      { ignoreChanges: ["description"] },
    );
  const loadBalancer = make("loadBalancerSecurityGroup", "load-balancer-security-group", "load balancer");
  const instances = make("securityGroup", "security-group", "instances");
  allowClients(provision, loadBalancer, { listeners, vpnFrom });
  for (const port of listeners) {
    const suffix = `tcp-${port}-to-instances`;
    provision.make("egressRule", SecurityGroupEgressRule, suffix, {
      securityGroupId: loadBalancer.id,
      ipProtocol: "tcp",
      fromPort: port,
      toPort: port,
      referencedSecurityGroupId: instances.id,
      description: "clients and health checks",
      tags: provision.tags(suffix),
      ...region,
    });
    const source = { referencedSecurityGroupId: loadBalancer.id };
    allowPort(
      provision,
      instances,
      `tcp-${port}-from-load-balancer`,
      port,
      source,
      "clients and health checks",
    );
  }
  allowOut(provision, instances);
  return { loadBalancer, instances };
}
