import { objectOf, oneOf, optional, tcpPort, text } from "./json-reader.ts";

const listenerStates = ["Listening", "Error", "Stopped"] as const;

/**
 * State of a listener, with the terms of the SoftEther manual: `Listening`, `Error` (enabled, but the port could not be
 * opened; retried), `Stopped` (not enabled).
 */
export type ListenerState = (typeof listenerStates)[number];

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

export const listenerState = oneOf(...listenerStates);

export const listenerStatus = objectOf<ListenerStatus>({
  port: tcpPort,
  address: optional(text),
  state: listenerState,
  reason: optional(text),
});
