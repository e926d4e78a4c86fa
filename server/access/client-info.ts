/** The program that a client says it is. */
export interface ClientProgram {
  readonly product: string;
  /** Major * 100 + minor, such as 501. */
  readonly version: number;
  readonly build: number;
  readonly clientId: number;
}

/**
 * What the client tells of itself, for the administration to show; nothing of it can be relied on. Numbers are as they were
 * sent: official clients send them with their bytes swapped, and the administration passes them on.
 */
export interface NodeInfo {
  readonly clientProduct: string;
  readonly clientVersion: number;
  readonly clientBuild: number;
  readonly serverProduct: string;
  readonly serverVersion: number;
  readonly serverBuild: number;
  readonly osName: string;
  readonly osVersion: string;
  readonly osProductId: string;
  readonly client: NodeAddress;
  readonly server: NodeAddress;
  readonly proxy: NodeAddress;
  /** Tells machines of the same user apart; 16 bytes, zeros when it sent none. */
  readonly uniqueId: Uint8Array;
}

export interface NodeAddress {
  readonly hostName: string;
  /** IPv4 address, `0.0.0.0` when there is none. */
  readonly address: string;
  /** IPv6 address, 16 bytes; zeros when there is none. */
  readonly address6: Uint8Array;
  readonly port: number;
}
