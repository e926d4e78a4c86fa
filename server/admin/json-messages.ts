import { isIP } from "node:net";
import type { Fields, ItemFields, MessageOf, ScalarKind, ScalarValues } from "./fields.ts";
import { RpcError } from "./rpc.ts";
import { zeroOf } from "./zero-value.ts";

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = Readonly<Record<string, Json>>;
type Scalar = ScalarValues[ScalarKind];

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

/** A message as JSON: the lists first, then the other fields in the order of their names, as the official server has them. */
export function messageToJson<F extends Fields>(fields: F, message: MessageOf<F>): JsonObject {
  const json: Record<string, Json> = {};
  const entries = Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [name, field] of entries) {
    if (field.type !== "list") continue;
    json[name] = (message[name] as readonly Record<string, Scalar>[]).map((item) =>
      scalarsToJson(field.fields, item),
    );
  }
  for (const [name, field] of entries) {
    if (field.type === "scalar")
      json[name + suffixes[field.kind]] = scalarToJson(field.kind, message[name] as Scalar);
    else if (field.type === "values") {
      json[name + suffixes[field.kind]] = (message[name] as readonly Scalar[]).map((value) =>
        scalarToJson(field.kind, value),
      );
    }
  }
  return json;
}

/**
 * Reads a message out of JSON. What is not there is zero; what is not known is left alone.
 *
 * @throws {RpcError} invalidParameter for a value that is not of its field's kind
 */
export function messageFromJson<F extends Fields>(fields: F, json: JsonObject): MessageOf<F> {
  const message: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === "list") {
      message[name] = itemsOf(name, json[name]).map((item) => scalarsFromJson(field.fields, item));
      continue;
    }
    const jsonName = name + suffixes[field.kind];
    const value = json[jsonName];
    if (field.type === "scalar") message[name] = scalarFromJson(jsonName, field.kind, value);
    else message[name] = valuesOf(jsonName, value).map((each) => scalarFromJson(jsonName, field.kind, each));
  }
  return message as MessageOf<F>;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function scalarsToJson(fields: ItemFields, item: Readonly<Record<string, Scalar>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { kind }]) => [
      name + suffixes[kind],
      scalarToJson(kind, item[name] as Scalar),
    ]),
  );
}

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
      return (value as string) || "0.0.0.0";
    default:
      return value as Json;
  }
}

function scalarFromJson(name: string, kind: ScalarKind, value: Json | undefined): Scalar {
  if (value === undefined || value === null) return zeroOf(kind);
  const wrong = (expected: string) =>
    new RpcError("invalidParameter", `${name}: ${JSON.stringify(value).slice(0, 100)} is not ${expected}`);
  const whole = (most: number) => {
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > most) {
      throw wrong(`a whole number from 0 to ${most}`);
    }
    return value as number;
  };
  switch (kind) {
    case "u32":
      return whole(0xffff_ffff);
    case "u64":
      return whole(Number.MAX_SAFE_INTEGER);
    case "bool":
      if (typeof value === "boolean") return value;
      return whole(1) === 1;
    case "time": {
      const parsed = typeof value === "string" ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(parsed)) throw wrong("a time such as 2026-01-31T12:00:00.000Z");
      return value === noTime ? 0 : parsed;
    }
    case "str":
    case "utf":
      if (typeof value !== "string" || value.includes("\0")) throw wrong("a text");
      return value;
    case "bin":
      if (typeof value !== "string" || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) throw wrong("base64");
      return Buffer.from(value, "base64");
    case "ip":
      if (value === "") return "";
      if (typeof value !== "string" || isIP(value) === 0) throw wrong("an IP address");
      return value;
  }
}

function itemsOf(name: string, value: Json | undefined): readonly JsonObject[] {
  const items = valuesOf(name, value);
  if (!items.every(isJsonObject)) throw new RpcError("invalidParameter", `${name}: an item is no object`);
  return items as readonly JsonObject[];
}

function valuesOf(name: string, value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new RpcError("invalidParameter", `${name}: no array`);
  return value as readonly Json[];
}
