import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ServerError } from "../../errors.ts";
import { processesNamed } from "../../platform/proc.ts";
import { identifyProcess, isRunning, type ProcessIdentity } from "../../platform/process-identity.ts";
import { failureOf, type RunProgram } from "../../platform/run-program.ts";
import { packaged, startMs, stopMs } from "./former-program.ts";
import { findFormerUnits, startFormerUnits, stopFormerUnits, type FormerUnit } from "./former-units.ts";

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

const pollMs = 100;

/**
 * Looks for the server whose configuration is in `folder`: its processes, and the units of systemd that name it.
 *
 * @param procDirectory stands in for `/proc` in tests
 */
export async function findFormerServer(
  folder: string,
  run: RunProgram,
  procDirectory?: string,
): Promise<FormerServer> {
  const found = formerProcesses(procDirectory);
  const mine = found.filter((process) => belongs(process, folder));
  const unitNames = mine.flatMap(({ unit }) => (unit === undefined ? [] : [unit]));
  const plain = ({ identity, uid, executable }: FoundProcess) => ({ identity, uid, executable });
  return {
    units: await findFormerUnits(unitNames, folder, run),
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
  await stopFormerUnits(units, run);
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
  await startFormerUnits(units, run);
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

/** Without ours, which run by the path of a release. */
function formerProcesses(procDirectory: string | undefined): FoundProcess[] {
  return processesNamed("vpnserver", procDirectory).flatMap((process) => {
    const { pid, uid, firstWord, workingDirectory, unit } = process;
    const identity = identifyProcess(pid);
    // The daemon is started by its whole path.
    const executable = process.executable ?? firstWord;
    const isOurs = /\/releases\/[0-9a-f]{64}\/vpnserver$/.test(executable) || firstWord === "vpnserver";
    if (identity === undefined || isOurs || !executable.endsWith("/vpnserver")) return [];
    return [{ identity, uid, executable, workingDirectory, unit }];
  });
}

function belongs({ executable, workingDirectory }: FoundProcess, folder: string): boolean {
  return (
    dirname(executable) === folder ||
    workingDirectory === folder ||
    (folder === packaged.folder && executable.endsWith(packaged.executable))
  );
}
