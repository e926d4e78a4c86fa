import { readdirSync, readFileSync, realpathSync, statSync, type Dirent } from "node:fs";
import { basename, join, resolve } from "node:path";

/** A Pulumi package that a program depends on: which plugin is behind it. */
export interface RequiredPackage {
  readonly name: string;
  /** With a leading `v`. */
  readonly version: string;
  /** Where the plugin is downloaded from, unless it is the usual place. */
  readonly server?: string;
  readonly parameterization?: Parameterization;
  readonly extension?: Parameterization;
}

/** Turns a plugin for many packages into one for this package. */
export interface Parameterization {
  readonly name: string;
  readonly version: string;
  /** In base64. */
  readonly value: string;
}

/** What the search reads of a package.json. */
interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly pulumi?: {
    readonly resource?: unknown;
    readonly name?: unknown;
    readonly version?: unknown;
    readonly server?: unknown;
    readonly parameterization?: Partial<Parameterization>;
    readonly extensionParameterization?: Partial<Parameterization>;
  };
}

const policyPackFile = /^PulumiPolicy\.(yaml|yml|json)$/;

/**
 * The Pulumi packages in the node_modules folders at and below a program's folder: those whose package.json has
 * `"pulumi": { "resource": true }`. Policy packs below it are programs of their own. What cannot be read, and what tells
 * no name or version, is left out.
 */
export function findRequiredPackages(programDirectory: string): RequiredPackage[] {
  const found: RequiredPackage[] = [];
  const visited = new Set<string>();
  const root = resolve(programDirectory);
  const open: { directory: string; inNodeModules: boolean }[] = [{ directory: root, inNodeModules: false }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { directory, inNodeModules } = place;
    if (visited.has(directory)) continue;
    visited.add(directory);
    const entries = readDirectory(directory);
    if (directory !== root && entries.some(({ name }) => policyPackFile.test(name))) continue;
    for (const entry of entries) {
      const { path, isDirectory } = follow(directory, entry);
      if (isDirectory) {
        const isNodeModules = basename(directory) === "node_modules";
        open.push({ directory: path, inNodeModules: inNodeModules || isNodeModules });
      } else if (inNodeModules && entry.name === "package.json") {
        const required = requiredPackage(readManifest(path));
        if (required !== undefined) found.push(required);
      }
    }
  }
  return found;
}

function readDirectory(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** What an entry of a folder is. A link stands for what it leads to, by its real path: links may go round in circles. */
function follow(directory: string, entry: Dirent): { path: string; isDirectory: boolean } {
  const path = join(directory, entry.name);
  if (!entry.isSymbolicLink()) return { path, isDirectory: entry.isDirectory() };
  try {
    const target = realpathSync(path);
    return { path: target, isDirectory: statSync(target).isDirectory() };
  } catch {
    return { path, isDirectory: false };
  }
}

function readManifest(path: string): Manifest {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) ?? {}) as Manifest;
  } catch {
    return {};
  }
}

function requiredPackage({ name, version, pulumi }: Manifest): RequiredPackage | undefined {
  if (pulumi?.resource !== true) return undefined;
  const pluginName = text(pulumi.name) ?? /^@pulumi\/(.+)$/.exec(text(name) ?? "")?.[1];
  const pluginVersion = text(pulumi.version) ?? text(version);
  if (pluginName === undefined || pluginVersion === undefined) return undefined;
  const server = text(pulumi.server);
  const parameterization = readParameterization(pulumi.parameterization);
  const extension = readParameterization(pulumi.extensionParameterization);
  return {
    name: pluginName,
    version: pluginVersion.startsWith("v") ? pluginVersion : `v${pluginVersion}`,
    ...(server !== undefined && { server }),
    ...(parameterization && { parameterization }),
    ...(extension && { extension }),
  };
}

function readParameterization(json: Partial<Parameterization> | undefined): Parameterization | undefined {
  if (json === undefined || json === null) return undefined;
  return {
    name: text(json.name) ?? "",
    version: text(json.version) ?? "",
    value: text(json.value) ?? "",
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
