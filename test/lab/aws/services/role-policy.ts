import type { AwsApi } from "../api/aws-api.ts";
import { listAt, textAt } from "../api/xml.ts";

interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: unknown;
}

/**
 * Whether the inline policies of a role let it do something with a resource. As with AWS nothing is allowed that is not said, and a
 * denial counts more. What the lab cannot judge (conditions, `NotAction`) allows nothing and denies everything it may be about.
 */
export async function allows(api: AwsApi, role: string, action: string, resource: string): Promise<boolean> {
  const listed = await api.iam("ListRolePolicies", { RoleName: role });
  const names = listAt(listed, "PolicyNames").filter((name) => typeof name === "string");
  let allowed = false;
  for (const name of names) {
    const answer = await api.iam("GetRolePolicy", { RoleName: role, PolicyName: name });
    const text = textAt(answer, "PolicyDocument");
    const document = JSON.parse(text.startsWith("%7B") ? decodeURIComponent(text) : text) as {
      Statement: Statement | Statement[];
    };
    for (const statement of [document.Statement].flat()) {
      const about = covers(statement.Action, action) && covers(statement.Resource, resource);
      if (!about) continue;
      if (statement.Effect === "Deny") return false;
      if (statement.Effect === "Allow" && statement.Condition === undefined) allowed = true;
    }
  }
  return allowed;
}

function covers(patterns: string | readonly string[] | undefined, value: string): boolean {
  return [patterns ?? []].flat().some((pattern) => {
    const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(value);
  });
}
