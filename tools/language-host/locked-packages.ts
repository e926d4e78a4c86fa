import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findUpwards } from "./package-manager.ts";

/** A package and the version that is installed. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
}

interface LockFile {
  /** Of lock file versions 2 and 3, by folder: `node_modules/a/node_modules/b`. */
  readonly packages?: Readonly<Record<string, LockEntry>>;
  /** Of lock file version 1, by name. */
  readonly dependencies?: Readonly<Record<string, LockEntry>>;
}

interface LockEntry {
  readonly version?: string;
  /** Whether it is a link to a folder of the project. */
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, LockEntry>>;
}

/**
 * The packages in the package-lock.json of a folder or the nearest one above it.
 *
 * @param transitive whether those are wanted too that only other packages need; else those that package.json names
 * @throws Error when there is none, or it cannot be read
 */
export function listLockedPackages(directory: string, transitive: boolean): LockedPackage[] {
  const path = findUpwards(directory, "package-lock.json");
  if (path === undefined) {
    throw new Error(`no package-lock.json found (searching upwards from ${directory}): run npm install`);
  }
  const lock = readJson(path) as LockFile;
  const all = lock.packages ? [...listFolders(lock.packages)] : [...listNames(lock.dependencies ?? {})];
  if (transitive) return all.map(({ name, version }) => ({ name, version }));
  const manifest = readJson(join(dirname(path), "package.json")) as Record<string, object | undefined>;
  const direct = new Set(Object.keys({ ...manifest["dependencies"], ...manifest["devDependencies"] }));
  return all
    .filter(({ name, isTopLevel }) => isTopLevel && direct.has(name))
    .map(({ name, version }) => ({ name, version }));
}

type Listed = LockedPackage & { readonly isTopLevel: boolean };

function* listFolders(packages: Readonly<Record<string, LockEntry>>): Generator<Listed> {
  for (const [folder, { version, link }] of Object.entries(packages)) {
    const [, parent = "", name] = /^(.*?)(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(folder) ?? [];
    if (name === undefined || version === undefined || link === true) continue;
    yield { name, version, isTopLevel: parent === "" && folder.lastIndexOf("node_modules/") === 0 };
  }
}

function* listNames(dependencies: Readonly<Record<string, LockEntry>>, isTopLevel = true): Generator<Listed> {
  for (const [name, entry] of Object.entries(dependencies)) {
    if (entry.version !== undefined) yield { name, version: entry.version, isTopLevel };
    yield* listNames(entry.dependencies ?? {}, false);
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`could not read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
