import { internetChecksum } from "../ethernet/frame-checksum.ts";
import { type Frame, read16 } from "../ethernet/frame.ts";
import { fragmentLimits, secureNatLimits } from "../limits.ts";
import { Shares } from "./shares.ts";

const moreFragments = 0x2000;
const offsetMask = 0x1fff;

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

/** Puts the fragments of IPv4 packets together (RFC 815). Fragments that overlap are an attack, and end the packet (RFC 5722). */
export class Fragments {
  readonly #now: () => number;
  readonly #packets = new Map<string, Partial>();
  readonly #shares = new Shares<Partial>(({ since }) => since);

  constructor(now: () => number) {
    this.#now = now;
  }

  static isFragment({ buffer, networkAt }: Frame): boolean {
    return (read16(buffer, networkAt + 6) & (moreFragments | offsetMask)) !== 0;
  }

  /**
   * Takes a fragment that the port of the number `from` sent.
   *
   * @returns the frame with the whole packet once its last fragment is there
   */
  add(frame: Frame, from: number): Buffer | undefined {
    const { buffer, start, networkAt, transportAt, packetEnd } = frame;
    this.#sweep();
    const flags = read16(buffer, networkAt + 6);
    const offset = (flags & offsetMask) * 8;
    const isLast = (flags & moreFragments) === 0;
    const end = offset + packetEnd - transportAt;
    const key = `${from} ${frame.sourceIp3} ${frame.destinationIp3} ${frame.protocol} ${read16(buffer, networkAt + 4)}`;
    const isWhole = end <= 0xffff && end > offset && (isLast || end % 8 === 0);
    let packet = this.#packets.get(key);
    if (!isWhole || packet?.parts.some(([from, to]) => from < end && offset < to)) {
      this.#forget(packet);
      return undefined;
    }
    if (packet === undefined) {
      const { packets } = fragmentLimits;
      this.#forget(this.#shares.inTheWay(from, this.#packets.size, packets, secureNatLimits.sessionShare));
      const payloadAt = transportAt - start;
      const whole = Buffer.alloc(payloadAt + fragmentLimits.bytes);
      buffer.copy(whole, 0, start, transportAt);
      packet = { source: from, key, frame: whole, payloadAt, parts: [], total: -1, since: this.#now() };
      this.#packets.set(key, packet);
      this.#shares.add(packet);
    }
    if (packet.payloadAt + end > packet.frame.length || packet.parts.length >= fragmentLimits.parts) {
      this.#forget(packet);
      return undefined;
    }
    buffer.copy(packet.frame, packet.payloadAt + offset, transportAt, packetEnd);
    packet.parts.push([offset, end]);
    if (isLast) packet.total = end;
    const received = packet.parts.reduce((sum, [from, to]) => sum + to - from, 0);
    if (received !== packet.total) return undefined;
    this.#forget(packet);
    return wholeFrame(packet, networkAt - start);
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

function wholeFrame({ frame, payloadAt, total }: Partial, networkAt: number): Buffer {
  const whole = frame.subarray(0, payloadAt + total);
  whole.writeUInt16BE(whole.length - networkAt, networkAt + 2);
  whole.writeUInt16BE(0, networkAt + 6);
  whole.writeUInt16BE(0, networkAt + 10);
  whole.writeUInt16BE(internetChecksum(whole, networkAt, payloadAt), networkAt + 10);
  return whole;
}
