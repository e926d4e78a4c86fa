import { dhcpLimits } from "../limits.ts";

/** Ports of DHCPv6 (RFC 8415, section 7.2). */
export const dhcpv6Ports = { client: 546, server: 547 } as const;
export const dhcpv6Types = { reply: 7, informationRequest: 11 } as const;
export const dhcpv6Options = {
  clientId: 1,
  serverId: 2,
  /** What belongs to addresses: of a client that wants to have one, IA_NA, IA_TA and IA_PD. */
  addresses: 3,
  temporaryAddresses: 4,
  prefixes: 25,
  nameServers: 23,
  searchDomains: 24,
} as const;

/** A message of DHCPv6 between client and server. */
export interface Dhcpv6Message {
  readonly type: number;
  /** 24 bits. */
  readonly transactionId: number;
  /** By their kind; of several of a kind the first. Values are views of what was read. */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

const headerBytes = 4;
const optionHeaderBytes = 4;

/** Reads the message of `buffer` from `start` to `end`; undefined for one that is cut off, or has more options than any client sends. */
export function readDhcpv6Message(buffer: Buffer, start: number, end: number): Dhcpv6Message | undefined {
  if (end - start < headerBytes) return undefined;
  const options = new Map<number, Uint8Array>();
  let count = 0;
  for (let at = start + headerBytes; at < end;) {
    if (end - at < optionHeaderBytes || ++count > dhcpLimits.options) return undefined;
    const kind = buffer.readUInt16BE(at);
    const valueAt = at + optionHeaderBytes;
    const bytes = buffer.readUInt16BE(at + 2);
    if (bytes > end - valueAt) return undefined;
    if (!options.has(kind)) options.set(kind, buffer.subarray(valueAt, valueAt + bytes));
    at = valueAt + bytes;
  }
  return { type: buffer[start] as number, transactionId: buffer.readUIntBE(start + 1, 3), options };
}

export function writeDhcpv6Message({ type, transactionId, options }: Dhcpv6Message): Buffer {
  const header = Buffer.alloc(headerBytes);
  header[0] = type;
  header.writeUIntBE(transactionId, 1, 3);
  const written = [...options].flatMap(([kind, value]) => {
    const optionHeader = Buffer.alloc(optionHeaderBytes);
    optionHeader.writeUInt16BE(kind);
    optionHeader.writeUInt16BE(value.length, 2);
    return [optionHeader, value];
  });
  return Buffer.concat([header, ...written]);
}
