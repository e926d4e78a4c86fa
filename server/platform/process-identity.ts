import { readFileSync } from "node:fs";

/** A process, told from every later one that gets the same process id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot of the machine and start of the process within it; opaque. */
  readonly started: string;
}

/**
 * The identity of the process that has `pid` now; `undefined` when none has, or when it only waits for its parent and holds
 * on to nothing any more.
 */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name is in parentheses and may hold anything; the fields after it are of a fixed form (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const threads = Number(fields[17]);
    const startTime = fields[19];
    if (state === undefined || startTime === undefined) return undefined;
    // While other threads of a process that was killed end, they keep its ports and locks.
    if (state === "X" || (state === "Z" && threads <= 1)) return undefined;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return { pid, started: `${boot}/${startTime}` };
  } catch {
    return undefined;
  }
}

/** Whether that very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.started === identity.started;
}

/**
 * Sends a signal to that very process.
 *
 * @returns whether it was there
 * @throws the system's error when the process belongs to another user
 */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
