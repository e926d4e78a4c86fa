import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Lab } from "../../test/lab/lab.ts";
import type { Namespace } from "../../test/lab/namespace.ts";
import { createHubSettings } from "../../server/config/sections/hub-config.ts";
import { hubOf, OurServer, userOf } from "../../test/interop/support/our-server.ts";
import { SoftEtherProgram } from "../../test/interop/support/softether-program.ts";

/** A hub beside DEFAULT with the same users. */
export const otherHub = "OTHER";
const hubs = ["DEFAULT", otherHub];
/** Password of all users of the hubs: `one` and `two`, and {@link briefUser}. */
export const benchPassword = "bench";
/** Its sessions end soon after their connections. */
export const briefUser = "brief";
export const briefSessionSeconds = 5;
const users = ["one", "two", briefUser];

/** A server under measurement: where it listens, and whose processor time counts. */
export interface MeasuredServer {
  readonly station: Namespace;
  readonly address: string;
  readonly pids: readonly number[];
  /** The one of them that carries the traffic. */
  readonly workerPid: number;
}

/** Another clone of the project, set up, whose server is measured too: a change is judged in one run. */
export const besideVariable = "VPNSERVER_BENCH_BESIDE";

/** Which servers run, by the names of their columns; all without it. For experiments: the ratios are those of one run. */
const chosen = process.env["BENCH_SERVERS"]?.split(",");

/** How often each server is measured. */
export function roundsOf(usual: number): number {
  return Number(process.env["BENCH_ROUNDS"] ?? usual);
}

/**
 * Servers or their results by the names of the columns: `ours`, `SoftEther`, and `beside` where {@link besideVariable} names a
 * clone.
 */
export type ByServer<T> = ReadonlyMap<string, T>;

/**
 * Starts our server and SoftEther's, each in a station of its own, with the same users.
 *
 * @param secureNat with SecureNAT, as in a new hub: by sockets, and once more by the kernel, in the column `kernel`, whose host gets to
 * others by way of that address
 */
export async function startServers(
  lab: Lab,
  { secureNat }: { readonly secureNat?: { readonly gateway: string } } = {},
): Promise<ByServer<MeasuredServer>> {
  const servers = new Map<string, MeasuredServer>();
  const isChosen = (name: string) => chosen?.includes(name) ?? true;
  const startOurs = async (name: string, { program, byKernel = false }: OurOptions = {}) => {
    if (!isChosen(name)) return;
    const station = await lab.station(name);
    if (byKernel && secureNat !== undefined)
      await station.run("ip", ["route", "add", "default", "via", secureNat.gateway]);
    const ourHubs = hubs.map((hub) => ourHub(hub, secureNat && { byKernel }));
    const ours = await OurServer.start(station, lab.directory, ourHubs, program);
    const { worker, supervisor } = await ours.status();
    servers.set(name, {
      station: ours.station,
      address: ours.address,
      pids: [worker.pid, supervisor.pid],
      workerPid: worker.pid,
    });
  };
  await startOurs("ours");
  const beside = process.env[besideVariable];
  if (beside !== undefined) await startOurs("beside", { program: resolve(beside, "server/main.ts") });
  if (secureNat !== undefined) await startOurs("kernel", { byKernel: true });
  if (!isChosen("SoftEther")) return servers;
  const theirs = await SoftEtherProgram.start("vpnserver", await lab.station("softether"), 5555);
  return servers.set("SoftEther", await startSoftEther(theirs, lab.directory, secureNat !== undefined));
}

interface OurOptions {
  /** The sources, where they are another clone's. */
  readonly program?: string;
  readonly byKernel?: boolean;
}

function ourHub(name: string, nat: { readonly byKernel: boolean } | undefined) {
  const timeOut = (user: string) => (user === briefUser ? { TimeOut: briefSessionSeconds } : undefined);
  const { secureNat } = createHubSettings(name);
  const ways = { byKernel: nat?.byKernel ?? false, bySockets: nat?.byKernel !== true };
  return hubOf(
    name,
    users.map((user) => userOf(user, benchPassword, timeOut(user))),
    nat && { secureNat: { ...secureNat, enabled: true, nat: { ...secureNat.nat, ...ways } } },
  );
}

