import assert from "node:assert/strict";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { collectGently } from "../../../server/worker/gentle-collection.ts";

test("collects what is garbage, bit by bit, and takes no memory for it", async () => {
  const held = { garbage: Array.from({ length: 300_000 }, (_, index) => ({ numbers: [index, index] })) };
  const kinds: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
      kinds.push((entry as unknown as { detail: { kind: number } }).detail.kind);
  });
  observer.observe({ entryTypes: ["gc"] });
  const { heapUsed, rss } = process.memoryUsage();
  held.garbage = [];
  await collectGently();
  // The observer is told a turn later.
  await nextTurn();
  observer.disconnect();
  const after = process.memoryUsage();
  assert.ok(after.heapUsed < heapUsed - 20_000_000, `from ${heapUsed} to ${after.heapUsed} bytes`);
  assert.ok(after.rss < rss + 50_000_000, `from ${rss} to ${after.rss} bytes resident`);
  const { NODE_PERFORMANCE_GC_INCREMENTAL: bits, NODE_PERFORMANCE_GC_MAJOR: whole } = constants;
  // All at once would have no bits before it.
  assert.ok(kinds.includes(bits) && kinds.includes(whole), kinds.join());
});
