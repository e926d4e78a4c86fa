import { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import { nameWhereNeeded, roleDescription } from "./physical-names.ts";
import type { Provision } from "./provision.ts";

export interface InstanceRole {
  readonly role: Role;
  readonly profile: InstanceProfile;
}

/** A role that instances have, with nothing but what it is told: Session Manager works with them, or not. */
export function makeInstanceRole(
  provision: Provision,
  { sessionManager }: { readonly sessionManager: boolean },
): InstanceRole {
  const role = provision.make("role", Role, "role", {
    ...nameWhereNeeded("role", provision.nameOf("role")),
    assumeRolePolicy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
    }),
    description: roleDescription(`VPN server ${provision.name}`),
    tags: provision.tags("role"),
  });
  if (sessionManager) {
    provision.make("rolePolicy", RolePolicyAttachment, "role-policy", {
      role: role.name,
      policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    });
  }
  const profile = provision.make("instanceProfile", InstanceProfile, "instance-profile", {
    ...nameWhereNeeded("instanceProfile", provision.nameOf("instance-profile")),
    role: role.name,
    tags: provision.tags("instance-profile"),
  });
  return { role, profile };
}
