/** One TCP connection of a session, as the session sees it: something that sends. */
export interface SessionConnection {
  /** Such as `CID-7`. */
  readonly name: string;
  /** Sends bytes, in order; `sent` is called when they are with the system, or never when the connection ends before. */
  send(bytes: Buffer, sent: () => void): void;
  /** Reads nothing more, until {@link goOn}; what is under way still comes in. */
  hold(): void;
  goOn(): void;
  /** Ends the connection at once. */
  close(): void;
}

/** Which way frames go on a connection. */
export type Direction = "both" | "server-to-client" | "client-to-server";

/** What the session wants to hear of a connection; none of these throws. */
export interface ConnectionEvents {
  /** Bytes came in. The buffer is the connection's again after the call. */
  receive(chunk: Buffer): void;
  /** The connection is gone, for whatever reason. */
  closed(): void;
}