/** Measures each server in turn, `rounds` times. */
export async function measureRounds<Round>(
  servers: ByServer<MeasuredServer>,
  { rounds, what }: { readonly rounds: number; readonly what: string },
  measure: (server: MeasuredServer) => Promise<Round>,
): Promise<ByServer<readonly Round[]>> {
  const results = new Map<string, Round[]>([...servers.keys()].map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, server] of servers) {
      results.get(name)?.push(await measure(server));
      console.error(`${what} ${round + 1} of ${rounds}: ${name} done`);
    }
  }
  return results;
}

async function startSoftEther(
  program: SoftEtherProgram,
  directory: string,
  secureNat: boolean,
): Promise<MeasuredServer> {
  await program.vpncmd(["/SERVER"], ["HubCreate", otherHub, "/PASSWORD:"]);
  for (const name of hubs) {
    const hub = ["/SERVER", `/ADMINHUB:${name}`];
    for (const user of users) {
      await program.vpncmd(hub, ["UserCreate", user, "/GROUP:none", "/REALNAME:none", "/NOTE:none"]);
      await program.vpncmd(hub, ["UserPasswordSet", user, `/PASSWORD:${benchPassword}`]);
    }
    const timeOut = ["/NAME:TimeOut", `/VALUE:${briefSessionSeconds}`];
    await program.vpncmd(hub, ["UserPolicySet", briefUser, ...timeOut]);
    if (secureNat) await program.vpncmd(hub, ["SecureNatEnable"]);
  }
  await withoutFloodProtection(program, directory);
  const children = await readFile(`/proc/${program.pid}/task/${program.pid}/children`, "utf8");
  const [workerPid = program.pid, ...others] = children.trim().split(" ").map(Number);
  const { station } = program;
  return { station, address: station.address, pids: [program.pid, workerPid, ...others], workerPid };
}

/** It would refuse what comes from one address in quick succession, which is all of a benchmark. */
async function withoutFloodProtection(program: SoftEtherProgram, directory: string): Promise<void> {
  const file = join(directory, "softether.config");
  // vpncmd takes an argument that begins with a slash for an option.
  const relative = file.slice(1);
  const run = (command: string) =>
    program.run("sh", ["-c", `cd / && vpncmd localhost /SERVER /CMD ${command} ${relative}`]);
  await run("ConfigGet");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replaceAll("bool DisableDos false", "bool DisableDos true"));
  await run("ConfigSet").catch(() => undefined);
  // The server takes it by a start of its own, a second later; what it is told before is lost.
  for (const listens of [false, true]) await untilListening(program.station, listens);
}

async function untilListening(station: Namespace, listens: boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (((await station.run("ss", ["-Hltn", "sport = :5555"])).stdout.trim() !== "") !== listens) {
    if (performance.now() > deadline) throw new Error("SoftEther's server did not start anew");
  }
}

/** Seconds of user and system time of the processes, all threads together (proc(5), fields 14 and 15 of stat). */
export async function cpuSeconds({ pids }: MeasuredServer): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

/** Resident memory of the process that carries the traffic, in megabytes. */
export async function residentMb({ workerPid }: MeasuredServer): Promise<number> {
  const status = await readFile(`/proc/${workerPid}/status`, "utf8");
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6;
}

/** Prints one row for each figure: the median of our server, and that of each other with the ratio of ours to it. */
export function printTable<Round>(
  rows: readonly (readonly [label: string, key: keyof Round])[],
  results: ByServer<readonly Round[]>,
): void {
  const format = (value: number) => value.toFixed(value >= 100 ? 0 : 2);
  const line = (label: string, cells: readonly string[]) =>
    console.log(label.padEnd(26) + cells.map((cell) => cell.padStart(12)).join(""));
  line(
    "",
    [...results.keys()].flatMap((name) => (name === "ours" ? [name] : [name, "ratio"])),
  );
  for (const [label, key] of rows) {
    const of = (rounds: readonly Round[]) => median(rounds.map((round) => Number(round[key])));
    const ours = of(results.get("ours") ?? []);
    line(
      label,
      [...results].flatMap(([name, rounds]) =>
        name === "ours" ? [format(ours)] : [format(of(rounds)), (ours / of(rounds)).toFixed(2)],
      ),
    );
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
