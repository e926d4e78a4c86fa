import { isIP } from "node:net";
import { rpcLimits } from "../limits.ts";
import { ItemsToCome, LongText } from "../json/json-text.ts";
import { joinInSteps } from "../long-bytes.ts";
import { atOnce, mapped, type Steps } from "../turns.ts";
import { decodeTime, encodeTime } from "../wire/pack-time.ts";
import type { Fields, ItemFields, MessageOf, ScalarKind, ScalarValues } from "./fields.ts";
import { RpcError } from "./rpc.ts";
import { zeroOf } from "./zero-value.ts";

/** Long bytes are turned into text when they are written. */
type Json =
  | string
  | number
  | boolean
  | null
  | Buffer
  | LongText
  | ItemsToCome<Item>
  | readonly Json[]
  | { readonly [name: string]: Json };
type JsonObject = Readonly<Record<string, Json>>;
type Scalar = ScalarValues[ScalarKind];
type Item = Readonly<Record<string, Scalar>>;

/** What stands behind the name of a field, so that a program without the definitions can tell its kind. */
const suffixes: Readonly<Record<ScalarKind, string>> = {
  u32: "_u32",
  u64: "_u64",
  bool: "_bool",
  time: "_dt",
  str: "_str",
  utf: "_utf",
  bin: "_bin",
  ip: "_ip",
};

/** "None" as a time: the protocol's epoch. */
const noTime = "1970-01-01T09:00:00.000Z";

/**
 * A message as JSON: the lists first, then the other fields, each in the order of their names without regard to case, as the
 * official server has them. `extraNumbers` come last.
 */
export function messageToJson<F extends Fields>(
  fields: F,
  message: MessageOf<F>,
  extraNumbers: readonly (readonly [name: string, value: number])[] = [],
): JsonObject {
  return atOnce(messageToJsonInSteps(fields, message, extraNumbers));
}

/** Like {@link messageToJson}. */
export function* messageToJsonInSteps<F extends Fields>(
  fields: F,
  message: MessageOf<F>,
  extraNumbers: readonly (readonly [name: string, value: number])[] = [],
): Steps<JsonObject> {
  const entries = entriesInOrder<Fields>(fields);
  const json: Record<string, Json> = {};
  for (const [name, field] of entries) {
    if (field.type === "list")
      json[name] = yield* itemsToJson(field.fields, message[name] as readonly Item[]);
  }
  for (const [name, field] of entries) {
    if (field.type === "scalar") {
      const value = message[name] as Scalar;
      const isLong = Buffer.isBuffer(value) && value.length > longBytes;
      json[name + suffixes[field.kind]] = isLong ? value : scalarToJson(field.kind, value);
    } else if (field.type === "values") {
      json[name + suffixes[field.kind]] = yield* mapped(message[name] as readonly Scalar[], (value) =>
        scalarToJson(field.kind, value),
      );
    }
  }
  for (const [name, value] of inOrder(extraNumbers)) json[name + suffixes.u32] = value;
  return json;
}

/**
 * Reads a message out of JSON. What is not there is zero; what is not known is left alone. Scripts send numbers as texts and
 * the other way round, and the official server takes them; what has no clear meaning is refused here instead of being zero.
 *
 * @throws {RpcError} invalidParameter for a value that is not of its field's kind
 */
export function messageFromJson<F extends Fields>(fields: F, json: JsonObject): MessageOf<F> {
  return atOnce(messageFromJsonInSteps(fields, json));
}

/** Like {@link messageFromJson}. */
export function* messageFromJsonInSteps<F extends Fields>(fields: F, json: JsonObject): Steps<MessageOf<F>> {
  const message: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === "list") {
      message[name] = yield* mapped(itemsOf(name, json[name]), (item) => scalarsFromJson(field.fields, item));
      continue;
    }
    const jsonName = name + suffixes[field.kind];
    const value = json[jsonName];
    if (field.type === "scalar") {
      const bytes = field.kind === "bin" && value instanceof LongText ? yield* bytesOfLong(value) : undefined;
      message[name] = bytes ?? scalarFromJson(jsonName, field.kind, value);
    } else {
      message[name] = yield* mapped(valuesOf(jsonName, value), (each) =>
        scalarFromJson(jsonName, field.kind, each),
      );
    }
  }
  return message as MessageOf<F>;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inOrder<Entry extends readonly [name: string, ...unknown[]]>(entries: readonly Entry[]): Entry[] {
  // The underscore stands behind all letters, as the official programs compare capitals.
  return [...entries].sort(([one], [other]) => (one.toUpperCase() < other.toUpperCase() ? -1 : 1));
}

/** Of the definitions, which stay: to sort their names takes longer than all else of a message. */
const orders = new WeakMap<object, readonly (readonly [name: string, field: unknown])[]>();

function entriesInOrder<F extends object>(
  fields: F,
): readonly (readonly [name: string, field: F[keyof F]])[] {
  const known = orders.get(fields) ?? inOrder(Object.entries(fields));
  orders.set(fields, known);
  return known as readonly (readonly [name: string, field: F[keyof F]])[];
}

