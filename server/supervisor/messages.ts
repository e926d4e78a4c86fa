import type { ErrorCode } from "../errors.ts";
import type { ListenerStatus } from "../listener-status.ts";
import type { RunningStatus } from "./running-status.ts";

/** What a worker tells its supervisor, over the channel between the two. */
export type WorkerMessage =
  /** The first attempt to open every listener is over. */
  | { readonly type: "ready"; readonly listeners: readonly ListenerStatus[]; readonly tlsFingerprint: string }
  | { readonly type: "listeners"; readonly listeners: readonly ListenerStatus[] }
  /** It cannot start, and ends. */
  | { readonly type: "failed"; readonly failure: Failure };

/** What a supervisor tells the process that started it, once. */
export type SupervisorMessage =
  | { readonly type: "started"; readonly status: RunningStatus }
  | { readonly type: "failed"; readonly failure: Failure };

/** A ServerError on its way between processes. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}
