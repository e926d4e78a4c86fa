import type { Properties, PropertyType, TypeTable } from "./property-types.ts";

/** Values as they come over the wire: JSON, in which fixed texts stand for what is not known yet. */
export type Values = Readonly<Record<string, unknown>>;

export interface Failure {
  /** Path such as `rootBlockDevice.encrypted`. */
  readonly property: string;
  readonly reason: string;
}

/** What stands on the wire for a value of each kind that is not known yet (`sdk/go/common/resource/plugin/rpc.go`). */
const unknowns: ReadonlySet<unknown> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

export function isUnknown(value: unknown): boolean {
  return unknowns.has(value);
}

/** Every property that is missing, unknown or of another type than the package declares. */
export function findFailures(
  values: Values,
  properties: Properties,
  owner: string,
  { objects }: TypeTable,
): Failure[] {
  return inObject(values, properties, "");

  function inObject(object: Values, declared: Properties, prefix: string): Failure[] {
    const missing = Object.entries(declared)
      .filter(([name, { required }]) => required && isAbsent(object[name]))
      .map(([name]) => ({ property: prefix + name, reason: `${owner} needs "${prefix}${name}"` }));
    const wrong = Object.entries(object).flatMap(([name, value]) => {
      const property = prefix + name;
      const type = Object.hasOwn(declared, name) ? declared[name]?.type : undefined;
      if (type === undefined)
        return [{ property, reason: `${owner} has no property "${property}" in @pulumi/aws` }];
      return isAbsent(value) ? [] : inValue(value, type, property);
    });
    return [...missing, ...wrong];
  }

  function inValue(value: unknown, type: PropertyType, property: string): Failure[] {
    if (type === "any" || isUnknown(value)) return [];
    const wrong = [
      { property, reason: `"${property}" of ${owner} must be ${wordsOf(type)}, not ${wordsOfValue(value)}` },
    ];
    if (typeof type === "string") return typeof value === type ? [] : wrong;
    if ("oneOf" in type) {
      return type.oneOf.some((one) => inValue(value, one, property).length === 0) ? [] : wrong;
    }
    if ("list" in type) {
      if (!Array.isArray(value)) return wrong;
      return value.flatMap((item: unknown, index) => inValue(item, type.list, `${property}[${index}]`));
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong;
    if ("map" in type) {
      return Object.entries(value).flatMap(([key, item]) => inValue(item, type.map, `${property}.${key}`));
    }
    return inObject(value as Values, objects[type.object] ?? {}, `${property}.`);
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function wordsOf(type: PropertyType): string {
  if (typeof type === "string") return type === "any" ? "anything" : `a ${type}`;
  if ("list" in type) return "a list";
  if ("oneOf" in type) return type.oneOf.map(wordsOf).join(" or ");
  return "an object";
}

function wordsOfValue(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
