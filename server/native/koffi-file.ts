import { createHash } from "node:crypto";
import { lstat, readdir, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { getRawAsset, isSea } from "node:sea";
import { readOwnFile } from "../platform/own-file.ts";
import { writeFileAtomically } from "../platform/atomic-file.ts";

/** Name of koffi's library among the assets of the executable. */
export const koffiAsset = "koffi.node";

const fileName = /^koffi-[0-9a-f]{16}\.node$/;

/** Whether a file name is one that {@link placeKoffi} gives. */
export function isKoffiFileName(name: string): boolean {
  return fileName.test(name);
}

/**
 * A folder for the library, which has to be a file before it can be loaded. The name of the file is made of its bytes, so that
 * releases do not get into each other's way, and a library that is in use is never written to.
 */
export interface LibraryFolder {
  readonly path: string;
  /** Whether the library is put there where it is missing. */
  readonly write: boolean;
}

/** Where the library of this program lies when it runs from the sources; `undefined` in the executable, which carries it. */
export function installedKoffiFile(): string | undefined {
  if (isSea()) return undefined;
  const platform = `${process.platform}-${process.arch}`;
  const entry = createRequire(import.meta.url).resolve(`@koromix/koffi-${platform}`);
  return join(dirname(entry), platform.replace("-", "_"), "koffi.node");
}

/** Bytes of the library that the executable carries; `undefined` when this program runs from the sources. */
export function carriedKoffi(): Buffer | undefined {
  return isSea() ? Buffer.from(getRawAsset(koffiAsset)) : undefined;
}

/**
 * Makes sure that the library lies in a folder, byte for byte, and that nobody but root and this user can change it there: what is
 * loaded has all rights of the server. Former ones of a folder that is written to go.
 *
 * @returns path of the file
 * @throws Error that says why it cannot be loaded from there
 */
export async function placeKoffi(library: Uint8Array, folder: LibraryFolder): Promise<string> {
  const hash = createHash("sha256").update(library).digest("hex");
  const name = `koffi-${hash.slice(0, 16)}.node`;
  const file = join(folder.path, name);
  checkOwner(folder.path, await stat(folder.path));
  if (!(await isThere(file, library))) {
    if (!folder.write) throw new Error(`${file} is not there`);
    await writeFileAtomically(file, library, { mode: 0o644 });
    await sweep(folder.path, name);
  }
  checkOwner(file, await lstat(file));
  return file;
}

async function isThere(file: string, library: Uint8Array): Promise<boolean> {
  const there = await readOwnFile(file, library.length).catch(() => undefined);
  return there?.equals(library) === true;
}

function checkOwner(path: string, { uid, mode }: { readonly uid: number; readonly mode: number }): void {
  if (process.platform === "win32") return;
  const us = process.geteuid?.();
  if (uid !== 0 && uid !== us) throw new Error(`${path} belongs to another user (${uid})`);
  if ((mode & 0o022) !== 0) throw new Error(`other users may write to ${path}`);
}

async function sweep(folder: string, keep: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === keep || !isKoffiFileName(name)) continue;
    // On Windows one that a server still uses stays, until a later look.
    await rm(join(folder, name), { force: true }).catch(() => {});
  }
}
