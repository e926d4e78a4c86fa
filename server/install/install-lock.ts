import { rm } from "node:fs/promises";
import { exists } from "./folders.ts";
import { isInUse } from "../platform/rename-file.ts";
import { ServerError } from "../errors.ts";
import { InstanceLock } from "../platform/instance-lock.ts";
import type { Layout } from "./layout.ts";

/**
 * Does `work` while no other process changes this installation.
 *
 * @throws {ServerError} BUSY when another one does
 */
export async function whileLocked<T>(layout: Layout, work: () => Promise<T>): Promise<T> {
  const lock = InstanceLock.acquire(layout.lock, "--prefix");
  if (lock === undefined) {
    throw new ServerError(
      "BUSY",
      `something is being installed to or taken away from ${layout.prefix} at this moment: try again when that is done`,
    );
  }
  try {
    return await work();
  } finally {
    lock.release();
    if (process.platform === "win32" && !(await exists(layout.manifest))) await removeLock(layout);
  }
}

/** Takes the lock's file away, for who holds it or knows that nobody does. Windows keeps it until its holder has closed it. */
export async function removeLock({ lock }: Layout): Promise<void> {
  for (const suffix of ["", "-journal"]) {
    await rm(lock + suffix, { force: true }).catch((error: unknown) => {
      if (process.platform !== "win32" || !isInUse(error)) throw error;
    });
  }
}
