import { renameSync } from "node:fs";
import { rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * On Windows a file that somebody has open, such as a virus scanner, a backup or who reads it at this moment, cannot be replaced. They
 * are done soon.
 */
const patienceMs = process.platform === "win32" ? 2_000 : 0;
const pauseMs = 20;

/** Gives a file another name, in the place of a file that has it. @throws the system's error */
export async function renameFile(from: string, to: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      if (!isInUse(error) || performance.now() >= deadline) throw error;
    }
    await sleep(pauseMs);
  }
}

/** The same at once, for small files of the running server. */
export function renameFileSync(from: string, to: string): void {
  const deadline = performance.now() + patienceMs;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (!isInUse(error) || performance.now() >= deadline) throw error;
    }
    Atomics.wait(pause, 0, 0, pauseMs);
  }
}

/** Whether Windows refuses because somebody has the file open; it uses the codes of missing rights as well. */
export function isInUse(error: unknown): boolean {
  return ["EPERM", "EACCES", "EBUSY"].includes((error as NodeJS.ErrnoException).code ?? "");
}
