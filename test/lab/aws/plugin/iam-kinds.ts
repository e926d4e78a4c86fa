import type { AwsApi } from "../api/aws-api.ts";
import { at, listAt, textAt } from "../api/xml.ts";
import type { Values } from "../types/type-check.ts";
import { nameRefusals, tagRefusals, textRefusals } from "./name-refusals.ts";
import type { ResourceKind } from "./resource-kind.ts";
import { ifFound, tagList, text } from "./values.ts";

const iamCharacters = /^[\w+=,.@-]*$/;

const role: ResourceKind = {
  carriesOut: ["assumeRolePolicy", "description", "name", "namePrefix", "path"],
  replaces: ["name", "namePrefix", "path", "assumeRolePolicy", "description"],
  autoNamed: "name",
  async refusals(inputs) {
    return nameRefusals(inputs, { most: 64, allowed: iamCharacters }).concat(
      textRefusals("description", text(inputs, "description"), {
        most: 1000,
        allowed: /^[\t\n\r\x20-\x7e\xa1-\xff]*$/,
      }),
      tagRefusals(inputs),
    );
  },
  async create(inputs, api) {
    const policy = inputs["assumeRolePolicy"];
    await api.iam("CreateRole", {
      RoleName: text(inputs, "name"),
      AssumeRolePolicyDocument: typeof policy === "string" ? policy : JSON.stringify(policy),
      Description: text(inputs, "description"),
      Path: text(inputs, "path"),
      Tags: tagList(inputs),
    });
    return text(inputs, "name") ?? "";
  },
  async read(id, _, api) {
    const found = await ifFound(api.iam("GetRole", { RoleName: id }));
    const answer = at(found, "Role");
    return found === undefined
      ? undefined
      : {
          arn: textAt(answer, "Arn"),
          name: textAt(answer, "RoleName"),
          uniqueId: textAt(answer, "RoleId"),
        };
  },
  async delete(id, _, api) {
    await ifFound(api.iam("DeleteRole", { RoleName: id }));
  },
};

const instanceProfile: ResourceKind = {
  carriesOut: ["name", "namePrefix", "path", "role"],
  replaces: ["name", "namePrefix", "path", "role"],
  autoNamed: "name",
  async refusals(inputs) {
    return nameRefusals(inputs, { most: 128, allowed: iamCharacters }).concat(tagRefusals(inputs));
  },
  async create(inputs, api) {
    const name = text(inputs, "name") ?? "";
    const parameters = { InstanceProfileName: name, Path: text(inputs, "path"), Tags: tagList(inputs) };
    await api.iam("CreateInstanceProfile", parameters);
    const roleName = text(inputs, "role");
    if (roleName !== undefined) {
      await api.iam("AddRoleToInstanceProfile", { InstanceProfileName: name, RoleName: roleName });
    }
    return name;
  },
  async read(id, _, api) {
    const found = await ifFound(api.iam("GetInstanceProfile", { InstanceProfileName: id }));
    const answer = at(found, "InstanceProfile");
    return found === undefined
      ? undefined
      : {
          arn: textAt(answer, "Arn"),
          name: textAt(answer, "InstanceProfileName"),
          uniqueId: textAt(answer, "InstanceProfileId"),
        };
  },
  async delete(id, inputs, api) {
    const roleName = text(inputs, "role");
    const name = { InstanceProfileName: id };
    if (roleName !== undefined) {
      await ifFound(api.iam("RemoveRoleFromInstanceProfile", { ...name, RoleName: roleName }));
    }
    await ifFound(api.iam("DeleteInstanceProfile", name));
  },
};

const rolePolicyAttachment: ResourceKind = {
  carriesOut: ["role", "policyArn"],
  replaces: ["role", "policyArn"],
  async create(inputs, api) {
    const [roleName, arn] = [text(inputs, "role"), text(inputs, "policyArn")];
    await api.iam("AttachRolePolicy", { RoleName: roleName, PolicyArn: arn });
    return `${roleName}/${arn}`;
  },
  async read(_, inputs, api) {
    const roleName = { RoleName: text(inputs, "role") };
    const answer = await ifFound(api.iam("ListAttachedRolePolicies", roleName));
    const attached = answer === undefined ? [] : listAt(answer, "AttachedPolicies");
    return attached.some((policy) => at(policy, "PolicyArn") === inputs["policyArn"]) ? {} : undefined;
  },
  async delete(_, inputs, api) {
    const [roleName, arn] = [text(inputs, "role"), text(inputs, "policyArn")];
    await ifFound(api.iam("DetachRolePolicy", { RoleName: roleName, PolicyArn: arn }));
  },
};

const rolePolicy: ResourceKind = {
  carriesOut: ["name", "namePrefix", "policy", "role"],
  replaces: ["name", "namePrefix", "role"],
  autoNamed: "name",
  async refusals(inputs) {
    return nameRefusals(inputs, { most: 128, allowed: iamCharacters });
  },
  async create(inputs, api) {
    await putRolePolicy(text(inputs, "name") ?? "", inputs, api);
    return `${text(inputs, "role")}:${text(inputs, "name")}`;
  },
  async read(id, inputs, api) {
    const name = { RoleName: text(inputs, "role"), PolicyName: id.slice(id.indexOf(":") + 1) };
    const found = await ifFound(api.iam("GetRolePolicy", name));
    return found === undefined ? undefined : { name: name.PolicyName, role: name.RoleName };
  },
  async update(id, inputs, _, api) {
    await putRolePolicy(id.slice(id.indexOf(":") + 1), inputs, api);
  },
  async delete(id, inputs, api) {
    const name = { RoleName: text(inputs, "role"), PolicyName: id.slice(id.indexOf(":") + 1) };
    await ifFound(api.iam("DeleteRolePolicy", name));
  },
};

async function putRolePolicy(name: string, inputs: Values, api: AwsApi): Promise<void> {
  const { policy } = inputs;
  await api.iam("PutRolePolicy", {
    RoleName: text(inputs, "role"),
    PolicyName: name,
    PolicyDocument: typeof policy === "string" ? policy : JSON.stringify(policy),
  });
}

export const iamKinds: Readonly<Record<string, ResourceKind>> = {
  "aws:iam/instanceProfile:InstanceProfile": instanceProfile,
  "aws:iam/role:Role": role,
  "aws:iam/rolePolicy:RolePolicy": rolePolicy,
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": rolePolicyAttachment,
};
