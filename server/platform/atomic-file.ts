import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Puts `content` at `path` so that whoever reads it, and whoever finds it after a crash or power cut, sees either the old
 * file or the whole new one: temporary file beside it, fsync, rename, fsync of the directory.
 *
 * @param options.mode permissions of the file, such as 0o600, whatever the umask
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
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
