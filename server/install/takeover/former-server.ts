import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ServerError } from "../../errors.ts";
import { failureOf, type RunProgram } from "../../platform/run-program.ts";
import { identifyProcess, isRunning, type ProcessIdentity } from "../../platform/process-identity.ts";
import { isOurUnit, unitFile } from "../../init/systemd-unit.ts";

/** A unit of systemd that runs the former server. */
export interface FormerUnit {
  readonly name: string;
  readonly active: boolean;
  /** Started at boot. */
  readonly enabled: boolean;
  /** It has the file that our own unit needs, and is moved to {@link movedUnitName} for that. */
  readonly moved: boolean;
}

/** A process of the former server. */
export interface FormerProcess {
  readonly identity: ProcessIdentity;
  readonly uid: number;
  readonly executable: string;
}

/** What runs a SoftEther VPN Server on this host, besides us. */
export interface FormerServer {
  readonly units: readonly FormerUnit[];
  readonly processes: readonly FormerProcess[];
  /** Servers of other folders, which are not ours to stop. */
  readonly others: readonly FormerProcess[];
}

/** Units by which distributions and manuals run it. */
const usualUnits = ["softether-vpnserver.service", "softethervpn-server.service", "vpnserver.service"];

/** Name of the former server's unit when it was moved out of the way of ours. */
export const movedUnitName = "softether-vpnserver-former.service";

const movedUnitFile = join(dirname(unitFile), movedUnitName);

/** Where Debian's package keeps the state, and the end of its program's path. */
const packaged = { folder: "/var/lib/softether", executable: "/softether/vpnserver/vpnserver" } as const;

/** The official server gives itself 90 s to end (`Mayaqua/Unix.h` UNIX_SERVICE_STOP_TIMEOUT_2); this is a little more. */
const stopMs = 100_000;
const startMs = 60_000;
const pollMs = 100;

/**
 * Looks for the server whose configuration is in `folder`: its processes, and the units of systemd that name it.
 *
 * @param procDirectory stands in for `/proc` in tests
 */
export async function findFormerServer(
  folder: string,
  run: RunProgram,
  procDirectory = "/proc",
): Promise<FormerServer> {
  const found = processesIn(procDirectory);
  const mine = found.filter((process) => belongs(process, folder));
  const names = [...usualUnits, ...mine.flatMap(({ unit }) => (unit === undefined ? [] : [unit]))];
  const units = [];
  for (const name of new Set(names)) {
    const unit = await examineUnit(name, folder, run);
    if (unit !== undefined) units.push(unit);
  }
  const plain = ({ identity, uid, executable }: FoundProcess) => ({ identity, uid, executable });
  return {
    units,
    processes: mine.map(plain),
    others: found.filter((process) => !mine.includes(process)).map(plain),
  };
}

/** Whether we have the rights to stop it. */
export function isStoppable({ units, processes }: FormerServer, euid = process.geteuid?.()): boolean {
  return euid === 0 || (units.length === 0 && processes.every(({ uid }) => uid === euid));
}

/**
 * Stops the server, on which it saves its configuration, and keeps it from being started at the next boot.
 *
 * @throws {ServerError} FAILED when it still runs; {@link startFormerServer} puts things back
 */
export async function stopFormerServer({ units, processes }: FormerServer, run: RunProgram): Promise<void> {
  for (const { name, active, enabled, moved } of units) {
    if (active) await systemctl(run, stopMs, "stop", name);
    if (enabled) await systemctl(run, startMs, "disable", name);
    if (moved) {
      await rename(unitFile, movedUnitFile);
      await systemctl(run, startMs, "daemon-reload");
    }
  }
  // Those that no unit stopped: its own program knows how.
  for (const executable of executablesOf(processes.filter(({ identity }) => isRunning(identity)))) {
    await run(executable, ["stop"], { timeoutMs: stopMs });
  }
  const deadline = performance.now() + startMs;
  for (;;) {
    const left = processes.filter(({ identity }) => isRunning(identity));
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      throw new ServerError(
        "FAILED",
        `the SoftEther VPN Server cannot be stopped: ${left.map(describeProcess).join(", ")} still runs; stop it by hand, and install again`,
      );
    }
    await sleep(pollMs);
  }
}

