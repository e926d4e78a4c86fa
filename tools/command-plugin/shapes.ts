import {
  Archive,
  Asset,
  isList,
  isMap,
  plain,
  type Data,
  type Value,
  type ValueMap,
} from "./property-values.ts";

/** What a property may be. The names are the official program's own, which its messages show. */
export type Shape =
  | { readonly kind: "string"; readonly typeName: string }
  | { readonly kind: "number" }
  | { readonly kind: "integer" }
  | { readonly kind: "boolean" }
  /** A list of anything. */
  | { readonly kind: "list" }
  /** An object of strings. */
  | { readonly kind: "strings" }
  /** An asset or an archive. */
  | { readonly kind: "source" }
  | StructShape;

export interface StructShape {
  readonly kind: "struct";
  /** Such as `remote.Connection`. */
  readonly typeName: string;
  readonly fields: Readonly<Record<string, Field>>;
}

export interface Field {
  readonly shape: Shape;
  readonly required?: boolean;
  /** Always kept encrypted. */
  readonly secret?: boolean;
  /** A change means a new resource. */
  readonly replaces?: boolean;
  readonly default?: string | number;
}

/** One property that is not as it should be. */
export interface Failure {
  readonly property: string;
  readonly reason: string;
}

export const text: Shape = { kind: "string", typeName: "string" };

/** Every property that does not have the shape that it should have. Unknown values are taken as they are. */
export function findFailures(properties: ValueMap, shape: StructShape): Failure[] {
  const { typeName, fields } = shape;
  const failures: Failure[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const value = properties.get(name);
    if (value !== undefined) failures.push(...fieldFailures(value, field.shape, typeName, name));
    else if (field.required) {
      failures.push({ property: name, reason: `Missing required field '${name}' on '${typeName}'` });
    }
  }
  for (const name of properties.keys()) {
    if (fields[name] === undefined) {
      failures.push({ property: name, reason: `Unrecognized field '${name}' on '${typeName}'` });
    }
  }
  return failures;
}

/** The failures as one message. */
export function describeFailures(failures: readonly Failure[]): string {
  const lines = failures.map(({ property, reason }) => `\n\t${property}: ${reason}`);
  return `${failures.length} failures decoding:${lines.join("")}`;
}

function fieldFailures(value: Value, shape: Shape, owner: string, name: string): Failure[] {
  const { data } = value;
  if (value.unknown || data === null) return [];
  const fail = (reason: string): Failure[] => [{ property: name, reason }];
  const inside = (message: string): Failure[] =>
    fail(`An error occurred decoding '${owner.slice(owner.indexOf(".") + 1)}.${name}': ${message}`);
  const wrongType = (): Failure[] =>
    isMap(data)
      ? inside(
          `Cannot decode Object{} to type ${typeNameOf(shape)}; it isn't a struct, and no custom decoder exists`,
        )
      : fail(
          `Field '${name}' on '${owner}' must be a '${typeNameOf(shape)}'; got '${typeNameOfData(data)}' instead`,
        );

  switch (shape.kind) {
    case "string":
      return typeof data === "string" ? [] : wrongType();
    case "number":
    case "integer":
      return typeof data === "number" ? [] : wrongType();
    case "boolean":
      return typeof data === "boolean" ? [] : wrongType();
    case "list":
      return isList(data) ? [] : wrongType();
    case "strings":
      if (!isMap(data)) return wrongType();
      for (const [key, element] of data) {
        const failures = fieldFailures(element, text, owner, `${name}[${key}] value`);
        if (failures.length > 0) return failures;
      }
      return [];
    case "struct": {
      if (!isMap(data)) return wrongType();
      const failures = findFailures(data, shape);
      return failures.length > 0 ? inside(describeFailures(failures)) : [];
    }
    case "source": {
      // Anything but an object or a list passes here, and is then missed as a source.
      if (isList(data)) return wrongType();
      if (!isMap(data)) return [];
      const failures = findFailures(data, { kind: "struct", typeName: typeNameOf(shape), fields: {} });
      return failures.length > 0 ? inside(describeFailures(failures)) : [];
    }
  }
}

function typeNameOf(shape: Shape): string {
  switch (shape.kind) {
    case "string":
    case "struct":
      return shape.typeName;
    case "number":
      return "float64";
    case "integer":
      return "int";
    case "boolean":
      return "bool";
    case "list":
      return "[]interface {}";
    case "strings":
      return "map[string]string";
    case "source":
      return "types.AssetOrArchive";
  }
}

function typeNameOfData(data: Data): string {
  if (data instanceof Asset) return "asset.Asset";
  if (data instanceof Archive) return "archive.Archive";
  if (isList(data)) return "[]interface {}";
  if (typeof data === "string") return "string";
  if (typeof data === "number") return "float64";
  return typeof data === "boolean" ? "bool" : "map[string]interface {}";
}

/** The properties with defaults filled in, whole numbers cut, and secret what has to be. */
export function completeProperties(properties: ValueMap, shape: StructShape): ValueMap {
  const complete = new Map<string, Value>();
  for (const [name, value] of properties) {
    const field = shape.fields[name];
    if (!field) continue;
    const filled = completeValue(value, field.shape);
    complete.set(name, field.secret ? { ...filled, secret: true } : filled);
  }
  for (const [name, field] of Object.entries(shape.fields)) {
    if (field.default !== undefined && !complete.has(name)) complete.set(name, plain(field.default));
  }
  return complete;
}

function completeValue(value: Value, shape: Shape): Value {
  // The official program takes a value that is secret and not known yet for a known, empty one.
  const { data } = value.unknown && value.secret ? { data: emptyData(shape) } : value;
  if (value.unknown && !value.secret) return value;
  return { data: completeData(data, shape), secret: value.secret, unknown: false };
}

function completeData(data: Data, shape: Shape): Data {
  if (shape.kind === "struct" && isMap(data)) return completeProperties(data, shape);
  if (shape.kind === "integer" && typeof data === "number") return Math.trunc(data);
  if (shape.kind === "strings" && isMap(data)) {
    return new Map(Array.from(data, ([key, element]) => [key, completeValue(element, text)]));
  }
  if (shape.kind === "list" && isList(data)) {
    return data.map((element) =>
      element.secret && element.unknown ? { ...plain(null), secret: true } : element,
    );
  }
  return data;
}

function emptyData(shape: Shape): Data {
  switch (shape.kind) {
    case "string":
      return "";
    case "number":
    case "integer":
      return 0;
    case "boolean":
      return false;
    case "list":
      return [];
    case "strings":
    case "source":
      return new Map();
    case "struct": {
      const required = Object.entries(shape.fields).filter(([, field]) => field.required);
      return new Map(required.map(([name, field]) => [name, plain(emptyData(field.shape))]));
    }
  }
}
