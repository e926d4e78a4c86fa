// Loaded into the worker by `--import`: measures how long its thread is held, that is from one turn of the event loop to the next, by its
// processor time, which other programs of the machine do not change.
// Whoever connects to the socket gets the longest time since the last one did, in milliseconds, as a line of JSON; with BENCH_PROFILE
// also where most of it was spent.
import { Session, type Profiler } from "node:inspector/promises";
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PerformanceObserver, type PerformanceEntry } from "node:perf_hooks";
import { threadClock } from "./thread-clock.ts";

const everyMs = 1;
const samplingMicroseconds = 1_000;

/** What the probe tells. */
export interface Held {
  readonly longestMs: number;
  /** Of it, what the garbage collector took by the clock. */
  readonly collectedMs: number;
  readonly where?: readonly string[];
}

const path = process.env["BENCH_PROBE"];
if (path !== undefined && process.env["VPNSERVER_ROLE"] === "worker") {
  const profiler = process.env["BENCH_PROFILE"] === undefined ? undefined : new Session();
  profiler?.connect();
  await profiler?.post("Profiler.enable");
  await profiler?.post("Profiler.setSamplingInterval", { interval: samplingMicroseconds });
  await profiler?.post("Profiler.start");
  const spent = threadClock();
  /** In microseconds. */
  const now = () => {
    const at = Number(process.hrtime.bigint() / 1000n);
    return { at, clock: performance.now(), spent: spent() };
  };
  let last = now();
  let longest = { from: last, to: last };
  setInterval(() => {
    const from = last;
    last = now();
    if (last.spent - from.spent > longest.to.spent - longest.from.spent) longest = { from, to: last };
  }, everyMs).unref();
  let collections: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    const held = longest;
    void (async () => {
      const profile = (await profiler?.post("Profiler.stop"))?.profile;
      // The observer is told a turn later.
      await nextTurn();
      const collectedMs = collections
        .map(({ startTime, duration }) => {
          const [from, to] = [
            Math.max(startTime, held.from.clock),
            Math.min(startTime + duration, held.to.clock),
          ];
          return Math.max(0, to - from);
        })
        .reduce((sum, ms) => sum + ms, 0);
      collections = [];
      const longestMs = (held.to.spent - held.from.spent) / 1000;
      const told: Held = {
        longestMs,
        collectedMs,
        ...(profile && { where: placesIn(profile, held.from.at, held.to.at) }),
      };
      await profiler?.post("Profiler.start");
      last = now();
      longest = { from: last, to: last };
      socket.end(`${JSON.stringify(told)}\n`);
    })();
  });
  server.listen(path).unref();
}

/** Functions that took most of a time, with the way to them. */
function placesIn(
  { nodes, samples = [], timeDeltas = [], startTime }: Profiler.Profile,
  from: number,
  to: number,
): string[] {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const counts = new Map<number, number>();
  let at = startTime;
  samples.forEach((id, index) => {
    at += timeDeltas[index] ?? 0;
    if (at >= from && at <= to) counts.set(id, (counts.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  });
  const wayTo = (id: number | undefined) => {
    const way: string[] = [];
    for (let each = id; each !== undefined && way.length < 8; each = parents.get(each)) {
      const { functionName, url, lineNumber } = byId.get(each)?.callFrame ?? {};
      way.push(`${functionName || "?"}@${url?.split("/").at(-1) ?? ""}:${(lineNumber ?? 0) + 1}`);
    }
    return way.join(" < ");
  };
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, 5)
    .map(([id, micros]) => `${(micros / 1000).toFixed(1)} ms ${wayTo(id)}`);
}