/** Makes what {@link stopFormerServer} did undone, also if that broke off. */
export async function startFormerServer(
  { units, executables }: { readonly units: readonly FormerUnit[]; readonly executables: readonly string[] },
  run: RunProgram,
): Promise<void> {
  for (const { name, active, enabled, moved } of units) {
    if (moved && (await readText(movedUnitFile)) !== undefined) {
      await rename(movedUnitFile, unitFile);
      await systemctl(run, startMs, "daemon-reload");
    }
    if (enabled) await systemctl(run, startMs, "enable", name);
    if (active) await systemctl(run, startMs, "start", name);
  }
  for (const executable of executables) {
    const result = await run(executable, ["start"], { timeoutMs: startMs });
    if (result?.code === 0) continue;
    const why = result === undefined ? "it is gone" : failureOf(result);
    throw new ServerError("FAILED", `"${executable} start" failed: ${why}`);
  }
}

/** Programs of processes, each once. */
export function executablesOf(processes: readonly FormerProcess[]): string[] {
  return [...new Set(processes.map(({ executable }) => executable))];
}

export function describeProcess({ identity, uid, executable }: FormerProcess): string {
  return `${executable} (process ${identity.pid} of the user with id ${uid})`;
}

interface FoundProcess extends FormerProcess {
  readonly workingDirectory: string | undefined;
  readonly unit: string | undefined;
}

function processesIn(procDirectory: string): FoundProcess[] {
  const pids = readdirSync(procDirectory).filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => examineProcess(procDirectory, pid) ?? []);
}

/**
 * Undefined for what is no SoftEther VPN Server, where ours runs by the path of a release, and for one in a container, whose
 * paths are not those of this host.
 */
function examineProcess(procDirectory: string, pid: string): FoundProcess | undefined {
  const folder = join(procDirectory, pid);
  try {
    if (readFileSync(join(folder, "comm"), "utf8").trim() !== "vpnserver") return undefined;
    const [its, own] = [folder, join(procDirectory, "self")].map((of) => linkTarget(join(of, "ns/pid")));
    if (its !== undefined && its !== own) return undefined;
    const identity = identifyProcess(Number(pid));
    const [firstWord = ""] = readFileSync(join(folder, "cmdline"), "utf8").split("\0");
    // Other users' links cannot be read; the daemon is started by its whole path.
    const executable = (linkTarget(join(folder, "exe")) ?? firstWord).replace(/ \(deleted\)$/, "");
    const isOurs = /\/releases\/[0-9a-f]{64}\/vpnserver$/.test(executable) || firstWord === "vpnserver";
    if (identity === undefined || isOurs || !executable.endsWith("/vpnserver")) return undefined;
    const [, unit] = /\/([^/\n]+\.service)$/m.exec(readFileSync(join(folder, "cgroup"), "utf8")) ?? [];
    return {
      identity,
      uid: statSync(folder).uid,
      executable,
      workingDirectory: linkTarget(join(folder, "cwd")),
      unit,
    };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function belongs({ executable, workingDirectory }: FoundProcess, folder: string): boolean {
  return (
    dirname(executable) === folder ||
    workingDirectory === folder ||
    (folder === packaged.folder && executable.endsWith(packaged.executable))
  );
}

/** Undefined for a unit that is not there, is ours, is about something else, or does nothing. */
async function examineUnit(name: string, folder: string, run: RunProgram): Promise<FormerUnit | undefined> {
  const shown = await run("systemctl", ["cat", "--no-pager", name]);
  if (shown?.code !== 0 || isOurUnit(shown.stdout)) return undefined;
  // A script of /etc/init.d has a unit that only names it.
  const script = /^SourcePath=(.+)$/m.exec(shown.stdout)?.[1];
  const text = `${shown.stdout}\n${(script && (await readText(script))) ?? ""}`;
  if (!names(text, folder)) return undefined;
  const answer = async (...words: string[]) => (await run("systemctl", words))?.stdout.trim() ?? "";
  const active = /^(active|activating|reloading)$/.test(await answer("is-active", name));
  const enabled = /^(enabled|enabled-runtime|generated|linked)$/.test(await answer("is-enabled", name));
  const moved = (await answer("show", "--value", "-p", "FragmentPath", name)) === unitFile;
  return active || enabled || moved ? { name, active, enabled, moved } : undefined;
}

/** Whether a text names the folder, and not only one whose name begins so. */
function names(text: string, folder: string): boolean {
  const escaped = folder.replace(/[^\w/]/g, "\\$&");
  return (
    new RegExp(`${escaped}(?![\\w.-])`).test(text) ||
    (folder === packaged.folder && text.includes(packaged.executable))
  );
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

async function systemctl(run: RunProgram, timeoutMs: number, ...words: string[]): Promise<void> {
  const result = await run("systemctl", words, { timeoutMs });
  if (result?.code === 0) return;
  const why = result === undefined ? "there is no systemctl" : failureOf(result);
  throw new ServerError("FAILED", `"systemctl ${words.join(" ")}" failed: ${why}`);
}
