import { defaultPolicy, policyNames, policyRanges, type Policy } from "../../settings/policy.ts";

type PolicyValues = { [Name in keyof Policy as `policy:${Name}`]: Policy[Name] } & { "policy:Ver3": boolean };

/** A policy as messages have it; of a user or group without one, the default. */
export function policyFieldsOf(policy: Policy | undefined): PolicyValues & { UsePolicy: boolean } {
  const values = policy ?? defaultPolicy;
  return {
    UsePolicy: policy !== undefined,
    ...Object.fromEntries(policyNames.map((name) => [`policy:${name}`, values[name]])),
    "policy:Ver3": true,
  } as PolicyValues & { UsePolicy: boolean };
}

/** The policy of a message; limits out of their range become the nearest that is allowed. */
export function policyFrom(message: PolicyValues & { readonly UsePolicy: boolean }): Policy | undefined {
  if (!message.UsePolicy) return undefined;
  const entries = policyNames.map((name) => {
    const value = message[`policy:${name}`];
    const range = policyRanges.get(name);
    if (range === undefined || typeof value === "boolean") return [name, value];
    if (value === 0 && range.zero) return [name, 0];
    return [name, Math.min(Math.max(value, range.least), range.most)];
  });
  return Object.fromEntries(entries) as Policy;
}
