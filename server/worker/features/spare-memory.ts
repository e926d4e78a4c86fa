import { performance, type EventLoopUtilization } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memoryLimits } from "../../limits.ts";
import type { Feature } from "../feature.ts";
import { collectGently } from "../gentle-collection.ts";
import { SpareMemory } from "../spare-memory.ts";

/** Gives memory back after a rush. */
export const spareMemory: Feature = {
  start({ native }) {
    const collectAtOnce = functionOfRuntime();
    let since: EventLoopUtilization = performance.eventLoopUtilization();
    const spare = new SpareMemory({
      residentBytes: () => process.memoryUsage.rss(),
      utilization: () => {
        const { utilization } = performance.eventLoopUtilization(since);
        since = performance.eventLoopUtilization();
        return utilization;
      },
      // Bit by bit; then at once, where little is left: that alone gives back what lies between the objects.
      collect: async () => {
        await collectGently();
        if (process.memoryUsage().heapUsed <= memoryLimits.quickHeapBytes) await collectAtOnce();
      },
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

/** The runtime's own function for it, which it shows to those that start it with a flag, or to new contexts after it was set. */
function functionOfRuntime(): () => Promise<void> {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as (options: { type: "major"; execution: "async" }) => Promise<void>;
  setFlagsFromString("--no-expose-gc");
  return () => gc({ type: "major", execution: "async" });
}
