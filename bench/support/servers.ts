import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../../test/lab/lab.ts";
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
  readonly address: string;
  readonly pids: readonly number[];
  /** The one of them that carries the traffic. */
  readonly workerPid: number;
}

export type ServerName = "ours" | "SoftEther";

/** Starts our server and SoftEther's, each in a station of its own, with the same users. */
export async function startServers(lab: Lab): Promise<Record<ServerName, MeasuredServer>> {
  const [ourStation, theirStation] = await Promise.all([lab.station("ours"), lab.station("softether")]);
  const ourHubs = hubs.map((name) =>
    hubOf(
      name,
      users.map((user) =>
        userOf(user, benchPassword, user === briefUser ? { TimeOut: briefSessionSeconds } : undefined),
      ),
    ),
  );
  const ours = await OurServer.start(ourStation, lab.directory, ourHubs);
  const { worker, supervisor } = await ours.status();
  return {
    ours: { address: ours.address, pids: [worker.pid, supervisor.pid], workerPid: worker.pid },
    SoftEther: await startSoftEther(
      await SoftEtherProgram.start("vpnserver", theirStation, 5555),
      lab.directory,
    ),
  };
}

async function startSoftEther(program: SoftEtherProgram, directory: string): Promise<MeasuredServer> {
  await program.vpncmd(["/SERVER"], ["HubCreate", otherHub, "/PASSWORD:"]);
  for (const name of hubs) {
    const hub = ["/SERVER", `/ADMINHUB:${name}`];
    for (const user of users) {
      await program.vpncmd(hub, ["UserCreate", user, "/GROUP:none", "/REALNAME:none", "/NOTE:none"]);
      await program.vpncmd(hub, ["UserPasswordSet", user, `/PASSWORD:${benchPassword}`]);
    }
    const timeOut = ["/NAME:TimeOut", `/VALUE:${briefSessionSeconds}`];
    await program.vpncmd(hub, ["UserPolicySet", briefUser, ...timeOut]);
  }
  await withoutFloodProtection(program, directory);
  const children = await readFile(`/proc/${program.pid}/task/${program.pid}/children`, "utf8");
  const [workerPid = program.pid, ...others] = children.trim().split(" ").map(Number);
  return { address: program.station.address, pids: [program.pid, workerPid, ...others], workerPid };
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

/** Prints one row for each figure: the median of ours, of SoftEther's, and the ratio of the two. */
export function printTable<Round>(
  rows: readonly (readonly [label: string, key: keyof Round])[],
  results: Record<ServerName, readonly Round[]>,
): void {
  console.log(`${"".padEnd(26)}${"ours".padStart(10)}${"SoftEther".padStart(12)}${"ratio".padStart(8)}`);
  for (const [label, key] of rows) {
    const of = (rounds: readonly Round[]) => median(rounds.map((round) => Number(round[key])));
    const [ours, theirs] = [of(results.ours), of(results.SoftEther)];
    const format = (value: number) => value.toFixed(value >= 100 ? 0 : 2);
    console.log(
      `${label.padEnd(26)}${format(ours).padStart(10)}${format(theirs).padStart(12)}${(ours / theirs).toFixed(2).padStart(8)}`,
    );
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
