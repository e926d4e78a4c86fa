import { open } from "node:fs/promises";

/**
 * Has the names in a folder on the disk when this resolves, such as that of a file that was renamed. On Windows nothing is to be done,
 * and nothing could be: NTFS writes names to its journal itself, and folders cannot be flushed.
 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
