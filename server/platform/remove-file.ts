import { unlinkSync } from "node:fs";

/**
 * Takes a file away, if it is there.
 *
 * @throws the system's error
 */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
