import assert from "node:assert/strict";
import { test } from "node:test";
import type { AwsApi } from "../../lab/aws/api/aws-api.ts";
import type { XmlValue } from "../../lab/aws/api/xml.ts";
import { allows } from "../../lab/aws/services/role-policy.ts";

const object = "arn:aws:s3:::releases/vpnserver/1.gz";

/** Judges by these statements, each in a policy of its own. */
function judge(statements: readonly object[], action: string, resource: string): Promise<boolean> {
  const answers = (call: string, { PolicyName }: Record<string, unknown>): XmlValue => {
    if (call === "ListRolePolicies") return { PolicyNames: statements.map((_, index) => String(index)) };
    const document = { Version: "2012-10-17", Statement: statements[Number(PolicyName)] };
    return { PolicyDocument: encodeURIComponent(JSON.stringify(document)) };
  };
  const api = { iam: async (call: string, parameters: Record<string, unknown>) => answers(call, parameters) };
  return allows(api as unknown as AwsApi, "role", action, resource);
}

test("a role may do what its policies say, with what they name", async () => {
  const statements = [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::releases/*" }];
  assert.equal(await judge(statements, "s3:GetObject", object), true);
  assert.equal(await judge(statements, "s3:PutObject", object), false);
  assert.equal(await judge(statements, "s3:GetObject", "arn:aws:s3:::releases"), false);
  assert.equal(await judge(statements, "s3:GetObject", "arn:aws:s3:::others/1"), false);
  assert.equal(await judge([], "s3:GetObject", object), false);
});

test("a denial counts more, and what cannot be judged allows nothing", async () => {
  const all = { Effect: "Allow", Action: ["s3:*"], Resource: ["*"] };
  assert.equal(await judge([all], "s3:GetObject", object), true);
  const denial = { Effect: "Deny", Action: "s3:GetObject", Resource: object, Condition: { Bool: {} } };
  assert.equal(await judge([all, denial], "s3:GetObject", object), false);
  assert.equal(await judge([{ ...all, Condition: { Bool: {} } }], "s3:GetObject", object), false);
});
