import { internetChecksum, transportChecksum } from "../../server/ethernet/frame-checksum.ts";
import { etherTypes, tcpFlags } from "../../server/ethernet/frame.ts";

/** The Ethernet address of a station that an attacker plays; `everybody` for broadcasts. */
export type Mac = number | "everybody";

const ethernetBytes = 14;
const ipBytes = 20;

/** A frame with that payload, padded to the least length. */
export function ethernet(to: Mac, from: number, type: number, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(Math.max(60, ethernetBytes + payload.length));
  writeMac(frame, 0, to);
  writeMac(frame, 6, from);
  frame.writeUInt16BE(type, 12);
  frame.set(payload, ethernetBytes);
  return frame;
}

/** One of those that everybody may give to whom they like. */
export function writeMac(frame: Buffer, at: number, mac: Mac): void {
  if (mac === "everybody") {
    frame.fill(0xff, at, at + 6);
    return;
  }
  frame.writeUInt16BE(0x0200, at);
  frame.writeUInt32BE(mac >>> 0, at + 2);
}

export interface Ends {
  readonly to: Mac;
  readonly from: number;
  readonly toIp: number;
  readonly fromIp: number;
}

/** An IPv4 packet as a frame, its checksums right. */
export function ipv4({ to, from, toIp, fromIp }: Ends, protocol: number, payload: Uint8Array): Buffer {
  const packet = Buffer.alloc(ipBytes + payload.length);
  packet.set([0x45, 0], 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.set([64, protocol], 8);
  packet.writeUInt32BE(fromIp >>> 0, 12);
  packet.writeUInt32BE(toIp >>> 0, 16);
  packet.writeUInt16BE(internetChecksum(packet, 0, ipBytes), 10);
  packet.set(payload, ipBytes);
  const checksumAt = { 1: 2, 6: 16, 17: 6 }[protocol];
  if (checksumAt !== undefined) {
    const sum =
      protocol === 1
        ? internetChecksum(packet, ipBytes, packet.length)
        : transportChecksum(packet, 12, 8, protocol, ipBytes, packet.length);
    packet.writeUInt16BE(sum, ipBytes + checksumAt);
  }
  return ethernet(to, from, etherTypes.ipv4, packet);
}

/** Makes the packet of a frame a part of one, by the flags and the offset of its header, and its checksum right. */
export function setFragment(frame: Buffer, flagsAndOffset: number): void {
  frame.writeUInt16BE(flagsAndOffset & 0xffff, ethernetBytes + 6);
  frame.writeUInt16BE(0, ethernetBytes + 10);
  frame.writeUInt16BE(internetChecksum(frame, ethernetBytes, ethernetBytes + ipBytes), ethernetBytes + 10);
}

export function udp(ends: Ends, fromPort: number, toPort: number, payload: Uint8Array): Buffer {
  const datagram = Buffer.alloc(8 + payload.length);
  datagram.writeUInt16BE(fromPort, 0);
  datagram.writeUInt16BE(toPort, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  datagram.set(payload, 8);
  return ipv4(ends, 17, datagram);
}

export interface TcpHeader {
  readonly fromPort: number;
  readonly toPort: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly window?: number;
}

export function tcp(ends: Ends, header: TcpHeader, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const {
    fromPort,
    toPort,
    sequence = 1,
    acknowledgment = 0,
    flags = tcpFlags.syn,
    window = 0xffff,
  } = header;
  const segment = Buffer.alloc(20 + payload.length);
  segment.writeUInt16BE(fromPort, 0);
  segment.writeUInt16BE(toPort, 2);
  segment.writeUInt32BE(sequence >>> 0, 4);
  segment.writeUInt32BE(acknowledgment >>> 0, 8);
  segment.set([0x50, flags], 12);
  segment.writeUInt16BE(window, 14);
  segment.set(payload, 20);
  return ipv4(ends, 6, segment);
}

export function arp(operation: 1 | 2, { to, from, toIp, fromIp }: Ends): Buffer {
  const message = Buffer.alloc(28);
  message.set([0, 1, 8, 0, 6, 4, 0, operation], 0);
  writeMac(message, 8, from);
  message.writeUInt32BE(fromIp >>> 0, 14);
  writeMac(message, 18, operation === 1 ? 0 : to);
  message.writeUInt32BE(toIp >>> 0, 24);
  return ethernet(to, from, etherTypes.arp, message);
}

/** Frames as one message of the data channel. */
export function blocks(frames: readonly Uint8Array[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(frames.length);
  const parts: Uint8Array[] = [count];
  for (const frame of frames) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    parts.push(length, frame);
  }
  return Buffer.concat(parts);
}

/** As {@link blocks}, of `count` frames that `make` gives. */
export function blocksOf(count: number, make: (index: number) => Uint8Array): Buffer {
  return blocks(Array.from({ length: count }, (_, index) => make(index)));
}

export const randomWord = () => Math.floor(Math.random() * 0x1_0000_0000);

/** The number of an address such as `10.0.0.1`. */
export function ipOf(text: string): number {
  return text.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}
