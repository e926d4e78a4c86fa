import type { IpAddress } from "../ethernet/packed-address.ts";
import type { TcpState } from "../tcp/tcp-connection.ts";

/** A connection or port of a client that has one of the host's. */
export interface NatEntry<Address extends IpAddress = IpAddress> {
  readonly protocol: "tcp" | "udp" | "ping";
  readonly client: Address;
  readonly clientPort: number;
  /** 0 for UDP by sockets, where it may be any. */
  readonly remote: Address | 0;
  readonly remotePort: number;
  /** Unix time in milliseconds; 0 where it is not known. */
  readonly createdAt: number;
  readonly usedAt: number;
  /** Bytes from and to the client. */
  readonly sent: number;
  readonly received: number;
  readonly state: TcpState | "none";
}
