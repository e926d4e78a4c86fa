import { internetChecksum, transportChecksum } from "../ethernet/frame-checksum.ts";
import { blockLimits, packetDeviceLimits } from "../limits.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";
import { unfinishedHeaderBytes } from "./unfinished-frame.ts";

// linux/virtio_net.h
const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
const VIRTIO_NET_HDR_GSO_TCPV4 = 1;
const VIRTIO_NET_HDR_GSO_TCPV6 = 4;
const VIRTIO_NET_HDR_GSO_UDP_L4 = 5;

const [tcp, udp] = [6, 17];
const network = 14;
const [ipv4Bytes, ipv6Bytes, leastTcpBytes, udpBytes] = [20, 40, 20, 8];
const tcpFlags = { fin: 0x01, psh: 0x08, ack: 0x10, ece: 0x40 } as const;
const endsRun = tcpFlags.fin | tcpFlags.psh;
const mergedFlags = endsRun | tcpFlags.ack | tcpFlags.ece;
const longestPacket = 0xffff;
/** The most that kernels themselves send as one (`UDP_MAX_SEGMENTS`). */
const mostDatagrams = 64;

export interface OutgoingFramesOptions {
  /** Longest frame that is made part of another one: the kernel looks at the MTU of those that come alone. */
  readonly longest?: number;
  /** Whether datagrams are merged too, which kernels before 6.2 do not take. */
  readonly mergesDatagrams?: boolean;
}

/**
 * Frames on their way to a kernel, each behind a `struct virtio_net_hdr`. Neighbours of one TCP or UDP flow are merged, as a network
 * card merges what it receives (`tcp_gro_receive`): to a kernel a frame costs much the same whatever its length, and it cuts what it has
 * to. Only those are merged that it cuts into the same frames again, whose checksums are right; all others go as they are, in their order.
 */
export class OutgoingFrames {
  /** What goes to the kernel at once, by its place in the memory. */
  readonly offsets: number[] = [];
  readonly lengths: number[] = [];
  /** Frames in each. */
  readonly counts: number[] = [];
  longest: number;
  mergesDatagrams: boolean;
  readonly #bytes: Buffer;
  #used = 0;
  /** Whether the last one may grow. */
  #isOpen = false;
  #protocol = 0;
  #transport = 0;
  #payload = 0;
  /** Of its first frame. */
  #segmentBytes = 0;
  /** Where the frame begins that was looked at, of its headers and of its end; 0 for one that is not merged. */
  #seen = { protocol: 0, transport: 0, payload: 0 };

  /** @param bytes memory for them, which has room for the longest frame at least */
  constructor(
    bytes: Buffer,
    { longest = blockLimits.frameBytes, mergesDatagrams = true }: OutgoingFramesOptions = {},
  ) {
    this.#bytes = bytes;
    this.longest = longest;
    this.mergesDatagrams = mergesDatagrams;
  }

  /**
   * Takes blocks of `buffer` from `start` on, as many as there is room for.
   *
   * @returns where those begin that it did not take; `end` when there are none
   */
  take(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const frameAt = at + blockHeaderBytes;
      const next = frameAt + readUint32(buffer, at);
      if (!this.#add(buffer, frameAt, next)) break;
      at = next;
    }
    return at;
  }

  /** Nothing more is merged with what is there, which may be handed over now. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#finish();
  }

  /** Makes room, for what was handed over. */
  clear(): void {
    this.offsets.length = this.lengths.length = this.counts.length = 0;
    this.#used = 0;
  }

