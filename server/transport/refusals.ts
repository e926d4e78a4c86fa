/** Why a connection, or a request on it, was refused. */
export const refusalReasons = [
  /** As many connections as allowed are open. */
  "connections-total",
  /** As many connections as allowed are open from this address. */
  "connections-per-address",
  /** No TLS, or no version and cipher in common, or gone before the end of the handshake. */
  "tls-failed",
  "tls-deadline",
  /** It waited for its turn for too long: more clients come than the server can take. */
  "overload",
  "login-deadline",
  /** What the client sent first is of no protocol that is served. */
  "protocol-unknown",
  /** The TCP or TLS connection broke, or the client left, before a login. */
  "connection-lost",
  "http-malformed",
  "http-requests",
  "http-forbidden",
  "http-not-found",
  "http-not-implemented",
  "pack-malformed",
  "method-unknown",
  "method-not-supported",
  /** A login, or another connection for a session, that was answered with an error. */
  "login-refused",
  /** A request that was in order and met a fault of this server, such as a full disk. */
  "method-failed",
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** How often each reason occurred since the server started. */
export type RefusalCounts = Readonly<Record<RefusalReason, number>>;

/** Counts what was refused: the network can cause any number of these, so they are counted instead of logged one by one. */
export class Refusals {
  readonly #counts = Object.fromEntries(refusalReasons.map((reason) => [reason, 0])) as Record<
    RefusalReason,
    number
  >;

  add(reason: RefusalReason): void {
    this.#counts[reason]++;
  }

  /** A copy of the counts. */
  snapshot(): RefusalCounts {
    return { ...this.#counts };
  }
}
