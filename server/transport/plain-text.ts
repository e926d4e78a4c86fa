import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/**
 * What Node.js keeps below a TLS socket. None of it is documented: the runtime is pinned, a test holds this to it, and
 * {@link canLeaveTls} tells where it is not as expected.
 */
interface TlsInternals {
  /** The socket that was made into a TLS socket. */
  readonly _parent?: Socket & {
    _handle?: { reading: boolean; readStart(): number; readStop(): number } | null;
  };
  /** Takes TLS off the connection's stream of bytes, without a word to the peer. */
  readonly ssl?: { destroySSL?(): void } | null;
}

/** Whether {@link leaveTls} works on this connection. */
export function canLeaveTls(socket: TLSSocket): boolean {
  const { _parent, ssl } = socket as unknown as TlsInternals;
  return typeof _parent?._handle?.readStart === "function" && typeof ssl?.destroySSL === "function";
}

/** Stops reading at once: nothing that comes in from now on is taken for TLS. */
export function stopReading(socket: TLSSocket): void {
  const { _parent } = socket as unknown as TlsInternals;
  _parent?._handle?.readStop();
}

/**
 * Ends TLS on a connection whose session goes on in clear (session reference, section 5), without a close_notify. To be
 * called when everything that was written is with the system, and after {@link stopReading}.
 *
 * @returns the connection without TLS; the TLS socket is of no use any more
 */
export function leaveTls(socket: TLSSocket): Socket {
  const { _parent: plain, ssl } = socket as unknown as TlsInternals;
  if (plain?._handle == null) return socket;
  socket.removeAllListeners();
  socket.on("error", () => {});
  ssl?.destroySSL?.();
  plain._handle.reading = true;
  plain._handle.readStart();
  plain.resume();
  return plain;
}
