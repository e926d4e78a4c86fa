import type { Connection, Endpoint } from "./connection.ts";
import { isMap, type Data, type ValueMap } from "./property-values.ts";

/** Typed reading of properties whose shape was checked before. What is not known reads as absent. */

function read(properties: ValueMap, name: string): Data | undefined {
  const value = properties.get(name);
  return value?.unknown ? undefined : value?.data;
}

export function readText(properties: ValueMap, name: string): string | undefined {
  const data = read(properties, name);
  return typeof data === "string" ? data : undefined;
}

export function readFlag(properties: ValueMap, name: string, otherwise: boolean): boolean {
  const data = read(properties, name);
  return typeof data === "boolean" ? data : otherwise;
}

function readNumber(properties: ValueMap, name: string, otherwise: number): number {
  const data = read(properties, name);
  return typeof data === "number" ? data : otherwise;
}

export function readStrings(properties: ValueMap, name: string): ReadonlyMap<string, string> {
  const data = read(properties, name) ?? null;
  const strings = new Map<string, string>();
  if (!isMap(data)) return strings;
  for (const key of data.keys()) strings.set(key, readText(data, key) ?? "");
  return strings;
}

/** The property `connection`. */
export function readConnection(properties: ValueMap): Connection {
  const connection = read(properties, "connection") ?? null;
  const fields = isMap(connection) ? connection : new Map();
  const proxy = read(fields, "proxy") ?? null;
  return { ...readEndpoint(fields), ...(isMap(proxy) && { proxy: readEndpoint(proxy) }) };
}

function readEndpoint(fields: ValueMap): Endpoint {
  const optional: Record<string, string> = {};
  for (const name of ["password", "privateKey", "privateKeyPassword", "agentSocketPath", "hostKey"]) {
    const value = readText(fields, name);
    if (value !== undefined) optional[name] = value;
  }
  return {
    user: readText(fields, "user") ?? "root",
    host: readText(fields, "host") ?? "",
    port: readNumber(fields, "port", 22),
    dialErrorLimit: readNumber(fields, "dialErrorLimit", 10),
    perDialTimeout: readNumber(fields, "perDialTimeout", 15),
    ...optional,
  };
}
