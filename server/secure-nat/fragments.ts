import { internetChecksum } from "../ethernet/frame-checksum.ts";
import { type Frame, read16, read32 } from "../ethernet/frame.ts";
import { fragmentLimits, secureNatLimits } from "../limits.ts";
import { destinationAddress, sourceAddress } from "../ethernet/packed-address.ts";
import { fragmentHeaderBytes, ipProtocols, ipv6HeaderBytes } from "./packet-writer.ts";
import { Shares } from "./shares.ts";

const moreFragments = 0x2000;
const offsetMask = 0x1fff;
const ipv6MoreFragments = 1;
const ipv6OffsetMask = 0xfff8;
const mostLength = 0xffff;

/** What a fragment says of itself; positions as in its frame. */
interface Part {
  /** The same in all parts of a packet, and in no other's. */
  readonly key: string;
  readonly offset: number;
  readonly isLast: boolean;
  /** Behind the header that the whole packet has. */
  readonly headerEnd: number;
  readonly payloadAt: number;
  /** Of the payload of the whole packet: what its length can say. */
  readonly mostBytes: number;
}

/** A packet that came in part. */
interface Partial {
  source: number;
  readonly key: string;
  /** Ethernet and IP header of the first fragment that came, then the payload as far as it is there. */
  readonly frame: Buffer;
  readonly payloadAt: number;
  /** Start and end of what is there. */
  readonly parts: (readonly [start: number, end: number])[];
  /** Of the payload; -1 until the last fragment came. */
  total: number;
  readonly since: number;
}

/** Puts the fragments of IP packets together (RFC 815). Fragments that overlap are an attack, and end the packet (RFC 5722). */
export class Fragments {
  readonly #now: () => number;
  readonly #packets = new Map<string, Partial>();
  readonly #shares = new Shares<Partial>(({ since }) => since);

  constructor(now: () => number) {
    this.#now = now;
  }

  static isFragment({ buffer, network, networkAt }: Frame): boolean {
    // In IPv6 its header is the first one that follows, or there is another one that nobody needs.
    if (network === "ipv6") return buffer[networkAt + 6] === ipProtocols.fragment;
    return (read16(buffer, networkAt + 6) & (moreFragments | offsetMask)) !== 0;
  }

  /**
   * Takes a fragment that the port of the number `from` sent.
   *
   * @returns the frame with the whole packet once its last fragment is there
   */
  add(frame: Frame, from: number): Buffer | undefined {
    const { buffer, start, networkAt, packetEnd } = frame;
    this.#sweep();
    const part = frame.network === "ipv6" ? ipv6PartOf(frame, from) : ipv4PartOf(frame, from);
    const { key, offset, isLast, headerEnd, payloadAt: partAt, mostBytes } = part;
    const end = offset + packetEnd - partAt;
    const isWhole = end <= mostBytes && end > offset && (isLast || end % 8 === 0);
    let packet = this.#packets.get(key);
    if (!isWhole || packet?.parts.some(([from, to]) => from < end && offset < to)) {
      this.#forget(packet);
      return undefined;
    }
    if (packet === undefined) {
      const { packets } = fragmentLimits;
      this.#forget(this.#shares.inTheWay(from, this.#packets.size, packets, secureNatLimits.sessionShare));
      const payloadAt = headerEnd - start;
      const whole = Buffer.alloc(payloadAt + fragmentLimits.bytes);
      buffer.copy(whole, 0, start, headerEnd);
      packet = { source: from, key, frame: whole, payloadAt, parts: [], total: -1, since: this.#now() };
      this.#packets.set(key, packet);
      this.#shares.add(packet);
    }
    if (packet.payloadAt + end > packet.frame.length || packet.parts.length >= fragmentLimits.parts) {
      this.#forget(packet);
      return undefined;
    }
    buffer.copy(packet.frame, packet.payloadAt + offset, partAt, packetEnd);
    packet.parts.push([offset, end]);
    if (isLast) packet.total = end;
    const received = packet.parts.reduce((sum, [from, to]) => sum + to - from, 0);
    if (received !== packet.total) return undefined;
    this.#forget(packet);
    const whole = packet.frame.subarray(0, packet.payloadAt + packet.total);
    if (frame.network === "ipv6") finishIpv6(whole, networkAt - start, buffer[headerEnd] as number);
    else finishIpv4(whole, networkAt - start, packet.payloadAt);
    return whole;
  }

  #sweep(): void {
    const now = this.#now();
    for (const packet of this.#packets.values()) {
      if (now - packet.since < fragmentLimits.ms) return;
      this.#forget(packet);
    }
  }

  #forget(packet: Partial | undefined): void {
    if (packet === undefined) return;
    this.#packets.delete(packet.key);
    this.#shares.delete(packet);
  }
}

function ipv4PartOf(frame: Frame, from: number): Part {
  const { buffer, networkAt, transportAt } = frame;
  const flags = read16(buffer, networkAt + 6);
  return {
    key: `${from} ${frame.sourceIp3} ${frame.destinationIp3} ${frame.protocol} ${read16(buffer, networkAt + 4)}`,
    offset: (flags & offsetMask) * 8,
    isLast: (flags & moreFragments) === 0,
    headerEnd: transportAt,
    payloadAt: transportAt,
    mostBytes: mostLength - (transportAt - networkAt),
  };
}

/** Of a packet whose fragment header follows that of IPv6. The frame has all of it. */
function ipv6PartOf(frame: Frame, from: number): Part {
  const { buffer, networkAt } = frame;
  const headerEnd = networkAt + ipv6HeaderBytes;
  const flags = read16(buffer, headerEnd + 2);
  const ends = `${sourceAddress(frame)}${destinationAddress(frame)}`;
  return {
    // No key of IPv4 begins so.
    key: `IPv6 ${from} ${buffer[headerEnd]} ${read32(buffer, headerEnd + 4)} ${ends}`,
    offset: flags & ipv6OffsetMask,
    isLast: (flags & ipv6MoreFragments) === 0,
    headerEnd,
    payloadAt: headerEnd + fragmentHeaderBytes,
    mostBytes: mostLength,
  };
}

function finishIpv4(whole: Buffer, networkAt: number, payloadAt: number): void {
  whole.writeUInt16BE(whole.length - networkAt, networkAt + 2);
  whole.writeUInt16BE(0, networkAt + 6);
  whole.writeUInt16BE(0, networkAt + 10);
  whole.writeUInt16BE(internetChecksum(whole, networkAt, payloadAt), networkAt + 10);
}

function finishIpv6(whole: Buffer, networkAt: number, protocol: number): void {
  whole.writeUInt16BE(whole.length - networkAt - ipv6HeaderBytes, networkAt + 4);
  whole[networkAt + 6] = protocol;
}
