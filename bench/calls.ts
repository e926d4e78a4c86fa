import { once } from "node:events";
import { mkdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { OurServer } from "../test/interop/support/our-server.ts";
import { Lab } from "../test/lab/lab.ts";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import type { CallCost } from "./support/calls-load.ts";
import { largeHubs } from "./support/large-configuration.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3);
const sessions = Number(process.env["BENCH_SESSIONS"] ?? 4_096);
const logFiles = 4_000;
const logBytes = 100 * 1024 * 1024;
/** No call may hold the thread for longer: all frames wait for it. */
const boundMs = 20;
/** Until the worker with the new configuration has taken the former one's place. */
const restartMs = 1_000;

const support = (name: string) => join(import.meta.dirname, "support", name);

/**
 * Makes every call of the administration to a server with a configuration that is about as large as one may be, and with thousands of
 * sessions. The least of several rounds counts: what else the machine does makes a figure larger, and never smaller.
 *
 * With `BENCH_PROFILE=1` it tells where the thread was when it was held for longer than it may be.
 */
export async function measureCalls(): Promise<void> {
  await ensureDebianPackages(["iproute2"], { purpose: "the benchmark", log: (line) => console.log(line) });
  await using lab = await Lab.create();
  const station = await lab.station("calls");
  const probe = join(lab.directory, "probe");
  const env = { ...process.env };
  // The processes that are started from here take it from there: what serves is the server as it is.
  Object.assign(process.env, {
    NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${support("thread-probe.ts")}`,
    BENCH_PROBE: probe,
  });
  const server = await OurServer.start(station, lab.directory, largeHubs());
  process.env["NODE_OPTIONS"] = env["NODE_OPTIONS"] ?? "";
  await writeLogs(server.stateDirectory);
  const costs = new Map<string, CallCost[]>();
  for (let round = 1; round <= rounds; round++) {
    const load = station.spawn(
      process.execPath,
      [support("calls-load.ts"), server.stateDirectory, probe, String(sessions), String(round)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    if (load.stdout === null) throw new Error("no output to read");
    const ended = once(load, "close");
    for await (const line of createInterface(load.stdout)) {
      const cost = JSON.parse(line) as CallCost;
      costs.set(cost.name, [...(costs.get(cost.name) ?? []), cost]);
      if (cost.longestMs <= boundMs) continue;
      console.error(
        `${cost.name}: ${cost.longestMs.toFixed(0)} ms, garbage collector ${cost.collectedMs.toFixed(0)}`,
      );
      for (const place of cost.where ?? []) console.error(`    ${place}`);
    }
    await ended;
    // The new configuration has another worker, which comes after the last answer of the former one.
    await delay(restartMs);
  }
  await server.stop();
  print([...costs.values()].map(leastOf));
}

/** As many files as are kept, and one that is read from in parts. */
async function writeLogs(stateDirectory: string): Promise<void> {
  const folder = join(stateDirectory, "log/server_log");
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < logFiles; index++) {
    await writeFile(join(folder, `vpn_${19_000_000 + index}.log`), "");
  }
  const long = join(folder, "vpn_20200101.log");
  await writeFile(long, "");
  await truncate(long, logBytes);
}

function leastOf(costs: readonly CallCost[]): CallCost {
  const [least] = costs.toSorted((one, other) => one.longestMs - other.longestMs);
  if (least === undefined) throw new Error("nothing was measured");
  return { ...least, tookMs: Math.min(...costs.map(({ tookMs }) => tookMs)) };
}

function print(costs: readonly CallCost[]): void {
  console.log(`\nthe least of ${rounds} rounds, with ${sessions} sessions and 100,000 users\n`);
  console.log(
    `${"call".padEnd(44)}${"took, ms".padStart(12)}${"held, ms".padStart(12)}${"of it GC".padStart(12)}  error`,
  );
  for (const { name, tookMs, longestMs, collectedMs, error = "" } of costs) {
    const mark = longestMs > boundMs ? " TOO LONG" : "";
    const figures = [tookMs, longestMs, collectedMs].map((ms) => ms.toFixed(1).padStart(12)).join("");
    console.log(`${name.padEnd(44)}${figures}  ${error.slice(0, 100)}${mark}`);
  }
  const longer = costs.filter(({ longestMs }) => longestMs > boundMs);
  console.log(`\n${longer.length} of ${costs.length} held the thread for longer than ${boundMs} ms`);
}
