import { chmod, lstat, mkdir, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeProgramFolder } from "../platform/windows-folder.ts";
import type { Mode } from "./mode-choice.ts";

/** A service is run by root and looked at by everybody; a user's installation is the user's own. */
export function folderMode(mode: Mode): number {
  return mode === "service" ? 0o755 : 0o700;
}

/** @returns whether the folder is gone; one that holds something, or cannot be taken away, stays */
export async function removeIfEmpty(path: string): Promise<boolean> {
  return rmdir(path).then(
    () => true,
    async () => !(await exists(path)),
  );
}

/**
 * Makes a folder with those above it that are missing: all of them, or none. On Windows their access lists are as strict as the mode:
 * other users get nothing, or may read where the mode lets them.
 *
 * @returns the folders that were made, the topmost first
 * @throws the system's error
 */
export async function makeFolders(path: string, mode: number): Promise<string[]> {
  const missing = [];
  for (let folder = path; !(await isFolder(folder)) && folder !== dirname(folder); folder = dirname(folder)) {
    missing.unshift(folder);
  }
  const made: string[] = [];
  try {
    for (const folder of missing) {
      if (!(await makeFolder(folder, mode))) continue;
      made.push(folder);
      if (process.platform !== "win32") await chmod(folder, mode);
    }
    return made;
  } catch (error) {
    for (const folder of made.reverse()) await removeIfEmpty(folder);
    throw error;
  }
}

/** @returns whether it was not there; another process may make the same ones */
async function makeFolder(path: string, mode: number): Promise<boolean> {
  try {
    if (process.platform === "win32") makeProgramFolder(path, (mode & 0o005) !== 0);
    else await mkdir(path);
    return true;
  } catch (error) {
    // Whatever the system calls it.
    if (await isFolder(path)) return false;
    throw error;
  }
}

/** By way of a link, too. */
async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** Whether there is anything of that name, a link to nothing too. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
