import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { appendFlags, openOwnFile } from "../platform/own-file.ts";

/** What the logs need of the file system. */
export interface LogDisk {
  /** Size of a file in bytes; 0 when it is not there. */
  size(path: string): Promise<number>;
  /**
   * Appends all of a text, or nothing of it: a line that a full disk took half of would be joined to the next one. Makes the
   * file and its folder where they are not there.
   *
   * @returns the size of the file after it
   */
  append(path: string, text: string): Promise<number>;
}

export const logDisk: LogDisk = {
  async size(path) {
    try {
      return (await stat(path)).size;
    } catch (error) {
      if (isMissing(error)) return 0;
      throw error;
    }
  },
  async append(path, text) {
    try {
      return await appendWhole(path, text);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return appendWhole(path, text);
    }
  },
};

async function appendWhole(path: string, text: string): Promise<number> {
  const file = await openOwnFile(path, appendFlags, 0o600);
  try {
    const { size } = await file.stat();
    try {
      await file.appendFile(text);
    } catch (error) {
      await file.truncate(size).catch(() => {});
      throw error;
    }
    return size + Buffer.byteLength(text);
  } finally {
    await file.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
