import type { HubAttachment, HubPort } from "../hub/hub-port.ts";

/** A user's place in a hub, whatever protocol carries it. */
export interface VpnSession extends HubPort {
  readonly kind: "session";
  readonly link: Link;
  /** From where the client came, and where its connections come from now. */
  readonly peerAddresses: readonly string[];
  /** Connections that carry the session now; 0 while it waits for its client to come back. */
  readonly connections: number;
  /** When something last came in, in milliseconds of the monotonic clock. */
  readonly lastHeardAt: number;
  /** Plugs the session into its hub; before, what comes in is dropped. */
  plugInto(attachment: HubAttachment): void;
  /** Does what is due. */
  tick(): void;
  /**
   * Ends the session, once, and whatever carries it.
   *
   * @param cause for people, where the reason does not say it all
   */
  end(reason: SessionEnd, cause?: string): void;
}

/** What carries a session, for logs and the administration. */
export interface Link {
  readonly maxConnections: number;
  /** Each connection carries frames one way. */
  readonly halfDuplex: boolean;
  readonly encrypt: boolean;
  readonly compress: boolean;
  /** Frames that should not wait have a connection of their own. */
  readonly qos: boolean;
  /** Time without a sign of life after which the session is given up. */
  readonly timeoutMs: number;
}

/** Why a session ended. */
export type SessionEnd =
  | "timed out"
  | "connection lost"
  | "automatic disconnection"
  | "sent what cannot be read"
  | "ended by the administrator"
  /** The same machine came again, or the user came by another one after this had lost its connections. */
  | "replaced"
  /** A login with the same claim would be refused by now. */
  | "not allowed any more"
  /** The login would be taken, on other terms. */
  | "user changed"
  | "hub offline"
  | "hub deleted"
  | "server stops";
