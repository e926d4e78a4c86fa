import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isInUse, renameFile } from "../platform/rename-file.ts";

/** A program that has just ended may still be held for a moment, by Windows or by a virus scanner: with these, 0.6 s. */
const retries = process.platform === "win32" ? { maxRetries: 3, retryDelay: 100 } : {};

/**
 * Takes away a folder with a program, which may run. Windows deletes no file that runs or is loaded, but gives it another name.
 *
 * @param aside folder on the same file system, made where it is needed, for such files
 * @throws the system's error
 */
export async function removeProgramFolder(folder: string, aside: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, ...retries });
  } catch (error) {
    if (process.platform !== "win32" || !isInUse(error)) throw error;
    await mkdir(aside, { recursive: true });
    for (const name of await readdir(folder)) {
      await renameFile(join(folder, name), join(aside, `${randomBytes(6).toString("hex")}-${name}`));
    }
    await rm(folder, { recursive: true, force: true, ...retries });
  }
}

/** Takes away what {@link removeProgramFolder} put aside, unless it still runs. */
export async function removeAside(aside: string): Promise<void> {
  await rm(aside, { recursive: true, force: true }).catch((error: unknown) => {
    if (process.platform !== "win32" || !isInUse(error)) throw error;
  });
}
