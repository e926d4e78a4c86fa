import { ServerError } from "../errors.ts";
import { startInProc } from "./proc.ts";
import { whyNoWindowsHost, windowsHost } from "./windows-host.ts";

/** A process, told from every later one that gets the same process id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot of the machine and start of the process within it; opaque. */
  readonly started: string;
}

/** A process of which the system does not tell since when it runs. */
const unknownStart = "unknown";

/** What tells a process from a later one of the same id; `undefined` when there is none any more. */
const startOf: (pid: number) => string | undefined =
  process.platform === "win32" ? startOnWindows : startInProc;

function startOnWindows(pid: number): string | undefined {
  const host = windowsHost();
  if (host !== undefined) return host.processStart(pid);
  try {
    process.kill(pid, 0);
    return unknownStart;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? unknownStart : undefined;
  }
}

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
 * Sends a signal to that very process. On Windows each of them ends it at once, as KILL does elsewhere.
 *
 * @returns whether it was there
 * @throws the system's error when the process belongs to another user
 * @throws {ServerError} UNSUPPORTED when it cannot be told from a later process of the same id
 */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  if (identity.started === unknownStart) {
    throw new ServerError(
      "UNSUPPORTED",
      `process ${identity.pid} is not ended by force, since nothing tells whether it is still the server (native calls: ${whyNoWindowsHost()}): end it in the Task Manager`,
    );
  }
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