function* itemsToJson(
  fields: ItemFields,
  items: readonly Item[],
): Steps<readonly JsonObject[] | ItemsToCome<Item>> {
  const entries = entriesInOrder<ItemFields>(fields).map(
    ([name, { kind }]) => [name, name + suffixes[kind], kind] as const,
  );
  // Not made of entries, which takes three times as long: lists have thousands of items.
  const toJson = (item: Item): JsonObject => {
    const json: Record<string, Json> = {};
    for (const [name, jsonName, kind] of entries) json[jsonName] = scalarToJson(kind, item[name] as Scalar);
    return json;
  };
  return items.length > longList ? new ItemsToCome(items, toJson) : yield* mapped(items, toJson);
}

/** Items from which on they are made when they are written. */
const longList = 1_024;

function scalarsFromJson(fields: ItemFields, item: JsonObject): Record<string, Scalar> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { kind }]) => [
      name,
      scalarFromJson(name + suffixes[kind], kind, item[name + suffixes[kind]]),
    ]),
  );
}

function scalarToJson(kind: ScalarKind, value: Scalar): Json {
  switch (kind) {
    case "time":
      return value === 0 ? noTime : new Date(value as number).toISOString();
    case "bin":
      return (value as Buffer).toString("base64");
    case "ip":
      return value || "0.0.0.0";
    case "u32":
    case "u64":
    case "bool":
    case "str":
    case "utf":
      return value;
  }
}

function scalarFromJson(name: string, kind: ScalarKind, value: Json | undefined): Scalar {
  if (value === undefined || value === null) return zeroOf(kind);
  const read = readers[kind](value);
  if (read !== undefined) return read;
  const told = value instanceof LongText ? "a text of megabytes" : JSON.stringify(value).slice(0, toldLength);
  throw new RpcError("invalidParameter", `${name}: ${told} is not ${descriptions[kind]}`);
}

/** A file, say. */
const longBytes = 48 * 1024;

/** The bytes of a text in base64; undefined for one that is none. */
function* bytesOfLong({ parts }: LongText): Steps<Buffer | undefined> {
  const decoded: Buffer[] = [];
  let rest = "";
  for (const [index, part] of parts.entries()) {
    // Only the end is filled up.
    const isLast = index === parts.length - 1;
    if (!(isLast ? /^[A-Za-z0-9+/=\s]*$/ : /^[A-Za-z0-9+/\s]*$/).test(part)) return undefined;
    const text = rest + part.replace(/\s/g, "");
    // Four characters of three bytes each.
    const end = isLast ? text.length : text.length - (text.length % 4);
    decoded.push(Buffer.from(text.slice(0, end), "base64"));
    rest = text.slice(end);
    yield;
  }
  return yield* joinInSteps(decoded);
}

/** Characters of a wrong value that its error tells. */
const toldLength = 100;

const most = { u32: 0xffff_ffff, u64: Number.MAX_SAFE_INTEGER } as const;

const descriptions: Readonly<Record<ScalarKind, string>> = {
  u32: `a whole number from 0 to ${most.u32}`,
  u64: `a whole number from 0 to ${most.u64}`,
  bool: "true or false",
  time: "a time such as 2026-01-31T12:00:00.000Z",
  str: "a text without NUL",
  utf: "a text without NUL",
  bin: "base64",
  ip: "an IP address",
};

/** For each kind what makes a value of JSON one of the field, or undefined. */
const readers: { readonly [Kind in ScalarKind]: (value: Json) => ScalarValues[Kind] | undefined } = {
  u32: (value) => readWhole(value, most.u32),
  u64: (value) => readWhole(value, most.u64),
  bool: (value) => {
    if (typeof value === "string" && /^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
    const number = readWhole(value, most.u32);
    return number === undefined ? undefined : number !== 0;
  },
  time: readTime,
  str: readText,
  utf: readText,
  bin: (value) =>
    typeof value === "string" && /^[A-Za-z0-9+/=\s]*$/.test(value) ? Buffer.from(value, "base64") : undefined,
  ip: (value) => (typeof value === "string" && (value === "" || isIP(value) !== 0) ? value : undefined),
};

function readWhole(value: Json, most: number): number | undefined {
  if (typeof value === "boolean") return Number(value);
  const number = typeof value === "string" && /^\d*$/.test(value) ? Number(value) : value;
  const isWhole = typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= most;
  return isWhole ? number : undefined;
}

function readText(value: Json): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && !value.includes("\0") ? value : undefined;
}

/** Date and time of RFC 3339, in UTC where no zone is told; within the times that the protocol can tell. */
function readTime(value: Json): number | undefined {
  if (value === "" || value === 0) return 0;
  const parts =
    typeof value === "string"
      ? /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)([Zz]|[+-]\d\d:\d\d)?)?$/.exec(value)
      : null;
  if (parts === null) return undefined;
  const [, date = "", time = "00:00:00", zone = "Z"] = parts;
  const unixMs = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  return Number.isNaN(unixMs) ? undefined : (decodeTime(encodeTime(unixMs)) ?? 0);
}

function itemsOf(name: string, value: Json | undefined): readonly JsonObject[] {
  const items = valuesOf(name, value);
  if (!items.every(isJsonObject)) throw new RpcError("invalidParameter", `${name}: it takes objects`);
  return items;
}

/** One value may stand for an array of one. */
function valuesOf(name: string, value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  const values = Array.isArray(value) ? (value as readonly Json[]) : [value];
  if (values.length <= rpcLimits.items) return values;
  throw new RpcError(
    "invalidParameter",
    `${name}: ${values.length} items; at most ${rpcLimits.items} are allowed`,
  );
}
