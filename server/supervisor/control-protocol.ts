import type { RunningStatus } from "./running-status.ts";

/**
 * One request and one response per connection, each a line of JSON. `stop` is answered before the server ends, with the
 * state it is in.
 */
export interface ControlRequest {
  readonly command: "status" | "stop";
}

export type ControlResponse = { readonly status: RunningStatus } | { readonly error: string };

export const controlLimits = {
  requestBytes: 4_096,
  /** A status with every port that there is. */
  responseBytes: 16 * 1024 * 1024,
  connections: 32,
  idleMs: 5_000,
} as const;
