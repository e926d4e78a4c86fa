import { performance, type EventLoopUtilization } from "node:perf_hooks";
import { memoryLimits } from "../../limits.ts";
import type { Feature } from "../feature.ts";
import { collectGently } from "../gentle-collection.ts";
import { SpareMemory } from "../spare-memory.ts";

/** Gives memory back after a rush. */
export const spareMemory: Feature = {
  start({ native }) {
    let since: EventLoopUtilization = performance.eventLoopUtilization();
    const spare = new SpareMemory({
      residentBytes: () => process.memoryUsage.rss(),
      utilization: () => {
        const { utilization } = performance.eventLoopUtilization(since);
        since = performance.eventLoopUtilization();
        return utilization;
      },
      collect: collectGently,
      // Much of what the runtime gives back lies in the heap of C.
      trim: async () => {
        const loaded = await native.get();
        if (loaded.available) await loaded.calls.trimHeap();
      },
      now: () => performance.now(),
    });
    const looks = setInterval(() => void spare.look(), memoryLimits.lookMs);
    return { close: () => clearInterval(looks) };
  },
};
