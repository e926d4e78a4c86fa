import { chmod, lstat, mkdir, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Mode } from "./mode-choice.ts";

/** A service is run by root and looked at by everybody; a user's installation is the user's own. */
export function folderMode(mode: Mode): number {
  return mode === "service" ? 0o755 : 0o700;
}

/** @returns whether the folder is gone */
export async function removeIfEmpty(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR" || code === "EBUSY") return false;
    throw error;
  }
}

/**
 * Makes a folder with those above it that are missing.
 *
 * @returns the folders that were made, the topmost first
 */
export async function makeFolders(path: string, mode: number): Promise<string[]> {
  const topmost = await mkdir(path, { recursive: true });
  if (topmost === undefined) return [];
  const made = [];
  for (let folder = path; ; folder = dirname(folder)) {
    made.unshift(folder);
    await chmod(folder, mode);
    if (folder === topmost) return made;
  }
}

/** Whether there is anything of that name, a link to nothing too. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
