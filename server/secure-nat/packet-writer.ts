import { internetChecksum, transportChecksum } from "../ethernet/frame-checksum.ts";
import { ethernetHeaderBytes, etherTypes, type Frame } from "../ethernet/frame.ts";
import { blockLimits, secureNatLimits } from "../limits.ts";
import { blockHeaderBytes } from "../wire/block-stream.ts";

/** Where a packet comes from or goes to: the MAC address in two words, as in `Frame`, and the IPv4 address as a number. */
export interface Station {
  readonly mac0: number;
  readonly mac1: number;
  readonly address: number;
}

/** Who sent an IPv4 packet, or a request of ARP. */
export function senderOf({ source0, source1, sourceIp3 }: Frame): Station {
  return { mac0: source0, mac1: source1, address: sourceIp3 >>> 0 };
}

export const ipv4HeaderBytes = 20;
export const ipProtocols = { icmp: 1, tcp: 6, udp: 17 } as const;
const dontFragment = 0x4000;
const moreFragments = 0x2000;
const timeToLive = 64;

/** Which part of a packet it is. */
export interface Fragment {
  /** The same in all parts. */
  readonly identification: number;
  /** In bytes of the payload, a multiple of 8. */
  readonly offset: number;
  readonly isLast: boolean;
}

export interface PacketWriterOptions {
  /** Takes the blocks of `buffer` from `start` to `end`, as a port of a hub forwards them; valid during the call. */
  readonly send: (buffer: Buffer, start: number, end: number) => void;
  /** Calls back when what is being done is done: the packets of it go out in one run. */
  readonly soon: (flush: () => void) => void;
}

/** Makes frames that carry IPv4, one behind the other in one buffer, as a run of blocks. */
export class PacketWriter {
  /** What is written to after {@link begin}. */
  readonly buffer = Buffer.alloc(secureNatLimits.batchBytes);
  readonly #options: PacketWriterOptions;
  /** Behind the frames that wait. */
  #end = 0;
  /** Where the packet of the frame begins that is being written. */
  #networkAt = 0;
  #identification = 0;

  constructor(options: PacketWriterOptions) {
    this.#options = options;
  }

  /** For a packet whose parts go one by one. */
  nextIdentification(): number {
    return (this.#identification = (this.#identification + 1) & 0xffff);
  }

  /**
   * Begins a frame with the headers of Ethernet and IPv4; what follows is the caller's to write.
   *
   * @returns where that begins
   */
  begin(from: Station, to: Station, protocol: number, part?: Fragment): number {
    const at = this.#beginFrame(from, to, etherTypes.ipv4);
    const { buffer } = this;
    write16(buffer, at, 0x4500);
    write16(buffer, at + 4, part?.identification ?? this.nextIdentification());
    write16(
      buffer,
      at + 6,
      part === undefined ? dontFragment : part.offset / 8 + (part.isLast ? 0 : moreFragments),
    );
    buffer[at + 8] = timeToLive;
    buffer[at + 9] = protocol;
    write16(buffer, at + 10, 0);
    write32(buffer, at + 12, from.address);
    write32(buffer, at + 16, to.address);
    return at + ipv4HeaderBytes;
  }

  /** The packet that was begun ends at `end`, and goes out soon. */
  finish(end: number): void {
    const at = this.#networkAt;
    write16(this.buffer, at + 2, end - at);
    write16(this.buffer, at + 10, internetChecksum(this.buffer, at, at + ipv4HeaderBytes));
    this.#finishFrame(end);
  }

  /** The same, with the checksum of TCP or UDP at `checksumAt`. */
  finishTransport(end: number, protocol: number, checksumAt: number): void {
    write16(this.buffer, checksumAt, 0);
    const at = this.#networkAt;
    const sum = transportChecksum(this.buffer, at + 12, 8, protocol, at + ipv4HeaderBytes, end);
    // 0 would say that there is none (RFC 768).
    write16(this.buffer, checksumAt, sum === 0 && protocol === ipProtocols.udp ? 0xffff : sum);
    this.finish(end);
  }

  /** Answers ARP: `of` has its address, which `to` wants to know. */
  arpReply(of: Station, to: Station): void {
    const { buffer } = this;
    const at = this.#beginFrame(of, to, etherTypes.arp);
    write32(buffer, at, 0x0001_0800);
    write32(buffer, at + 4, 0x0604_0002);
    for (const [memberAt, station] of [
      [at + 8, of],
      [at + 18, to],
    ] as const) {
      writeMac(buffer, memberAt, station);
      write32(buffer, memberAt + 6, station.address);
    }
    this.#finishFrame(at + 28);
  }

  /** @returns where the packet begins */
  #beginFrame(from: Station, to: Station, type: number): number {
    if (this.#end + blockHeaderBytes + blockLimits.frameBytes > this.buffer.length) this.#flush();
    const at = this.#end + blockHeaderBytes;
    writeMac(this.buffer, at, to);
    writeMac(this.buffer, at + 6, from);
    write16(this.buffer, at + 12, type);
    this.#networkAt = at + ethernetHeaderBytes;
    return this.#networkAt;
  }

  #finishFrame(end: number): void {
    const isFirst = this.#end === 0;
    write32(this.buffer, this.#end, end - this.#end - blockHeaderBytes);
    this.#end = end;
    if (isFirst) this.#options.soon(() => this.#flush());
  }

  #flush(): void {
    const end = this.#end;
    this.#end = 0;
    if (end > 0) this.#options.send(this.buffer, 0, end);
  }
}

function writeMac(buffer: Buffer, at: number, { mac0, mac1 }: Station): void {
  write16(buffer, at, mac0);
  write32(buffer, at + 2, mac1);
}

function write16(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
}

function write32(buffer: Buffer, at: number, value: number): void {
  write16(buffer, at, value >>> 16);
  write16(buffer, at + 2, value & 0xffff);
}
