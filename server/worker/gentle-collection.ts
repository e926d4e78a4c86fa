import { constants, PerformanceObserver, type PerformanceEntry } from "node:perf_hooks";
import { memoryLimits } from "../limits.ts";

/**
 * Has the runtime collect the garbage of its whole heap, bit by bit, between turns of the event loop; resolves when that is done, or has
 * taken too long. Its own function for it (`gc`) does all at once, which with a large configuration holds the thread for a third of a second.
 * There is none for this: but when memory outside of the heap has grown by 64 MiB since the last time, the runtime begins by itself. So it
 * is given some, which nobody touches, so that no memory is taken for it.
 */
export async function collectGently(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(isWhole)) resolve();
  });
  observer.observe({ entryTypes: ["gc"] });
  const timer = setTimeout(resolve, memoryLimits.collectMs);
  void new ArrayBuffer(memoryLimits.nudgeBytes);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    observer.disconnect();
  }
}

/** The types do not know what is told of a collection. */
function isWhole(entry: PerformanceEntry): boolean {
  const { detail } = entry as PerformanceEntry & { readonly detail: { readonly kind: number } };
  return detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
