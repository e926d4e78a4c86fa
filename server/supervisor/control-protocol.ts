import type { ApplyMessage, Failure } from "./messages.ts";
import type { RunningStatus } from "../contract/server-status.ts";

/**
 * One request and one response per connection, each a line of JSON. `stop` is answered before the server ends, with the
 * state it is in; `apply` when everything is applied.
 */
export type ControlRequest =
  { readonly command: "status" | "stop" } | ({ readonly command: "apply" } & ApplyMessage);

export type ControlResponse =
  | { readonly status: RunningStatus }
  | { readonly applied: unknown }
  /** The request was understood, and failed. */
  | { readonly failure: Failure }
  | { readonly error: string };

export const controlLimits = {
  /** Thousands of users with certificates. */
  requestBytes: 16 * 1024 * 1024,
  /** A status with every port that there is; a change of every user. */
  responseBytes: 16 * 1024 * 1024,
  connections: 32,
  /** From one part of a request to the next. */
  idleMs: 5_000,
} as const;
