import type { IpAddress } from "../ethernet/packed-address.ts";

/** A version of IP. */
export type IpVersion = 4 | 6;

/** Network of the host, as a NAT needs it: the sockets of the runtime, or a test's own. */
export interface Outside {
  /** Opens a connection; what comes of it is told by the events, never before this returns. */
  connectTcp(address: IpAddress, port: number, events: OutsideTcpEvents): OutsideTcp;
  /** Opens a connection to a resolver of the host's, for DNS over TCP. */
  connectDns(events: OutsideTcpEvents): OutsideTcp;
  /**
   * Asks the resolvers of the host.
   *
   * @param query a message of DNS of at least 12 bytes
   * @param answered gets the answer with the query's number, or nothing when no resolver has answered in time
   * @returns gives the question up
   */
  queryDns(query: Buffer, answered: (answer: Buffer | undefined) => void): () => void;
  /** Opens a socket on a port that is free, for addresses of one version. */
  openUdp(version: IpVersion, events: OutsideUdpEvents): OutsideUdp;
  /** Opens a socket for echo requests; undefined where the system does not allow it, or not yet. */
  openPing(version: IpVersion, events: OutsidePingEvents): OutsidePing | undefined;
}

/** A socket for echo requests (ICMP). */
export interface OutsidePing {
  /**
   * Asks an address of the socket's version. The bytes are read during the call.
   *
   * @returns false where the host has no way there
   */
  send(address: IpAddress, sequence: number, payload: Uint8Array): boolean;
  /** No event comes after. */
  close(): void;
}

export interface OutsidePingEvents {
  /** An answer to one of the requests, or to that of somebody else who has guessed the number; the payload is valid during the call. */
  reply(address: IpAddress, sequence: number, payload: Uint8Array): void;
  /** It is of no use any more, and closed. */
  failed(error: Error): void;
}

/** A UDP socket of the host. */
export interface OutsideUdp {
  /**
   * What cannot be sent is lost. The bytes are the socket's from now on.
   *
   * @param port 1 to 65535
   */
  send(bytes: Buffer, address: IpAddress, port: number): void;
  /** No event comes after. */
  close(): void;
}

export interface OutsideUdpEvents {
  message(bytes: Buffer, address: IpAddress, port: number): void;
  /** The host has no way to where something was to be sent. */
  unreachable(address: IpAddress, port: number): void;
  /** It is of no use any more, and closed. */
  failed(error: Error): void;
}

/** A TCP connection of the host. */
export interface OutsideTcp {
  /** Sends bytes, and calls back when they are with the system; until then they are the connection's. */
  write(bytes: Buffer, done: () => void): void;
  /** Nothing more will be written. */
  end(): void;
  /** Ends at once; no event comes after. */
  destroy(): void;
  /** Reads nothing until {@link resume}. */
  pause(): void;
  resume(): void;
}

export interface OutsideTcpEvents {
  connected(): void;
  /** The next bytes, valid during the call. */
  data(bytes: Buffer): void;
  /** The other end has sent everything. */
  ended(): void;
  /** It is over by a fault, such as ECONNREFUSED before {@link connected}; nothing comes after. */
  failed(error: Error): void;
}
