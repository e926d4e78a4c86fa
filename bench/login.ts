import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Lab } from "../test/lab/lab.ts";
import type { Namespace } from "../test/lab/namespace.ts";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import {
  benchPassword,
  briefSessionSeconds,
  briefUser,
  cpuSeconds,
  median,
  measureRounds,
  printTable,
  startServers,
  type MeasuredServer,
} from "./support/servers.ts";

const rounds = 3;
const seconds = 3;
const atOnce = 16;
/** Our server takes no more than 1,024 sessions of a user, and each stays for a while after its client. */
const mostLogins = 1_000;
/** Until the sessions of a load are gone: either server takes 4096 of them, and their ends are not to be measured. */
const restMs = (2 * briefSessionSeconds + 1) * 1000;
const load = join(import.meta.dirname, "support/login-load.ts");

interface Round {
  readonly aloneMs: number;
  readonly perSecond: number;
  readonly busyMs: number;
  /** Processor time of the server for a login. */
  readonly cpuMs: number;
}

/**
 * Logins by password, from the first packet of TCP to the welcome: one after the other, and sixteen at a time. The client is a
 * small one of our own, so that it is the server that is measured; it takes about as much processor time as the server.
 */
export async function measureLogin(): Promise<void> {
  await ensureDebianPackages(["softether-vpnserver", "softether-vpncmd", "iproute2"], {
    purpose: "the benchmark",
    log: (line) => console.log(line),
  });
  await using lab = await Lab.create();
  const station = await lab.station("client");
  const servers = await startServers(lab);
  const results = await measureRounds(servers, { rounds, what: "round" }, (server) =>
    measureRound(station, server),
  );
  console.log(`\nlogins by password: median of ${rounds}, ${seconds} s or ${mostLogins} logins each\n`);
  printTable<Round>(
    [
      ["one at a time, ms", "aloneMs"],
      [`${atOnce} at a time, logins/s`, "perSecond"],
      [`${atOnce} at a time, ms`, "busyMs"],
      ["server CPU, ms per login", "cpuMs"],
    ],
    results,
  );
}

async function measureRound(station: Namespace, server: MeasuredServer): Promise<Round> {
  const alone = await run(station, server, 1);
  await delay(restMs);
  const before = await cpuSeconds(server);
  const busy = await run(station, server, atOnce);
  const cpu = (await cpuSeconds(server)) - before;
  await delay(restMs);
  return {
    aloneMs: median(alone.latenciesMs),
    perSecond: busy.latenciesMs.length / busy.seconds,
    busyMs: median(busy.latenciesMs),
    cpuMs: (cpu * 1000) / busy.latenciesMs.length,
  };
}

async function run(
  station: Namespace,
  { address }: MeasuredServer,
  concurrency: number,
): Promise<{ readonly latenciesMs: readonly number[]; readonly seconds: number }> {
  const { stdout } = await station.run(process.execPath, [
    load,
    address,
    briefUser,
    benchPassword,
    String(seconds),
    String(concurrency),
    String(mostLogins),
  ]);
  const { latenciesMs, failures, beganAt, endedAt } = JSON.parse(stdout) as {
    latenciesMs: number[];
    failures: Record<string, number>;
    beganAt: number;
    endedAt: number;
  };
  if (Object.keys(failures).length > 0) {
    throw new Error(
      `${latenciesMs.length} logins at ${address} succeeded, others failed: ${JSON.stringify(failures)}`,
    );
  }
  return { latenciesMs, seconds: (endedAt - beganAt) / 1000 };
}
