import { decodeTime, encodeTime } from "../../wire/pack-time.ts";
import {
  findFolder,
  findItem,
  named,
  withChildren,
  type ConfigFolder,
  type ConfigItem,
} from "./config-node.ts";

const largestUint = 0xffff_ffff;
const largestUint64 = 0xffff_ffff_ffff_ffffn;

/** A value of a configuration that cannot be used: names it by its path. */
export class ConfigFieldError extends Error {
  override readonly name = "ConfigFieldError";

  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
  }
}

/**
 * What a configuration restricts cannot be kept to. No former configuration, which may restrict less, takes the place of that one.
 */
export class RestrictionError extends ConfigFieldError {}

/**
 * Whether a text means yes. The official server writes `true` and `false`; people who edit a file write other words, and what they
 * restrict by them has to be restricted here as well. Source: `Mayaqua/Str.c` ToBool.
 */
export function isTrue(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (word === "") return false;
  if (/^[+-]?0*[1-9]/.test(word)) return true;
  return ["true", "yes"].some((yes) => yes.startsWith(word) || word.startsWith(yes));
}

/** Reads the typed items of one folder. An item that is not there has its default. */
export class FieldReader {
  readonly #folder: ConfigFolder;
  /** For messages, such as `VirtualHUB/DEFAULT`. */
  readonly path: string;

  constructor(folder: ConfigFolder, path: string) {
    this.#folder = folder;
    this.path = path;
  }

  bool(name: string, missing = false): boolean {
    const item = findItem(this.#folder, "bool", name);
    return item === undefined ? missing : isTrue(item.value);
  }

  /** @throws {ConfigFieldError} when it is no number of 32 bits */
  uint(name: string, missing = 0): number {
    const item = findItem(this.#folder, "uint", name);
    if (item === undefined) return missing;
    if (!/^\d{1,10}$/.test(item.value) || Number(item.value) > largestUint) {
      throw new ConfigFieldError(`${this.path}/${name}`, "is no number from 0 to 4294967295");
    }
    return Number(item.value);
  }

  /**
   * A time as Unix time in milliseconds, undefined for none.
   *
   * @throws {ConfigFieldError} when it is no number of 64 bits
   */
  time(name: string): number | undefined {
    const value = this.#uint64(name);
    return value === undefined ? undefined : decodeTime(value);
  }

  /**
   * A count of 64 bits; beyond 2^53 it is no longer exact.
   *
   * @throws {ConfigFieldError} when it is no number of 64 bits
   */
  count(name: string): number {
    return Number(this.#uint64(name) ?? 0n);
  }

  /** Empty when it is not there. */
  text(name: string): string {
    return findItem(this.#folder, "string", name)?.value ?? "";
  }

  /**
   * A copy; empty when it is not there.
   *
   * @throws {ConfigFieldError} when it is not in base64
   */
  bytes(name: string): Uint8Array {
    const value = findItem(this.#folder, "byte", name)?.value ?? "";
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
      throw new ConfigFieldError(`${this.path}/${name}`, "is not in base64");
    }
    return Uint8Array.from(Buffer.from(value, "base64"));
  }

  /** Undefined when there is no such folder. */
  folder(name: string): FieldReader | undefined {
    const folder = findFolder(this.#folder, name);
    return folder && new FieldReader(folder, `${this.path}/${name}`);
  }

  #uint64(name: string): bigint | undefined {
    const item = findItem(this.#folder, "uint64", name);
    if (item === undefined) return undefined;
    if (!/^\d{1,20}$/.test(item.value) || BigInt(item.value) > largestUint64) {
      throw new ConfigFieldError(`${this.path}/${name}`, "is no number of 64 bits");
    }
    return BigInt(item.value);
  }

  /** The error for one of its items. */
  error(name: string, problem: string): ConfigFieldError {
    return new ConfigFieldError(`${this.path}/${name}`, problem);
  }
}

/** The folders in a folder, in their order. */
export function foldersIn(folder: ConfigFolder | undefined): ConfigFolder[] {
  return (folder?.children ?? []).filter((child): child is ConfigFolder => child.kind === "folder");
}

/**
 * `folder` with these items and folders in the places of those of the same names, or at its end; the names that are
 * undefined are taken away. All else is kept.
 */
export function withFields(
  folder: ConfigFolder,
  fields: Readonly<Record<string, Field | undefined>>,
): ConfigFolder {
  const left = new Map(Object.entries(fields).map(([name, field]) => [name.toLowerCase(), { name, field }]));
  const children = folder.children.flatMap((child) => {
    const key = child.kind === "comment" ? "" : child.name.toLowerCase();
    const found = left.get(key);
    if (child.kind === "comment" || found === undefined) return [child];
    const { field } = found;
    if (field !== undefined && field.kind !== child.kind) return [child];
    left.delete(key);
    return field === undefined ? [] : [namedField(field, child.name)];
  });
  for (const { name, field } of left.values()) {
    if (field !== undefined) children.push(namedField(field, name));
  }
  return withChildren(folder, children);
}

function namedField(field: Field, name: string): ConfigFolder | ConfigItem {
  return field.kind === "folder" ? named(field, name) : { ...field, name };
}

/** An item or folder whose name is told elsewhere. */
export type Field = Omit<ConfigItem, "name"> | Omit<ConfigFolder, "name">;

export const fields = {
  bool: (value: boolean): Field => ({ kind: "item", type: "bool", value: String(value) }),
  uint: (value: number): Field => ({ kind: "item", type: "uint", value: String(value) }),
  /** @param unixMs Unix time in milliseconds, undefined for none */
  time: (unixMs: number | undefined): Field => ({
    kind: "item",
    type: "uint64",
    value: encodeTime(unixMs).toString(),
  }),
  count: (value: number): Field => ({ kind: "item", type: "uint64", value: String(BigInt(value)) }),
  text: (value: string): Field => ({ kind: "item", type: "string", value }),
  bytes: (value: Uint8Array): Field => ({
    kind: "item",
    type: "byte",
    value: Buffer.from(value).toString("base64"),
  }),
};

/** An empty folder. */
export function emptyFolder(name: string): ConfigFolder {
  return { kind: "folder", name, children: [] };
}
