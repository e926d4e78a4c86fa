import { internetChecksum, transportChecksum } from "../ethernet/frame-checksum.ts";
import { ethernetHeaderBytes, etherTypes } from "../ethernet/frame.ts";
import { blockLimits } from "../limits.ts";

/** Where a packet comes from or goes to: the MAC address in two words, as in `Frame`, and the IPv4 address as a number. */
export interface Station {
  readonly mac0: number;
  readonly mac1: number;
  readonly address: number;
}

export const ipv4HeaderBytes = 20;
export const ipProtocols = { icmp: 1, tcp: 6, udp: 17 } as const;
const dontFragment = 0x4000;
const moreFragments = 0x2000;
const timeToLive = 64;
const networkAt = ethernetHeaderBytes;
const transportAt = networkAt + ipv4HeaderBytes;

/** Which part of a packet it is. */
export interface Fragment {
  /** The same in all parts. */
  readonly identification: number;
  /** In bytes of the payload, a multiple of 8. */
  readonly offset: number;
  readonly isLast: boolean;
}

/** Makes frames that carry IPv4, one after the other in one buffer. */
export class PacketWriter {
  readonly buffer = Buffer.alloc(blockLimits.frameBytes);
  #identification = 0;

  /** For a packet whose parts go one by one. */
  nextIdentification(): number {
    return (this.#identification = (this.#identification + 1) & 0xffff);
  }

  /**
   * Writes the headers of Ethernet and IPv4; what follows is the caller's to write.
   *
   * @returns where that begins
   */
  begin(from: Station, to: Station, protocol: number, part?: Fragment): number {
    const { buffer } = this;
    writeEthernet(buffer, from, to, etherTypes.ipv4);
    write16(buffer, networkAt, 0x4500);
    write16(buffer, networkAt + 4, part?.identification ?? this.nextIdentification());
    write16(
      buffer,
      networkAt + 6,
      part === undefined ? dontFragment : part.offset / 8 + (part.isLast ? 0 : moreFragments),
    );
    buffer[networkAt + 8] = timeToLive;
    buffer[networkAt + 9] = protocol;
    write16(buffer, networkAt + 10, 0);
    write32(buffer, networkAt + 12, from.address);
    write32(buffer, networkAt + 16, to.address);
    return transportAt;
  }

  /** @returns the frame, whose packet ends at `end`; valid until the next {@link begin} */
  finish(end: number): Buffer {
    write16(this.buffer, networkAt + 2, end - networkAt);
    write16(this.buffer, networkAt + 10, internetChecksum(this.buffer, networkAt, transportAt));
    return this.buffer.subarray(0, end);
  }

  /** The same, with the checksum of TCP or UDP at `checksumAt`. */
  finishTransport(end: number, protocol: number, checksumAt: number): Buffer {
    write16(this.buffer, checksumAt, 0);
    const sum = transportChecksum(this.buffer, networkAt + 12, 8, protocol, transportAt, end);
    // 0 would say that there is none (RFC 768).
    write16(this.buffer, checksumAt, sum === 0 && protocol === ipProtocols.udp ? 0xffff : sum);
    return this.finish(end);
  }

  /** An answer of ARP: `of` has its address, which `to` wants to know. */
  arpReply(of: Station, to: Station): Buffer {
    const { buffer } = this;
    writeEthernet(buffer, of, to, etherTypes.arp);
    write32(buffer, networkAt, 0x0001_0800);
    write32(buffer, networkAt + 4, 0x0604_0002);
    for (const [at, station] of [
      [networkAt + 8, of],
      [networkAt + 18, to],
    ] as const) {
      writeMac(buffer, at, station);
      write32(buffer, at + 6, station.address);
    }
    return buffer.subarray(0, networkAt + 28);
  }
}

function writeEthernet(buffer: Buffer, from: Station, to: Station, type: number): void {
  writeMac(buffer, 0, to);
  writeMac(buffer, 6, from);
  write16(buffer, 12, type);
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
