import type { Values } from "../types/type-check.ts";
import { object, text } from "./values.ts";

interface Refusal {
  readonly property: string;
  readonly reason: string;
}

interface TextRule {
  /** Characters. */
  readonly most: number;
  readonly allowed: RegExp;
}

/** What is made up behind a prefix. */
const madeUp = 26;

/** Why AWS would not take a name, or one that begins so. A name that the provider makes of the resource's is one that is given. */
export function nameRefusals(inputs: Values, rule: TextRule & { readonly taken?: RegExp }): Refusal[] {
  const { most, allowed, taken } = rule;
  return [
    ...textRefusals("name", text(inputs, "name"), rule),
    ...textRefusals("namePrefix", text(inputs, "namePrefix"), { most: most - madeUp, allowed }),
    ...["name", "namePrefix"]
      .filter((property) => taken?.test(text(inputs, property) ?? "") === true)
      .map((property) => ({ property, reason: `"${text(inputs, property)}" begins as AWS's own names do` })),
  ];
}

export function textRefusals(property: string, value: string | undefined, rule: TextRule): Refusal[] {
  if (value === undefined) return [];
  const refusals: Refusal[] = [];
  if (value.length > rule.most)
    refusals.push({ property, reason: `"${value}" is longer than ${rule.most} characters` });
  if (!rule.allowed.test(value))
    refusals.push({ property, reason: `"${value}" has a character that AWS does not take` });
  return refusals;
}

/** Why services other than EC2 would not take tags. */
export function tagRefusals(inputs: Values): Refusal[] {
  const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
  return Object.entries(object(inputs, "tags") ?? {}).flatMap(([name, value]) => [
    ...textRefusals("tags", name, { most: 128, allowed }),
    ...textRefusals("tags", typeof value === "string" ? value : undefined, { most: 256, allowed }),
  ]);
}
