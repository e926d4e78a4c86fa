import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

const sqliteBusy = 5;
const pollMs = 200;

export interface FileLockOptions {
  readonly timeoutMs: number;
  /** Called once, when somebody else holds the lock. */
  readonly onWait?: () => void;
}

/**
 * Runs `work` while no other process holds the lock of that name. The lock is one of the kernel's, taken through SQLite,
 * so it ends with its holder, however that ends.
 *
 * @throws Error when the lock is still taken after `timeoutMs`
 */
export async function withFileLock<T>(
  path: string,
  options: FileLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  try {
    await acquire(database, path, options);
    return await work();
  } finally {
    database.close();
  }
}

async function acquire(database: DatabaseSync, path: string, options: FileLockOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  let told = false;
  for (;;) {
    try {
      database.exec("BEGIN EXCLUSIVE");
      return;
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error;
    }
    if (performance.now() > deadline) {
      throw new Error(
        `another process has held ${path} for ${options.timeoutMs / 1000} s: end it, then run this again`,
      );
    }
    if (!told) options.onWait?.();
    told = true;
    await delay(pollMs);
  }
}
