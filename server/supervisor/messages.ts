import type { ErrorCode } from "../errors.ts";
import type { ListenerStatus } from "../contract/listener-status.ts";
import type { MessagePart } from "./message-parts.ts";
import type { HubSummary, NativeStatus, RunningStatus } from "../contract/server-status.ts";

/** Of a worker that an administrator wants to be started anew. */
export const restartExitCode = 10;

/** What a worker tells its supervisor, over the channel between the two. */
export type WorkerMessage =
  /** The first attempt to open every listener is over; from now on it answers requests. */
  | { readonly type: "ready"; readonly listeners: readonly ListenerStatus[]; readonly tlsFingerprint: string }
  | { readonly type: "listeners"; readonly listeners: readonly ListenerStatus[] }
  /** The server is known by this certificate from now on. */
  | { readonly type: "certificate"; readonly tlsFingerprint: string }
  /** It cannot start, and ends. */
  | { readonly type: "failed"; readonly failure: Failure }
  | WorkerAnswer;

/** What a supervisor asks its worker. */
export type WorkerRequest = { readonly type: "report" } | ({ readonly type: "apply" } & ApplyMessage);

/** A desired state on its way to the worker, which alone understands it, as it does what becomes of it. */
export interface ApplyMessage {
  /** What JSON.parse gave of the desired state. */
  readonly desired: unknown;
  /** Tells what would change, and changes nothing. */
  readonly dryRun: boolean;
}

/** A request on its way, with the number that its answer has. The desired state went ahead, in parts. */
export type NumberedRequest =
  | { readonly type: "report"; readonly number: number }
  | { readonly type: "apply"; readonly number: number; readonly dryRun: boolean }
  | MessagePart;

/** Has a worker end in its own time, where no signal can. */
export interface EndRequest {
  readonly type: "end";
}

export type WorkerAnswer =
  | { readonly type: "answer"; readonly number: number; readonly failure: Failure }
  | { readonly type: "answer"; readonly number: number; readonly result: WorkerReport }
  /** What became of a desired state; it went ahead, in parts. */
  | { readonly type: "answer"; readonly number: number; readonly inParts: true }
  | MessagePart;

/** What a supervisor tells the process that started it, once. */
export type SupervisorMessage =
  | { readonly type: "started"; readonly status: RunningStatus }
  | { readonly type: "failed"; readonly failure: Failure };

/** A ServerError on its way between processes. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What only the worker knows. */
export interface WorkerReport {
  readonly hubs: readonly HubSummary[];
  readonly warnings: readonly string[];
  readonly restrictions: readonly string[];
  readonly notServed: readonly string[];
  /** Left out where it is not. */
  readonly full?: true;
  /** `null` until something asks for it. */
  readonly native: NativeStatus | null;
}
