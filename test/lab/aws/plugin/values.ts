import type { AwsError, Parameter } from "../api/aws-api.ts";
import { at, listAt, textAt, type XmlValue } from "../api/xml.ts";
import type { Values } from "../types/type-check.ts";

/** A text among the inputs, which the types have been checked to be one. */
export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function texts(values: Values, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value.map(String) : [];
}

export function object(values: Values, name: string): Values | undefined {
  const value = values[name];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : undefined;
}

/** A text, number or boolean as a parameter of a request. */
export function scalar(values: Values | undefined, name: string): Parameter {
  const value = values?.[name];
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : undefined;
}

/** `filters: [{ name, values }]` as parameters of a request. */
export function filtersOf(args: Values, more: Readonly<Record<string, string>> = {}): Parameter[] {
  const given = Array.isArray(args["filters"]) ? (args["filters"] as Values[]) : [];
  return [
    ...given.map((filter) => ({ Name: text(filter, "name"), Value: texts(filter, "values") })),
    ...Object.entries(more).map(([name, value]) => ({ Name: name, Value: [value] })),
  ];
}

/** Tags of a new resource. */
export function tagSpecification(type: string, inputs: Values, name = "tags"): Parameter[] {
  const tags = object(inputs, name) ?? {};
  const list = Object.entries(tags).map(([key, value]) => ({ Key: key, Value: String(value) }));
  return list.length === 0 ? [] : [{ ResourceType: type, Tag: list }];
}

/** The tags in an answer. */
export function tagsIn(answer: XmlValue): Record<string, string> {
  return Object.fromEntries(
    listAt(answer, "tagSet").map((tag) => [textAt(tag, "key"), textAt(tag, "value")]),
  );
}

/** The one element of a list in an answer, or none. */
export function firstOf(answer: XmlValue | undefined, path: string): XmlValue | undefined {
  const [first] = listAt(answer, path);
  return first;
}

export function isTrue(answer: XmlValue, path: string): boolean {
  return at(answer, path) === "true";
}

/** Resolves to `undefined` when AWS answers that there is no such thing. */
export async function ifFound<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (/NotFound|NoSuch(Entity|Bucket|Key|PublicAccessBlock)|404/.test((error as AwsError).code ?? ""))
      return undefined;
    throw error;
  }
}

/** Names as AWS writes them, of a value whose names are those of the package: `targetValue` becomes `TargetValue`. */
export function pascalCased(value: unknown): Parameter {
  if (Array.isArray(value)) return value.map(pascalCased);
  if (typeof value !== "object" || value === null) return value as Parameter;
  const entries = Object.entries(value as Values);
  return Object.fromEntries(
    entries.map(([name, inner]) => [`${name.charAt(0).toUpperCase()}${name.slice(1)}`, pascalCased(inner)]),
  );
}

/** Tags as a list of keys and values. */
export function tagList(inputs: Values, name = "tags"): { Key: string; Value: string }[] {
  const tags = Object.entries(object(inputs, name) ?? {});
  return tags.map(([key, value]) => ({ Key: key, Value: String(value) }));
}

/** Whether an input differs from the former one. */
export function isChanged(name: string, inputs: Values, former: Values): boolean {
  return JSON.stringify(inputs[name]) !== JSON.stringify(former[name]);
}
