import { randomBytes } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { renameFile } from "./rename-file.ts";
import { syncFolder } from "./sync-folder.ts";

/**
 * Puts `content` at `path` so that whoever reads it, and whoever finds it after a crash or power cut, sees either the old
 * file or the whole new one: temporary file beside it, fsync, rename, fsync of the directory.
 *
 * @param options.mode permissions of the file, such as 0o600, whatever the umask; on Windows the folder hands its own down
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  options: { mode: number },
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", options.mode);
    try {
      await file.chmod(options.mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameFile(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}
