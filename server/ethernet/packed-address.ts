import { formatAddress, parseAddress } from "./ip-address.ts";
import { read16, type Frame } from "./frame.ts";
import { formatIpv4 } from "./word-address.ts";

/** An IPv6 address as eight characters of 16 bits each. */
export type Ipv6Address = string;
/** An address that `===` compares and that a map takes as a key: the 32 bits of an IPv4 address as a number, or an {@link Ipv6Address}. */
export type IpAddress = number | Ipv6Address;

export const ipv6Bytes = 16;

/** Where the packet of a frame comes from; of ARP, whoever sent it. */
export function sourceAddress({ network, sourceIp0, sourceIp1, sourceIp2, sourceIp3 }: Frame): IpAddress {
  return network === "ipv6" ? pack(sourceIp0, sourceIp1, sourceIp2, sourceIp3) : sourceIp3 >>> 0;
}

/** Where the packet of a frame goes to. */
export function destinationAddress(frame: Frame): IpAddress {
  const { network, destinationIp0, destinationIp1, destinationIp2, destinationIp3 } = frame;
  return network === "ipv6"
    ? pack(destinationIp0, destinationIp1, destinationIp2, destinationIp3)
    : destinationIp3 >>> 0;
}

/** The IPv6 address that `buffer` has at `at`; the caller has checked that it is there. */
export function ipv6At(buffer: Uint8Array, at: number): Ipv6Address {
  return String.fromCharCode(
    read16(buffer, at),
    read16(buffer, at + 2),
    read16(buffer, at + 4),
    read16(buffer, at + 6),
    read16(buffer, at + 8),
    read16(buffer, at + 10),
    read16(buffer, at + 12),
    read16(buffer, at + 14),
  );
}

/** Writes the 16 bytes of an IPv6 address. */
export function writeIpv6(buffer: Uint8Array, at: number, address: Ipv6Address): void {
  for (let index = 0; index < ipv6Bytes / 2; index++) {
    const word = address.charCodeAt(index);
    buffer[at + 2 * index] = word >>> 8;
    buffer[at + 2 * index + 1] = word;
  }
}

/** The address in text form; undefined for any other text. */
export function parseIpAddress(text: string): IpAddress | undefined {
  const bytes = parseAddress(text);
  if (bytes === undefined) return undefined;
  return bytes.length === ipv6Bytes ? ipv6At(bytes, 0) : Buffer.from(bytes).readUInt32BE();
}

/** The text form of an address. */
export function formatIpAddress(address: IpAddress): string {
  if (typeof address === "number") return formatIpv4(address);
  const bytes = new Uint8Array(ipv6Bytes);
  writeIpv6(bytes, 0, address);
  return formatAddress(bytes);
}

/** Tells an address with a port from all others, exactly. */
export function endKey(address: IpAddress, port: number): number | string {
  return typeof address === "number" ? address * 0x1_0000 + port : address + String.fromCharCode(port);
}

function pack(word0: number, word1: number, word2: number, word3: number): Ipv6Address {
  // Each is taken for its last 16 bits.
  return String.fromCharCode(
    word0 >>> 16,
    word0,
    word1 >>> 16,
    word1,
    word2 >>> 16,
    word2,
    word3 >>> 16,
    word3,
  );
}
