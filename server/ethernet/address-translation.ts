import { adjustedChecksum } from "./frame-checksum.ts";
import { read16, read32, type Frame } from "./frame.ts";

const ipv4HeaderBytes = 20;
const headerChecksumAt = 10;
/** Where the addresses are in an IPv4 header. */
const addressPositions = { source: 12, destination: 16 } as const;
export type AddressEnd = keyof typeof addressPositions;

/** Where protocols whose checksum includes the addresses have it (RFC 9293, RFC 768, RFC 3828). */
const checksumPositions: Readonly<Record<number, number>> = { 6: 16, 17: 6, 136: 6 };
const udp = 17;
const icmp = 1;
/** Kinds of ICMP that quote the packet which they are about (RFC 792). */
const quotingTypes: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
const icmpHeaderBytes = 8;

/**
 * Puts another source or destination into the IPv4 packet of a frame, with every checksum that the address is part of (RFC 1624).
 *
 * @param frame read from a buffer that may be written to; what it tells of the address is not touched
 * @param address as a number
 */
export function translateAddress(frame: Frame, end: AddressEnd, address: number): void {
  const { buffer, networkAt, transportAt, packetEnd, protocol, transport } = frame;
  const addressAt = networkAt + addressPositions[end];
  const former = read32(buffer, addressAt);
  replaceInHeader(buffer, networkAt, addressAt, address);
  const position = transport === "fragment" ? undefined : checksumPositions[protocol];
  if (position === undefined || transportAt + position + 2 > packetEnd) return;
  const checksumAt = transportAt + position;
  const checksum = read16(buffer, checksumAt);
  // A packet of UDP may have none.
  if (checksum === 0 && protocol !== 6) return;
  const adjusted = adjustedChecksum(checksum, former, address);
  write16(buffer, checksumAt, adjusted === 0 && protocol === udp ? 0xffff : adjusted);
}

/**
 * The same in the packet that a message of ICMP quotes, where that has the address `former`; the checksum of the message stays right, as
 * the address and the checksum of its header change by the same.
 */
export function translateQuoted(frame: Frame, end: AddressEnd, former: number, address: number): void {
  const { buffer, transportAt, packetEnd, protocol, transport, icmpType } = frame;
  if (protocol !== icmp || transport !== "icmp" || !quotingTypes.has(icmpType)) return;
  const quotedAt = transportAt + icmpHeaderBytes;
  if (quotedAt + ipv4HeaderBytes > packetEnd) return;
  const addressAt = quotedAt + addressPositions[end];
  if (read32(buffer, addressAt) === (former | 0)) replaceInHeader(buffer, quotedAt, addressAt, address);
}

function replaceInHeader(buffer: Buffer, headerAt: number, addressAt: number, address: number): void {
  const checksumAt = headerAt + headerChecksumAt;
  const adjusted = adjustedChecksum(read16(buffer, checksumAt), read32(buffer, addressAt), address);
  write16(buffer, checksumAt, adjusted);
  write16(buffer, addressAt, address >>> 16);
  write16(buffer, addressAt + 2, address);
}

function write16(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
}
