import type { Pack } from "../../wire/pack.ts";
import type { ProtocolError } from "../../wire/protocol-error.ts";
import type { ConnectionEvents, SessionConnection } from "./session-connection.ts";

/** What a client asks for after the hello, and the connection by which it does. */
export interface ClientRequest {
  readonly pack: Pack;
  /** The random bytes of this connection's hello, which a proof must answer. */
  readonly challenge: Buffer;
  /** Name of the connection, such as `CID-7`. */
  readonly connectionName: string;
  /** Aborted when the connection has ended. */
  readonly gone: AbortSignal;
  /** With the number of the user, for one of this host. */
  readonly peer: { readonly address: string; readonly port: number; readonly user?: number | undefined };
  /** Whether the connection can go on without TLS. */
  readonly canLeaveTls: boolean;
}

/** The answer, after which the connection is closed carries a session, or is administered by. */
export type ClientAnswer =
  | { readonly type: "reply"; readonly pack: Pack }
  | { readonly type: "error"; readonly error: ProtocolError; readonly pack?: Pack }
  | { readonly type: "join"; readonly pack: Pack; readonly join: Join }
  | {
      readonly type: "administer";
      readonly pack: Pack;
      /** Makes the connection one of the administration. */
      readonly attach: (connection: SessionConnection) => ConnectionEvents;
    };

export interface Join {
  /** Whether TLS goes on; without, both sides go on in clear on the same TCP connection. */
  readonly encrypt: boolean;
  /** Makes the connection one of its session; undefined when the session has ended in the meantime. */
  attach(connection: SessionConnection): ConnectionEvents | undefined;
}
