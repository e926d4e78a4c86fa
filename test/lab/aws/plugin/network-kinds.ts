import type { AwsApi, Parameter } from "../api/aws-api.ts";
import { at, listAt, textAt } from "../api/xml.ts";
import type { Values } from "../types/type-check.ts";
import { accountId, liveInstance } from "./look-ups.ts";
import { nameRefusals, textRefusals } from "./name-refusals.ts";
import { publicAddressOf } from "./public-address.ts";
import type { ResourceKind } from "./resource-kind.ts";
import { firstOf, ifFound, scalar, tagsIn, tagSpecification, text } from "./values.ts";

/** What names and descriptions of security groups are made of. */
const groupCharacters = /^[\w .:/()#,@[\]+=&;{}!$*-]*$/;

const securityGroup: ResourceKind = {
  carriesOut: ["name", "namePrefix", "description", "vpcId"],
  replaces: ["name", "namePrefix", "description", "vpcId"],
  autoNamed: "name",
  async refusals(inputs) {
    return nameRefusals(inputs, { most: 255, allowed: groupCharacters, taken: /^sg-/i }).concat(
      textRefusals("description", text(inputs, "description"), { most: 255, allowed: groupCharacters }),
    );
  },
  async create(inputs, api) {
    const answer = await api.ec2("CreateSecurityGroup", {
      GroupName: text(inputs, "name"),
      GroupDescription: text(inputs, "description") ?? "Managed by Pulumi",
      VpcId: text(inputs, "vpcId"),
      TagSpecification: tagSpecification("security-group", inputs),
    });
    const id = textAt(answer, "groupId");
    // What AWS lets out by default, the provider takes away.
    const everything = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
    await api.ec2("RevokeSecurityGroupEgress", { GroupId: id, IpPermissions: [everything] });
    return id;
  },
  async read(id, _, api) {
    const answer = await ifFound(api.ec2("DescribeSecurityGroups", { GroupId: [id] }));
    const group = firstOf(answer, "securityGroupInfo");
    return group === undefined
      ? undefined
      : {
          arn: `arn:aws:ec2:${api.region}:${accountId}:security-group/${id}`,
          description: textAt(group, "groupDescription"),
          name: textAt(group, "groupName"),
          ownerId: textAt(group, "ownerId"),
          tags: tagsIn(group),
          vpcId: textAt(group, "vpcId"),
        };
  },
  async delete(id, _, api) {
    await api.ec2("DeleteSecurityGroup", { GroupId: id });
  },
};

/** A rule of a security group: who may come in, or where to one may go. */
function ruleKind(direction: "Ingress" | "Egress"): ResourceKind {
  const properties = [
    "cidrIpv4",
    "cidrIpv6",
    "description",
    "fromPort",
    "ipProtocol",
    "referencedSecurityGroupId",
    "toPort",
  ];
  return {
    carriesOut: [...properties, "securityGroupId"],
    // AWS changes rules in place; its server in the lab does so only in part.
    replaces: [...properties, "securityGroupId"],
    async refusals(inputs) {
      const targets = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"];
      const given = targets.filter((name) => inputs[name] !== undefined);
      const reason = `exactly one of ${targets.join(", ")} is needed`;
      return given.length === 1 ? [] : [{ property: given[1] ?? "cidrIpv4", reason }];
    },
    async create(inputs, api) {
      const answer = await api.ec2(`AuthorizeSecurityGroup${direction}`, {
        GroupId: text(inputs, "securityGroupId"),
        IpPermissions: [permissionOf(inputs)],
        TagSpecification: tagSpecification("security-group-rule", inputs),
      });
      return textAt(answer, "securityGroupRuleSet.0.securityGroupRuleId");
    },
    async read(id, inputs, api) {
      const group = [{ Name: "group-id", Value: [text(inputs, "securityGroupId")] }];
      const answer = await ifFound(api.ec2("DescribeSecurityGroupRules", { Filter: group }));
      const rules = answer === undefined ? [] : listAt(answer, "securityGroupRuleSet");
      if (!rules.some((rule) => textAt(rule, "securityGroupRuleId") === id)) return undefined;
      const arn = `arn:aws:ec2:${api.region}:${accountId}:security-group-rule/${id}`;
      return { arn, securityGroupRuleId: id };
    },
    async delete(_, inputs, api) {
      await ifFound(
        api.ec2(`RevokeSecurityGroup${direction}`, {
          GroupId: text(inputs, "securityGroupId"),
          IpPermissions: [permissionOf(inputs)],
        }),
      );
    },
  };
}

function permissionOf(inputs: Values): Parameter {
  const description = scalar(inputs, "description");
  const source = text(inputs, "referencedSecurityGroupId");
  return {
    IpProtocol: text(inputs, "ipProtocol"),
    FromPort: scalar(inputs, "fromPort"),
    ToPort: scalar(inputs, "toPort"),
    ...(text(inputs, "cidrIpv4") && {
      IpRanges: [{ CidrIp: text(inputs, "cidrIpv4"), Description: description }],
    }),
    ...(text(inputs, "cidrIpv6") && {
      Ipv6Ranges: [{ CidrIpv6: text(inputs, "cidrIpv6"), Description: description }],
    }),
    ...(source !== undefined && { Groups: [{ GroupId: source, Description: description }] }),
  };
}

const eip: ResourceKind = {
  carriesOut: ["domain"],
  replaces: ["domain"],
  async create(inputs, api) {
    const answer = await api.ec2("AllocateAddress", {
      Domain: text(inputs, "domain") ?? "vpc",
      TagSpecification: tagSpecification("elastic-ip", inputs),
    });
    return textAt(answer, "allocationId");
  },
  async read(id, _, api) {
    const answer = await ifFound(api.ec2("DescribeAddresses", { AllocationId: [id] }));
    const address = firstOf(answer, "addressesSet");
    return address === undefined
      ? undefined
      : {
          allocationId: id,
          arn: `arn:aws:ec2:${api.region}:${accountId}:elastic-ip/${id}`,
          associationId: textAt(address, "associationId"),
          domain: textAt(address, "domain"),
          instance: textAt(address, "instanceId"),
          privateIp: textAt(address, "privateIpAddress"),
          publicIp: publicAddressOf(textAt(address, "publicIp")),
          tags: tagsIn(address),
        };
  },
  async delete(id, _, api) {
    await api.ec2("ReleaseAddress", { AllocationId: id });
  },
};

const eipAssociation: ResourceKind = {
  carriesOut: ["allocationId", "instanceId", "allowReassociation"],
  replaces: ["allocationId", "instanceId", "allowReassociation"],
  async create(inputs, api) {
    await releaseFromDead(text(inputs, "allocationId") ?? "", api);
    const answer = await api.ec2("AssociateAddress", {
      AllocationId: text(inputs, "allocationId"),
      InstanceId: text(inputs, "instanceId"),
      AllowReassociation: scalar(inputs, "allowReassociation"),
    });
    return textAt(answer, "associationId");
  },
  async read(id, _, api) {
    const address = await associated(id, api);
    const instance = textAt(address, "instanceId");
    // An instance takes its associations along.
    if (address === undefined || (await liveInstance(instance, api)) === undefined) return undefined;
    return {
      allocationId: textAt(address, "allocationId"),
      instanceId: instance,
      privateIpAddress: textAt(address, "privateIpAddress"),
      publicIp: publicAddressOf(textAt(address, "publicIp")),
    };
  },
  async delete(id, _, api) {
    if ((await associated(id, api)) === undefined) return;
    await ifFound(api.ec2("DisassociateAddress", { AssociationId: id }));
  },
};

/** AWS takes the address from an instance that is terminated; the server of the API forgets to. */
async function releaseFromDead(allocationId: string, api: AwsApi): Promise<void> {
  const address = firstOf(
    await api.ec2("DescribeAddresses", { AllocationId: [allocationId] }),
    "addressesSet",
  );
  const [id, instance] = [textAt(address, "associationId"), textAt(address, "instanceId")];
  if (id === "" || (await liveInstance(instance, api)) !== undefined) return;
  await api.ec2("DisassociateAddress", { AssociationId: id });
}

async function associated(id: string, api: AwsApi) {
  const answer = await api.ec2("DescribeAddresses");
  return listAt(answer, "addressesSet").find((address) => at(address, "associationId") === id);
}

export const networkKinds: Readonly<Record<string, ResourceKind>> = {
  "aws:ec2/eip:Eip": eip,
  "aws:ec2/eipAssociation:EipAssociation": eipAssociation,
  "aws:ec2/securityGroup:SecurityGroup": securityGroup,
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ruleKind("Egress"),
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ruleKind("Ingress"),
};
