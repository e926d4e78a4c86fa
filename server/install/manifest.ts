import { lstat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readOwnFile } from "../platform/own-file.ts";
import { writeFileAtomically } from "../platform/atomic-file.ts";
import { fileProblemOf, isAboutRights, wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import type { Layout } from "./layout.ts";
import type { Mode } from "./mode-choice.ts";
import { isOwner, type Owner } from "../contract/owner.ts";

/**
 * What an installation put on its host, in `<prefix>/install.json`. An entry is written before the thing itself is made,
 * so that an installation that broke off can be taken away all the same.
 */
export interface Manifest {
  readonly format: 1;
  readonly mode: Mode;
  readonly stateDirectory: string;
  /** SHA-256 of the release that was healthy last; left out before there was one. */
  readonly release?: string;
  /** SHA-256 of the healthy one before, which is kept. */
  readonly previousRelease?: string;
  /** Folders that were made, those above others first. */
  readonly folders: readonly string[];
  /** Links to the executable that were made. */
  readonly links: readonly string[];
  /** The deployment that it belongs to; left out where it belongs to none. */
  readonly owner?: Owner;
  readonly firewall: {
    readonly open: boolean;
    /** TCP ports that rules were asked for. */
    readonly ports: readonly number[];
  };
}

/**
 * Reads the manifest of an installation; `undefined` when there is none.
 *
 * @throws {ServerError} STATE_INVALID when it cannot be understood, NOT_PERMITTED when another user made it
 */
export async function readManifest(layout: Layout): Promise<Manifest | undefined> {
  const path = layout.manifest;
  let text: string;
  try {
    text = (await readOwnFile(path)).toString();
    const { uid } = await lstat(path);
    // On Windows every file is of user 0; the folder was judged, by its access list.
    if (process.platform !== "win32" && uid !== process.geteuid?.()) {
      throw new ServerError(
        "NOT_PERMITTED",
        `the installation in ${layout.prefix} belongs to another user (id ${uid}): run this as that user`,
      );
    }
  } catch (error) {
    if (error instanceof ServerError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ServerError(
      isAboutRights(error) ? "NOT_PERMITTED" : "STATE_INVALID",
      `cannot read ${path}: ${wordsOf(error)}`,
      { cause: error },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isManifest(value)) {
    throw new ServerError(
      "STATE_INVALID",
      `${path} is not what an installation writes: move it away and install again to repair it`,
    );
  }
  return value;
}

/** The mode of the installation in a folder, whoever made it; `undefined` when there is none that can be seen. */
export async function installedMode(layout: Layout): Promise<Mode | undefined> {
  return (await lookAt(layout))?.mode;
}

/** Whose the installation in a folder is, whoever made it; `undefined` when it is nobody's, or cannot be seen. */
export async function installedOwner(layout: Layout): Promise<Owner | undefined> {
  return (await lookAt(layout))?.owner;
}

async function lookAt(layout: Layout): Promise<Manifest | undefined> {
  try {
    const value: unknown = JSON.parse((await readOwnFile(layout.manifest)).toString());
    return isManifest(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export async function writeManifest(layout: Layout, manifest: Manifest): Promise<void> {
  const mode = manifest.mode === "service" ? 0o644 : 0o600;
  try {
    await writeFileAtomically(layout.manifest, `${JSON.stringify(manifest, undefined, 2)}\n`, { mode });
  } catch (error) {
    throw new ServerError(
      isAboutRights(error) ? "NOT_PERMITTED" : "FAILED",
      `cannot write ${layout.manifest}: ${fileProblemOf(error, layout.prefix, "--prefix")}`,
      { cause: error },
    );
  }
}

/** The manifest during one run of an installation: what is on record before the things themselves are made. */
export class ManifestRecord {
  readonly #layout: Layout;
  #manifest: Manifest;
  #written: Manifest | undefined;

  /**
   * @param written what the file holds
   * @param draft what the first write is to add to
   */
  constructor(layout: Layout, written: Manifest | undefined, draft: Manifest) {
    this.#layout = layout;
    this.#written = written;
    this.#manifest = draft;
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  async add(changes: Partial<Manifest>): Promise<void> {
    await this.replace({ ...this.#manifest, ...changes });
  }

  async replace(manifest: Manifest): Promise<void> {
    this.#manifest = manifest;
    // So that a full disk is no obstacle where nothing is to be written.
    if (isDeepStrictEqual(manifest, this.#written)) return;
    await writeManifest(this.#layout, manifest);
    this.#written = manifest;
  }
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== "object" || value === null) return false;
  const { format, mode, stateDirectory, release, previousRelease, folders, links, owner, firewall } =
    value as Partial<Record<keyof Manifest, unknown>>;
  const { open, ports } = (firewall ?? {}) as Partial<Record<string, unknown>>;
  return (
    format === 1 &&
    (mode === "service" || mode === "user") &&
    isPath(stateDirectory) &&
    [release, previousRelease].every((name) => name === undefined || isReleaseName(name)) &&
    isListOf(folders, isPath) &&
    isListOf(links, isPath) &&
    (owner === undefined || isOwner(owner)) &&
    typeof open === "boolean" &&
    isListOf(ports, Number.isInteger)
  );
}

function isReleaseName(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isPath(value: unknown): boolean {
  return typeof value === "string" && isAbsolute(value);
}
