import { startInProc } from "./proc.ts";

/** A process, told from every later one that gets the same process id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot of the machine and start of the process within it; opaque. */
  readonly started: string;
}

/** What tells a process from a later one of the same id; `undefined` when there is none any more. */
const startOf: (pid: number) => string | undefined = startInProc;

/** The identity of the process that has `pid` now; `undefined` when none has. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const started = startOf(pid);
  return started === undefined ? undefined : { pid, started };
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
