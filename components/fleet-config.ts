import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { hubProblems } from "./desired-hubs.ts";
import type { SshConnectionArgs, SshEndpointArgs } from "./connection.ts";
import type { VpnFleetArgs } from "./vpn-fleet.ts";
import type { VpnServerArgs, VpnServerOptions } from "./server-arguments.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A key of the configuration: what its value must be, and what it is for. */
interface Key {
  readonly type: "string" | "number" | "boolean" | "numbers" | "hubs";
  readonly secret?: true;
}

const optionKeys: Readonly<Record<keyof VpnServerOptions, Key>> = {
  mode: { type: "string" },
  listeners: { type: "numbers" },
  hubs: { type: "hubs", secret: true },
  adminPassword: { type: "string", secret: true },
  importFrom: { type: "string" },
  openFirewall: { type: "boolean" },
  directory: { type: "string" },
  stateDirectory: { type: "string" },
  uninstallOnDestroy: { type: "boolean" },
  keepState: { type: "boolean" },
  healthTimeoutSeconds: { type: "number" },
  connectTimeoutSeconds: { type: "number" },
};

const serverKeys: Readonly<Record<"publicHost", Key>> = { publicHost: { type: "string" } };

const endpointKeys: Readonly<Record<keyof SshEndpointArgs | "privateKeyFile", Key>> = {
  host: { type: "string" },
  port: { type: "number" },
  user: { type: "string" },
  privateKey: { type: "string", secret: true },
  privateKeyFile: { type: "string" },
  privateKeyPassword: { type: "string", secret: true },
  password: { type: "string", secret: true },
  agentSocketPath: { type: "string" },
  hostKey: { type: "string" },
  insecureSkipHostKeyCheck: { type: "boolean" },
};

/** Name of a host: it becomes part of resource names. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/**
 * Reads a fleet from the stack's configuration: `vpnserver:hosts`, a list of hosts, and beside it the options that all
 * of them share. `docs/reference/configuration.md` describes every key.
 *
 * @param config all configuration of the stack, as `pulumi.runtime.allConfig()` gives it
 * @param namespace the part before the colon: the project's name
 * @throws pulumi.RunError that names every key that is wrong, and what is allowed there
 */
export function fleetFromConfig(
  config: Readonly<Record<string, string>> = pulumi.runtime.allConfig(),
  namespace: string = pulumi.getProject(),
): VpnFleetArgs {
  const problems: string[] = [];
  const values: Record<string, Json> = {};
  for (const [key, text] of Object.entries(config)) {
    if (key.startsWith(`${namespace}:`)) values[key.slice(namespace.length + 1)] = parseValue(text);
  }
  const { hosts, ...common } = values;
  const fleet: VpnFleetArgs = {
    servers: {},
    ...(readKeys(common, optionKeys, `${namespace}:`, problems, ["hosts"]) as VpnServerOptions),
  };
  if (!Array.isArray(hosts) || hosts.length === 0) {
    problems.push(
      `${namespace}:hosts is missing: a list with at least one host is needed. For example:\n` +
        `      pulumi config set --path '${namespace}:hosts[0].name' office\n` +
        `      pulumi config set --path '${namespace}:hosts[0].host' 203.0.113.5\n` +
        `      pulumi config set --path '${namespace}:hosts[0].hostKey' "$(ssh-keyscan -t ed25519 203.0.113.5)"\n` +
        `      pulumi config set --path '${namespace}:hosts[0].privateKeyFile' '~/.ssh/id_ed25519'`,
    );
  } else {
    hosts.forEach((host, index) => addHost(fleet.servers, host, `hosts[${index}]`, problems));
  }
  if (problems.length > 0) {
    throw new pulumi.RunError(
      `the configuration of this stack has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n` +
        problems.map((problem) => `  - ${problem}`).join("\n"),
    );
  }
  return fleet;
}

/** Configuration arrives as text: lists and objects as JSON, other values as they are. */
function parseValue(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function addHost(servers: VpnFleetArgs["servers"], value: Json, path: string, problems: string[]): void {
  if (!isObject(value)) {
    problems.push(`${path} is ${describe(value)}; an object with name, host and hostKey is needed`);
    return;
  }
  const { name, bastion, ...others } = value;
  if (typeof name !== "string" || !namePattern.test(name)) {
    problems.push(
      `${path}.name is ${describe(name)}; a name of up to 63 letters, digits, "-" and "_" is needed`,
    );
    return;
  }
  if (Object.hasOwn(servers, name)) {
    problems.push(`${path}.name is "${name}", which another host has already`);
  }
  const read = readKeys(others, { ...endpointKeys, ...serverKeys, ...optionKeys }, `${path}.`, problems, [
    "name",
    "bastion",
  ]);
  const connection = withKeyFile(pick(read, endpointKeys), `${path}.`, problems);
  if (isObject(bastion)) {
    const endpoint = readKeys(bastion, endpointKeys, `${path}.bastion.`, problems);
    connection["bastion"] = withKeyFile(endpoint, `${path}.bastion.`, problems);
  } else if (bastion !== undefined) {
    problems.push(`${path}.bastion is ${describe(bastion)}; an object with host and hostKey is needed`);
  }
  servers[name] = {
    ...(pick(read, { ...serverKeys, ...optionKeys }) as Omit<VpnServerArgs, "connection">),
    connection: connection as unknown as SshConnectionArgs,
  };
}

function readKeys(
  values: { [key: string]: Json },
  keys: Readonly<Record<string, Key>>,
  path: string,
  problems: string[],
  alsoAllowed: readonly string[] = [],
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (key === undefined) {
      problems.push(
        `${path}${name} is not a known key; allowed are ${[...alsoAllowed, ...Object.keys(keys)].sort().join(", ")}`,
      );
    } else if (!hasType(value, key.type)) {
      problems.push(`${path}${name} is ${describe(value, key.secret)}; ${articles[key.type]} is needed`);
    } else if (key.type === "hubs" && hubProblems(value).length > 0) {
      problems.push(...hubProblems(value).map((problem) => path + problem));
    } else {
      result[name] = key.secret ? pulumi.secret(value) : value;
    }
  }
  return result;
}

const articles: Readonly<Record<Key["type"], string>> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  numbers: "a list of numbers, such as [443, 992, 5555],",
  hubs: "a list of hubs",
};

function hasType(value: Json, type: Key["type"]): boolean {
  switch (type) {
    case "numbers":
      return Array.isArray(value) && value.every((item) => typeof item === "number");
    case "hubs":
      return Array.isArray(value);
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
  }
}

/** Puts the content of the key file in the place of its name. */
function withKeyFile(
  { privateKeyFile, ...endpoint }: Record<string, unknown>,
  path: string,
  problems: string[],
): Record<string, unknown> {
  if (typeof privateKeyFile !== "string") return endpoint;
  if (endpoint["privateKey"] !== undefined) {
    problems.push(`${path}privateKeyFile and ${path}privateKey are both given; one of them is enough`);
    return endpoint;
  }
  const file = privateKeyFile.startsWith("~/") ? join(homedir(), privateKeyFile.slice(2)) : privateKeyFile;
  try {
    return { ...endpoint, privateKey: pulumi.secret(readFileSync(file, "utf8")) };
  } catch (error) {
    problems.push(`${path}privateKeyFile cannot be read: ${(error as Error).message}`);
    return endpoint;
  }
}

function pick(values: Record<string, unknown>, keys: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => Object.hasOwn(keys, key)));
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: Json | undefined, secret?: true): string {
  if (value === undefined) return "missing";
  return secret ? "of another kind" : JSON.stringify(value);
}
