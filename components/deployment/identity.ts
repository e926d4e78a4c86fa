import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { Owner } from "../../server/contract/owner.ts";
import { ArgumentError } from "../arguments/argument-error.ts";
import { checkAdminPassword, type VpnServerArgs } from "../arguments/server-arguments.ts";
import type { Deployment } from "./deployment.ts";
import { hasRealEngine } from "./engine-support.ts";

/** Whose the server is. The id is made once: it stays in the state, also where the stack or the project gets another name. */
export function makeOwner(deployment: Deployment): pulumi.Output<Owner> {
  const id = makeOnce(deployment, "id", randomBytes(12).toString("hex"));
  return id.apply((id): Owner => ({ id, stack: stackLabel(), name: deployment.name }));
}

/** The one that was given, or one that is made once; none where the former one of an import stays. */
export function makeAdminPassword(
  deployment: Deployment,
  { adminPassword, importFrom }: Pick<VpnServerArgs, "adminPassword" | "importFrom">,
): pulumi.Output<string | undefined> {
  if (adminPassword !== undefined) {
    return pulumi.secret(
      deployment.check(pulumi.output(adminPassword), (password) => {
        const problem = checkAdminPassword(password);
        if (problem !== undefined) throw new ArgumentError([problem]);
        return password;
      }),
    );
  }
  if (importFrom !== undefined) return pulumi.secret(undefined);
  return makeOnce(deployment, "admin-password", pulumi.secret(randomBytes(18).toString("base64url")));
}

/** A value that is made once: later ones are left out of account. */
export function makeOnce(
  { name, server }: Pick<Deployment, "name" | "server">,
  what: string,
  value: pulumi.Input<string>,
): pulumi.Output<string> {
  const options = { parent: server, ignoreChanges: ["input"] };
  return new pulumi.Stash(`${name}-${what}`, { input: value }, options).output as pulumi.Output<string>;
}

/** `organization/project/stack`. Mocks of a user's test know no organization. */
function stackLabel(): string {
  const organization = hasRealEngine() ? [pulumi.getOrganization()] : [];
  return [...organization, pulumi.getProject(), pulumi.getStack()].join("/");
}
