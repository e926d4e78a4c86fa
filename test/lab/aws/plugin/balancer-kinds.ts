import type { AwsApi } from "../api/aws-api.ts";
import { listAt, textAt } from "../api/xml.ts";
import type { Values } from "../types/type-check.ts";
import { nameRefusals } from "./name-refusals.ts";
import type { ResourceKind } from "./resource-kind.ts";
import { firstOf, ifFound, isChanged, object, scalar, tagList, text, texts } from "./values.ts";

const nameRule = { most: 32, allowed: /^[A-Za-z0-9-]*$/, taken: /^internal-/ };

const loadBalancer: ResourceKind = {
  carriesOut: [
    "enableCrossZoneLoadBalancing",
    "enableDeletionProtection",
    "internal",
    "ipAddressType",
    "loadBalancerType",
    "name",
    "namePrefix",
    "securityGroups",
    "subnets",
  ],
  replaces: [
    "internal",
    "ipAddressType",
    "loadBalancerType",
    "name",
    "namePrefix",
    "securityGroups",
    "subnets",
  ],
  autoNamed: "name",
  async refusals(inputs) {
    const type = text(inputs, "loadBalancerType") ?? "application";
    const reason = `the lab has network load balancers, none of the type "${type}"`;
    return [
      ...nameRefusals(inputs, nameRule),
      ...(type === "network" ? [] : [{ property: "loadBalancerType", reason }]),
    ];
  },
  async create(inputs, api) {
    const answer = await api.loadBalancing("CreateLoadBalancer", {
      Name: text(inputs, "name"),
      Type: text(inputs, "loadBalancerType"),
      Scheme: inputs["internal"] === true ? "internal" : "internet-facing",
      IpAddressType: text(inputs, "ipAddressType"),
      Subnets: texts(inputs, "subnets"),
      SecurityGroups: texts(inputs, "securityGroups"),
      Tags: tagList(inputs),
    });
    const arn = textAt(answer, "LoadBalancers.0.LoadBalancerArn");
    await changeLoadBalancer(arn, inputs, api);
    return arn;
  },
  async read(id, _, api) {
    const answer = await ifFound(api.loadBalancing("DescribeLoadBalancers", { LoadBalancerArns: [id] }));
    const found = firstOf(answer, "LoadBalancers");
    return found === undefined
      ? undefined
      : {
          arn: id,
          arnSuffix: id.replace(/^.*:loadbalancer\//, ""),
          dnsName: textAt(found, "DNSName"),
          name: textAt(found, "LoadBalancerName"),
          vpcId: textAt(found, "VpcId"),
          zoneId: textAt(found, "CanonicalHostedZoneId"),
        };
  },
  update: (id, inputs, _, api) => changeLoadBalancer(id, inputs, api),
  async delete(id, _, api) {
    await ifFound(api.loadBalancing("DeleteLoadBalancer", { LoadBalancerArn: id }));
  },
};

async function changeLoadBalancer(arn: string, inputs: Values, api: AwsApi): Promise<void> {
  const attributes = {
    "load_balancing.cross_zone.enabled": inputs["enableCrossZoneLoadBalancing"] === true,
    "deletion_protection.enabled": inputs["enableDeletionProtection"] === true,
  };
  const list = attributeList(attributes);
  await api.loadBalancing("ModifyLoadBalancerAttributes", { LoadBalancerArn: arn, Attributes: list });
}

const targetGroup: ResourceKind = {
  carriesOut: [
    "connectionTermination",
    "deregistrationDelay",
    "healthCheck",
    "name",
    "namePrefix",
    "port",
    "preserveClientIp",
    "protocol",
    "stickiness",
    "targetType",
    "vpcId",
  ],
  replaces: ["name", "namePrefix", "port", "protocol", "targetType", "vpcId"],
  autoNamed: "name",
  async refusals(inputs) {
    const others = [
      ...(text(inputs, "protocol") === "TCP" ? [] : ["protocol"]),
      ...((text(inputs, "targetType") ?? "instance") === "instance" ? [] : ["targetType"]),
      // The lab's load balancer rewrites where packets go, and leaves where they come from.
      ...((text(inputs, "preserveClientIp") ?? "true") === "true" ? [] : ["preserveClientIp"]),
    ];
    const reason = "the lab has target groups for TCP to instances that see the client's address";
    return [...nameRefusals(inputs, nameRule), ...others.map((property) => ({ property, reason }))];
  },
  async create(inputs, api) {
    const answer = await api.loadBalancing("CreateTargetGroup", {
      Name: text(inputs, "name"),
      Protocol: text(inputs, "protocol"),
      Port: scalar(inputs, "port"),
      VpcId: text(inputs, "vpcId"),
      TargetType: text(inputs, "targetType") ?? "instance",
      ...healthCheckOf(inputs),
      Tags: tagList(inputs),
    });
    const arn = textAt(answer, "TargetGroups.0.TargetGroupArn");
    await changeTargetGroup(arn, inputs, api);
    return arn;
  },
  async read(id, _, api) {
    const answer = await ifFound(api.loadBalancing("DescribeTargetGroups", { TargetGroupArns: [id] }));
    const found = firstOf(answer, "TargetGroups");
    return found === undefined
      ? undefined
      : { arn: id, arnSuffix: id.replace(/^.*:/, ""), name: textAt(found, "TargetGroupName") };
  },
  async update(id, inputs, former, api) {
    if (isChanged("healthCheck", inputs, former)) {
      await api.loadBalancing("ModifyTargetGroup", { TargetGroupArn: id, ...healthCheckOf(inputs) });
    }
    await changeTargetGroup(id, inputs, api);
  },
  async delete(id, _, api) {
    await ifFound(api.loadBalancing("DeleteTargetGroup", { TargetGroupArn: id }));
  },
};

function healthCheckOf(inputs: Values) {
  const check = object(inputs, "healthCheck");
  return {
    HealthCheckProtocol: scalar(check, "protocol"),
    HealthCheckPort: scalar(check, "port"),
    HealthCheckIntervalSeconds: scalar(check, "interval"),
    HealthCheckTimeoutSeconds: scalar(check, "timeout"),
    HealthyThresholdCount: scalar(check, "healthyThreshold"),
    UnhealthyThresholdCount: scalar(check, "unhealthyThreshold"),
  };
}

async function changeTargetGroup(arn: string, inputs: Values, api: AwsApi): Promise<void> {
  const stickiness = object(inputs, "stickiness");
  const attributes = {
    "deregistration_delay.timeout_seconds": scalar(inputs, "deregistrationDelay") ?? 300,
    "deregistration_delay.connection_termination.enabled": inputs["connectionTermination"] === true,
    "preserve_client_ip.enabled": true,
    ...(stickiness !== undefined && {
      "stickiness.enabled": stickiness["enabled"] !== false,
      "stickiness.type": text(stickiness, "type") ?? "source_ip",
    }),
  };
  const list = attributeList(attributes);
  await api.loadBalancing("ModifyTargetGroupAttributes", { TargetGroupArn: arn, Attributes: list });
}

function attributeList(attributes: Record<string, unknown>) {
  return Object.entries(attributes).map(([key, value]) => ({ Key: key, Value: String(value) }));
}

const listener: ResourceKind = {
  carriesOut: ["defaultActions", "loadBalancerArn", "port", "protocol"],
  replaces: ["loadBalancerArn"],
  async create(inputs, api) {
    const answer = await api.loadBalancing("CreateListener", {
      LoadBalancerArn: text(inputs, "loadBalancerArn"),
      ...listenerOf(inputs),
      Tags: tagList(inputs),
    });
    return textAt(answer, "Listeners.0.ListenerArn");
  },
  async read(id, inputs, api) {
    const answer = await ifFound(
      api.loadBalancing("DescribeListeners", { LoadBalancerArn: text(inputs, "loadBalancerArn") }),
    );
    const listeners = answer === undefined ? undefined : firstWith(answer, id);
    return listeners === undefined ? undefined : { arn: id };
  },
  async update(id, inputs, _, api) {
    await api.loadBalancing("ModifyListener", { ListenerArn: id, ...listenerOf(inputs) });
  },
  async delete(id, _, api) {
    await ifFound(api.loadBalancing("DeleteListener", { ListenerArn: id }));
  },
};

function firstWith(answer: Parameters<typeof textAt>[0], arn: string) {
  return listAt(answer, "Listeners").find((one) => textAt(one, "ListenerArn") === arn);
}

function listenerOf(inputs: Values) {
  const actions = (inputs["defaultActions"] ?? []) as Values[];
  return {
    Port: scalar(inputs, "port"),
    Protocol: text(inputs, "protocol"),
    DefaultActions: actions.map((action) => ({
      Type: text(action, "type"),
      TargetGroupArn: text(action, "targetGroupArn"),
    })),
  };
}

export const balancerKinds: Readonly<Record<string, ResourceKind>> = {
  "aws:lb/listener:Listener": listener,
  "aws:lb/loadBalancer:LoadBalancer": loadBalancer,
  "aws:lb/targetGroup:TargetGroup": targetGroup,
};
