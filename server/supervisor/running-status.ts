import { ServerError } from "../errors.ts";
import type { ListenerStatus } from "../listener-status.ts";

/** A running server, as `status --json` prints it. */
export interface RunningStatus {
  readonly running: true;
  readonly version: string;
  /** SHA-256 of the installed release that runs; `null` when it does not run from an installation. */
  readonly release: string | null;
  /** Path of the executable, or of `server/main.ts`. */
  readonly executable: string;
  readonly stateDirectory: string;
  readonly supervisor: { readonly pid: number };
  /** `pid` is `null` while the worker is started again. */
  readonly worker: { readonly pid: number | null; readonly restarts: number };
  /** ISO 8601. */
  readonly startedAt: string;
  readonly listeners: readonly ListenerStatus[];
  /** SHA-256 of the server's certificate, in upper-case hexadecimal with colons. */
  readonly tlsFingerprint: string;
  /** `null` when the worker does not answer. */
  readonly hubs: readonly HubSummary[] | null;
  /** VPN sessions of all hubs; `null` when the worker does not answer. */
  readonly sessions: number | null;
  /** What is not as it should be with the files of the configuration, for people; `null` when the worker does not answer. */
  readonly warnings: readonly string[] | null;
  /** What narrows who gets at the server at all, a line each, for people; `null` when the worker does not answer. */
  readonly restrictions: readonly string[] | null;
  /** What the configuration switches on and this server does not serve; `null` when the worker does not answer. */
  readonly notServed: readonly string[] | null;
}

/** What only the worker knows. */
export interface WorkerReport {
  readonly hubs: readonly HubSummary[];
  readonly warnings: readonly string[];
  readonly restrictions: readonly string[];
  readonly notServed: readonly string[];
}

/** A Virtual Hub, as `status --json` prints it. */
export interface HubSummary {
  readonly name: string;
  readonly online: boolean;
  readonly sessions: number;
}

/** Whether the server serves at all: user mode serves on the ports that it may open. */
export function serves(status: Pick<RunningStatus, "listeners">): boolean {
  return status.listeners.some((listener) => listener.state === "Listening");
}

/** The error of a second start. */
export function alreadyRunning(pid: number | undefined): ServerError {
  const which = pid === undefined ? "" : ` (process ${pid})`;
  return new ServerError(
    "ALREADY_RUNNING",
    `SoftEther VPN Server Service is already running${which}; to stop it: vpnserver stop`,
  );
}

/** The error of a command that needs a running server. */
export function notRunning(stateDirectory: string): ServerError {
  return new ServerError(
    "NOT_RUNNING",
    `SoftEther VPN Server Service is not running (state directory ${stateDirectory}); to start it: vpnserver start`,
  );
}