  #add(buffer: Buffer, start: number, end: number): boolean {
    const { length } = this.offsets;
    this.#look(buffer, start, end);
    if (this.#isOpen && this.#join(buffer, start, end)) return true;
    const bytes = unfinishedHeaderBytes + end - start;
    if (length === packetDeviceLimits.sentAtOnce || this.#used + bytes > this.#bytes.length) return false;
    this.close();
    const at = this.#used;
    this.#used = align(at + bytes);
    this.#bytes.fill(0, at, at + unfinishedHeaderBytes);
    buffer.copy(this.#bytes, at + unfinishedHeaderBytes, start, end);
    this.offsets.push(at);
    this.lengths.push(bytes);
    this.counts.push(1);
    const { protocol, transport, payload } = this.#seen;
    if (protocol === 0) return true;
    this.#isOpen = protocol === udp || ((buffer[start + transport + 13] as number) & endsRun) === 0;
    this.#protocol = protocol;
    this.#transport = transport;
    this.#payload = payload;
    this.#segmentBytes = end - start - payload;
    return true;
  }

  /** Finds out whether the frame is of a flow, and not odd in any way that would be lost. */
  #look(buffer: Buffer, start: number, end: number): void {
    const seen = this.#seen;
    seen.protocol = 0;
    const length = end - start;
    if (length > this.longest || length < network + ipv4Bytes + udpBytes) return;
    const type = uint16(buffer, start + 12);
    const at = start + network;
    let protocol: number;
    if (type === 0x0800) {
      // No options, no fragment, nothing behind the packet.
      if (buffer[at] !== 0x45 || uint16(buffer, at + 2) !== length - network) return;
      if ((uint16(buffer, at + 6) & 0xbfff) !== 0) return;
      protocol = buffer[at + 9] as number;
      seen.transport = network + ipv4Bytes;
    } else if (type === 0x86dd && length >= network + ipv6Bytes + udpBytes) {
      if (uint16(buffer, at + 4) !== length - network - ipv6Bytes) return;
      protocol = buffer[at + 6] as number;
      seen.transport = network + ipv6Bytes;
    } else return;
    const transport = start + seen.transport;
    if (protocol === tcp && transport + leastTcpBytes < end) {
      const first = buffer[transport + 12] as number;
      const flags = buffer[transport + 13] as number;
      if ((first & 0x0f) !== 0 || (flags & ~mergedFlags) !== 0 || (flags & tcpFlags.ack) === 0) return;
      seen.payload = seen.transport + (first >> 4) * 4;
      if (first < 0x50 || seen.payload >= length) return;
    } else if (protocol === udp && this.mergesDatagrams) {
      if (uint16(buffer, transport + 4) !== end - transport || uint16(buffer, transport + 6) === 0) return;
      seen.payload = seen.transport + udpBytes;
      if (seen.payload >= length) return;
    } else return;
    seen.protocol = protocol;
  }

  /** Puts the payload of the frame behind that of the last one, if it goes on there. */
  #join(buffer: Buffer, start: number, end: number): boolean {
    const { protocol, transport, payload } = this.#seen;
    const last = this.offsets.length - 1;
    const count = this.counts[last] as number;
    const before = this.lengths[last] as number;
    const firstAt = (this.offsets[last] as number) + unfinishedHeaderBytes;
    const bytes = end - start - payload;
    if (protocol !== this.#protocol || transport !== this.#transport || payload !== this.#payload)
      return false;
    if (bytes > this.#segmentBytes || (protocol === udp && count === mostDatagrams)) return false;
    const all = this.#bytes;
    const at = firstAt - unfinishedHeaderBytes + before;
    if (before - unfinishedHeaderBytes - network + bytes > longestPacket || at + bytes > all.length)
      return false;
    if (!isSameFlow(all, firstAt, buffer, start, transport, count)) return false;
    const flagsAt = transport + 13;
    const flags = buffer[start + flagsAt] as number;
    if (protocol === tcp) {
      const sequence = uint32(all, firstAt + transport + 4) + count * this.#segmentBytes;
      if (uint32(buffer, start + transport + 4) !== sequence >>> 0) return false;
      if (((flags ^ (all[firstAt + flagsAt] as number)) & ~endsRun) !== 0) return false;
      // Acknowledgement and length of the header; window; urgent pointer and options.
      if (!isSame(all, firstAt + transport + 8, buffer, start + transport + 8, 5)) return false;
      if (!isSame(all, firstAt + transport + 14, buffer, start + transport + 14, 2)) return false;
      if (!isSame(all, firstAt + transport + 18, buffer, start + transport + 18, payload - transport - 18))
        return false;
    }
    if (
      count === 1 &&
      !isIntact(all, firstAt, firstAt + before - unfinishedHeaderBytes, transport, protocol)
    ) {
      this.#isOpen = false;
      return false;
    }
    if (!isIntact(buffer, start, end, transport, protocol)) return false;
    buffer.copy(all, at, start + payload, end);
    this.lengths[last] = before + bytes;
    this.counts[last] = count + 1;
    this.#used = align(at + bytes);
    if (bytes < this.#segmentBytes) this.#isOpen = false;
    if (protocol === tcp && (flags & endsRun) !== 0) {
      (all[firstAt + flagsAt] as number) |= flags & endsRun;
      // The headers of the first are compared with those of no other any more.
      this.#isOpen = false;
    }
    // Whether it may grow or not, its headers are not yet those of a merged one.
    if (!this.#isOpen) this.#finish();
    return true;
  }

  /** Says in the headers of the last one what was merged. */
  #finish(): void {
    const last = this.offsets.length - 1;
    if ((this.counts[last] as number) < 2) return;
    const all = this.#bytes;
    const headerAt = this.offsets[last] as number;
    const frameAt = headerAt + unfinishedHeaderBytes;
    const networkAt = frameAt + network;
    const transportAt = frameAt + this.#transport;
    const end = headerAt + (this.lengths[last] as number);
    const isIpv4 = this.#transport === network + ipv4Bytes;
    const checksumOffset = this.#protocol === tcp ? 16 : 6;
    const tcpKind = isIpv4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    all[headerAt] = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    all[headerAt + 1] = this.#protocol === tcp ? tcpKind : VIRTIO_NET_HDR_GSO_UDP_L4;
    all.writeUInt16LE(this.#payload, headerAt + 2);
    all.writeUInt16LE(this.#segmentBytes, headerAt + 4);
    all.writeUInt16LE(this.#transport, headerAt + 6);
    all.writeUInt16LE(checksumOffset, headerAt + 8);
    if (isIpv4) {
      all.writeUInt16BE(end - networkAt, networkAt + 2);
      all.writeUInt16BE(0, networkAt + 10);
      all.writeUInt16BE(internetChecksum(all, networkAt, transportAt), networkAt + 10);
    } else {
      all.writeUInt16BE(end - transportAt, networkAt + 4);
    }
    if (this.#protocol === udp) all.writeUInt16BE(end - transportAt, transportAt + 4);
    // The sum of the pseudo header, on top of which the kernel finishes it.
    const [addressesAt, addressBytes] = isIpv4 ? [networkAt + 12, 8] : [networkAt + 8, 32];
    const rest = this.#protocol + end - transportAt;
    const sum = ~transportChecksum(all, addressesAt, addressBytes, rest, end, end) & 0xffff;
    all.writeUInt16BE(sum, transportAt + checksumOffset);
  }
}

/** Whether headers of Ethernet and IP are alike, and the ports: what the kernel copies from the first one to each segment. */
function isSameFlow(
  one: Buffer,
  oneAt: number,
  other: Buffer,
  otherAt: number,
  transport: number,
  count: number,
): boolean {
  if (!isSame(one, oneAt + transport, other, otherAt + transport, 4)) return false;
  if (!isSame(one, oneAt, other, otherAt, network + 2)) return false;
  const [oneIp, otherIp] = [oneAt + network, otherAt + network];
  // The rest of the flow label, and all behind the length.
  if (transport !== network + ipv4Bytes)
    return isSame(one, oneIp + 2, other, otherIp + 2, 2) && isSame(one, oneIp + 6, other, otherIp + 6, 34);
  // Time to live and protocol; addresses.
  if (!isSame(one, oneIp + 8, other, otherIp + 8, 2) || !isSame(one, oneIp + 12, other, otherIp + 12, 8))
    return false;
  const flags = one[oneIp + 6] as number;
  // A packet that may not be cut needs no identification (RFC 6864), and some have none.
  const id = (uint16(one, oneIp + 4) + count) & 0xffff;
  return flags === other[otherIp + 6] && (flags !== 0 || id === uint16(other, otherIp + 4));
}

function isIntact(buffer: Buffer, start: number, end: number, transport: number, protocol: number): boolean {
  const transportAt = start + transport;
  const isIpv4 = transport === network + ipv4Bytes;
  if (isIpv4 && internetChecksum(buffer, start + network, transportAt) !== 0) return false;
  const [addressesAt, addressBytes] = isIpv4 ? [start + network + 12, 8] : [start + network + 8, 32];
  return transportChecksum(buffer, addressesAt, addressBytes, protocol, transportAt, end) === 0;
}

function isSame(one: Buffer, oneAt: number, other: Buffer, otherAt: number, bytes: number): boolean {
  for (let index = 0; index < bytes; index++) {
    if (one[oneAt + index] !== other[otherAt + index]) return false;
  }
  return true;
}

function uint16(buffer: Buffer, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
}

function uint32(buffer: Buffer, at: number): number {
  return ((uint16(buffer, at) << 16) | uint16(buffer, at + 2)) >>> 0;
}

/** Memory is read faster where it is aligned. */
function align(bytes: number): number {
  return (bytes + 7) & ~7;
}
