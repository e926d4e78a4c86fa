import { getAsset, isSea } from "node:sea";
import { Worker } from "node:worker_threads";

/** Programs of this folder that run in a thread of their own, because they wait in functions of Windows. */
export type ThreadName = "dispatcher" | "tray";

export const threadNames: readonly ThreadName[] = ["dispatcher", "tray"];

/** Name of a thread's program among the assets of the executable. */
export function threadAsset(name: ThreadName): string {
  return `${name}-thread.cjs`;
}

/** Starts one of the threads: from the asset of the executable, or from the sources. */
export function startThread(name: ThreadName, data: object): Worker {
  if (isSea()) return new Worker(getAsset(threadAsset(name), "utf8"), { eval: true, workerData: data });
  return new Worker(new URL(`./${name}-thread.ts`, import.meta.url), { workerData: data });
}
