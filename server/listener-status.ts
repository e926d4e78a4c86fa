/**
 * State of a listener, with the terms of the SoftEther manual: `Listening`, `Error` (enabled, but the port could not be
 * opened; retried), `Stopped` (not enabled).
 */
export type ListenerState = "Listening" | "Error" | "Stopped";

/** One TCP listener as reported by `status`, `install` and the health check. */
export interface ListenerStatus {
  /** TCP port, 1..65535. */
  readonly port: number;
  /** The one address that it listens on; left out where it is every address of the host. */
  readonly address?: string;
  readonly state: ListenerState;
  /** Why the state is `Error`, in words for a person, such as `EACCES: ports below 1024 need root`. */
  readonly reason?: string;
}

/** Where a listener on every address answers a program of the same host. */
export const loopbackAddress = "127.0.0.1";

/** Where a program of the same host finds a listener. */
export function addressToProbe({ address }: Pick<ListenerStatus, "address">): string {
  return address ?? loopbackAddress;
}
