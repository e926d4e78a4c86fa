/**
 * State of a listener, with the terms of the SoftEther manual: `Listening`, `Error` (enabled, but the port could not be
 * opened; retried), `Stopped` (not enabled).
 */
export type ListenerState = "Listening" | "Error" | "Stopped";

/** One TCP listener as reported by `status`, `install` and the health check. */
export interface ListenerStatus {
  /** TCP port, 1..65535. */
  readonly port: number;
  readonly state: ListenerState;
  /** Why the state is `Error`, in words for a person, such as `EACCES: ports below 1024 need root`. */
  readonly reason?: string;
}
