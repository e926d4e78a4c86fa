import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { Lab } from "../test/lab/lab.ts";
import type { Namespace } from "../test/lab/namespace.ts";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import {
  benchPassword,
  briefSessionSeconds,
  briefUser,
  median,
  otherHub,
  measureRounds,
  printTable,
  residentMb,
  startServers,
  type MeasuredServer,
} from "./support/servers.ts";

const storms = 5;
const stormLogins = 200;
const pingMs = 10;
/** For the pings without a storm. */
const calmMs = 3_000;

const waves = 14;
const waveSessions = 600;
/** Until the sessions of a wave are gone, and the memory is looked at. */
const restMs = (briefSessionSeconds + 2) * 1000;
/** From the last wave to the last look. */
const finalRestMs = 30_000;

const support = (name: string) => join(import.meta.dirname, "support", name);

/** Delays of the pings of a calm time and of a storm. */
interface Storm {
  readonly calm: readonly number[];
  readonly during: readonly number[];
  /** From the first login to the last. */
  readonly tookMs: number;
}

interface StormRound {
  readonly calmMedian: number;
  readonly calm99: number;
  readonly stormMedian: number;
  readonly storm99: number;
  readonly stormMax: number;
  readonly tookMs: number;
}

interface WaveRound {
  readonly startMb: number;
  readonly firstMb: number;
  readonly highestMb: number;
  readonly lastMb: number;
  readonly restedMb: number;
}

/**
 * What many clients do to the others: the delay between two sessions of another hub while 200 clients log in at once, and the
 * memory that stays after 14 waves of 600 sessions that come, send a frame to all, and go.
 */
export async function measureLoad(): Promise<void> {
  await ensureDebianPackages(["softether-vpnserver", "softether-vpncmd", "iproute2"], {
    purpose: "the benchmark",
    log: (line) => console.log(line),
  });
  await using lab = await Lab.create();
  const [crowd, pair] = await Promise.all([lab.station("crowd"), lab.station("pair")]);
  const servers = await startServers(lab);
  const results = await measureRounds(servers, { rounds: storms, what: "storm" }, async (server) =>
    figuresOf(await measureStorm(crowd, pair, server)),
  );
  console.log(`\nping every ${pingMs} ms, ${stormLogins} logins at once: median of ${storms}\n`);
  printTable<StormRound>(
    [
      ["in calm, ms", "calmMedian"],
      ["in calm, 99 %, ms", "calm99"],
      ["in the storm, ms", "stormMedian"],
      ["in the storm, 99 %, ms", "storm99"],
      ["in the storm, longest, ms", "stormMax"],
      [`${stormLogins} logins, ms`, "tookMs"],
    ],
    results,
  );

  const memory = await measureRounds(servers, { rounds: 1, what: "waves" }, (server) =>
    measureWaves(crowd, server),
  );
  console.log(`\nresident memory over ${waves} waves of ${waveSessions} sessions\n`);
  printTable<WaveRound>(
    [
      ["before, MB", "startMb"],
      ["after the first wave, MB", "firstMb"],
      ["highest, MB", "highestMb"],
      ["after the last wave, MB", "lastMb"],
      [`${finalRestMs / 1000} s later, MB`, "restedMb"],
    ],
    memory,
  );
}

async function measureStorm(crowd: Namespace, pair: Namespace, server: MeasuredServer): Promise<Storm> {
  const { address } = server;
  const pinging = pair.spawn(
    process.execPath,
    [support("ping-load.ts"), address, otherHub, benchPassword, String(pingMs)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  if (pinging.stdout === null) throw new Error("no output to read");
  const lines = createInterface(pinging.stdout);
  await once(lines, "line");
  await delay(calmMs);
  const calmUntil = Date.now();
  const { stdout } = await crowd.run(process.execPath, [
    support("login-load.ts"),
    ...[address, briefUser, benchPassword, "0", String(stormLogins)],
  ]);
  const { beganAt, endedAt, failures } = JSON.parse(stdout) as {
    beganAt: number;
    endedAt: number;
    failures: object;
  };
  if (Object.keys(failures).length > 0) throw new Error(`logins failed: ${JSON.stringify(failures)}`);
  pinging.stdin?.end();
  const [line] = (await once(lines, "line")) as [string];
  const pings = JSON.parse(line) as { sentAt: number; tookMs: number }[];
  // The sessions end before the next storm.
  await delay(restMs);
  const between = (from: number, to: number) =>
    pings.filter(({ sentAt }) => sentAt >= from && sentAt < to).map(({ tookMs }) => tookMs);
  return {
    calm: between(calmUntil - calmMs / 2, calmUntil),
    during: between(beganAt, endedAt),
    tookMs: endedAt - beganAt,
  };
}

function figuresOf({ calm, during, tookMs }: Storm): StormRound {
  return {
    calmMedian: median(calm),
    calm99: percentile(calm, 99),
    stormMedian: median(during),
    storm99: percentile(during, 99),
    stormMax: Math.max(...during),
    tookMs,
  };
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length * percent) / 100)] ?? Number.NaN;
}

async function measureWaves(crowd: Namespace, server: MeasuredServer): Promise<WaveRound> {
  const startMb = await residentMb(server);
  const afterMb: number[] = [];
  for (let wave = 0; wave < waves; wave++) {
    await crowd.run(process.execPath, [
      support("session-load.ts"),
      ...[server.address, briefUser, benchPassword, String(waveSessions)],
    ]);
    await delay(restMs);
    afterMb.push(await residentMb(server));
    console.error(`wave ${wave + 1} of ${waves}: ${afterMb.at(-1)?.toFixed(0)} MB`);
  }
  await delay(finalRestMs);
  return {
    startMb,
    firstMb: afterMb[0] ?? Number.NaN,
    highestMb: Math.max(...afterMb),
    lastMb: afterMb.at(-1) ?? Number.NaN,
    restedMb: await residentMb(server),
  };
}
