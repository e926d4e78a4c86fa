/** One listener as the health check saw it. */
export interface ListenerHealth {
  port: number;
  /** `Listening`, or `Error` for a port that could not be opened, such as 443 without root. */
  state: string;
  /** Why the state is `Error`. */
  reason?: string;
  /** Whether the VPN protocol's handshake succeeded. */
  answers: boolean;
  /** TLS version of the handshake, such as `TLSv1.3`. */
  tlsVersion?: string;
}

/**
 * What the check at the end of a `pulumi up` found; it says nothing of the time since. It holds nothing that differs between two
 * checks of an unchanged server, so that a second `pulumi up` shows no change.
 */
export interface CheckReport {
  /** Whether each listener that should serve answered a VPN client's handshake, or the server was full and runs. */
  passed: boolean;
  /** Version that answered. */
  version: string;
  /** SHA-256 of the executable that runs. */
  release: string;
  /** Processes of the server that run: the supervisor and its worker. */
  processes: number;
  listeners: ListenerHealth[];
  /** `ssh tunnel`: handshakes from here; `host`: by the server's own `check`, where the SSH server forwards no ports. */
  checkedThrough: string;
}
