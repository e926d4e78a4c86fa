import type { ClientConnection } from "./client-connection.ts";

/** Bytes by which a protocol has to be recognized. */
export const firstBytes = 64;

/** A protocol that clients speak on the TCP listeners, inside of TLS or instead of it. One over UDP is a feature with a socket of its own. */
export interface StreamProtocol {
  /** Such as `SoftEther`. */
  readonly name: string;
  /**
   * Whether a client that begins like this speaks the protocol; undefined while more bytes are needed to tell. With
   * {@link firstBytes} bytes it has to be known.
   */
  recognizes(first: Buffer): boolean | undefined;
  /** Takes over a connection, with what came in already. */
  serve(connection: ClientConnection, received: Buffer): void;
}

/** The protocol that a client speaks, of some in their order; undefined while it cannot be told, and "none" when it is none of them. */
export function recognize<Protocol extends Pick<StreamProtocol, "recognizes">>(
  protocols: readonly Protocol[],
  first: Buffer,
): Protocol | "none" | undefined {
  for (const protocol of protocols) {
    const answer = protocol.recognizes(first);
    if (answer === undefined && first.length < firstBytes) return undefined;
    if (answer === true) return protocol;
  }
  return "none";
}
