/** One TCP listener of a server, with the terms of the SoftEther manual. */
export interface ListenerReport {
  port: number;
  /** `Listening`, `Error` (enabled, but the port could not be opened; retried) or `Stopped`. */
  state: string;
  /** Why the state is `Error`. */
  reason?: string;
  /** The address that it listens on, where that is not every address of the host. */
  address?: string;
}
