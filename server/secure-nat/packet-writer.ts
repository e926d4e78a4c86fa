import { internetChecksum, transportChecksum } from "../ethernet/frame-checksum.ts";
import { ethernetHeaderBytes, etherTypes, type Frame } from "../ethernet/frame.ts";
import { sourceAddress, writeIpv6, type IpAddress, type Ipv6Address } from "../ethernet/packed-address.ts";
import { blockLimits, secureNatLimits } from "../limits.ts";
import { blockHeaderBytes } from "../wire/block-stream.ts";

/** Where a packet comes from or goes to: the MAC address in two words, as in `Frame`, and the IP address. */
export interface Station<Address extends IpAddress = IpAddress> {
  readonly mac0: number;
  readonly mac1: number;
  readonly address: Address;
}

/** Who sent a packet of IP. */
export function senderOf(frame: Frame): Station {
  return { mac0: frame.source0, mac1: frame.source1, address: sourceAddress(frame) };
}

export const ipv4HeaderBytes = 20;
export const ipv6HeaderBytes = 40;
export const fragmentHeaderBytes = 8;
export const ipProtocols = { icmp: 1, tcp: 6, udp: 17, fragment: 44, icmpv6: 58 } as const;
/** What every link carries of IPv6 (RFC 8200, section 5). */
const leastIpv6Mtu = 1_280;

/** Largest packet of IPv6 where one of IPv4 may have `mtu` bytes. */
export function ipv6MtuOf(mtu: number): number {
  return Math.max(mtu, leastIpv6Mtu);
}

/** What a packet from or to an address carries behind its header at most. */
export function mostPayload(address: IpAddress, mtu: number): number {
  return typeof address === "number" ? mtu - ipv4HeaderBytes : ipv6MtuOf(mtu) - ipv6HeaderBytes;
}

const dontFragment = 0x4000;
const moreFragments = 0x2000;
const timeToLive = 64;
const ipv6Version = 0x6000;

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

/** Makes frames that carry IP, one behind the other in one buffer, as a run of blocks. */
export class PacketWriter {
  /** What is written to after {@link begin}. */
  readonly buffer = Buffer.alloc(secureNatLimits.batchBytes);
  readonly #options: PacketWriterOptions;
  /** Behind the frames that wait. */
  #end = 0;
  /** Where the packet of the frame begins that is being written. */
  #networkAt = 0;
  /** Where its payload begins; of a fragment too. */
  #transportAt = 0;
  #isIpv6 = false;
  #identification = 0;

  constructor(options: PacketWriterOptions) {
    this.#options = options;
  }

  /** For a packet whose parts go one by one. */
  nextIdentification(): number {
    return (this.#identification = (this.#identification + 1) & 0xffff);
  }

  /**
   * Begins a frame with the headers of Ethernet and IP, in the version of both addresses; what follows is the caller's to write.
   *
   * @param hopLimit with which a receiver can tell that the packet came over no router
   * @returns where that begins
   */
  begin(from: Station, to: Station, protocol: number, part?: Fragment, hopLimit = timeToLive): number {
    const { address: source } = from;
    const { address: destination } = to;
    this.#isIpv6 = typeof source === "string";
    const at = this.#beginFrame(from, to, this.#isIpv6 ? etherTypes.ipv6 : etherTypes.ipv4);
    if (typeof source === "number" && typeof destination === "number") {
      this.#transportAt = this.#writeIpv4(at, source, destination, protocol, part);
      this.buffer[at + 8] = hopLimit;
    } else if (typeof source === "string" && typeof destination === "string") {
      this.#transportAt = this.#writeIpv6(at, source, destination, protocol, part);
      this.buffer[at + 7] = hopLimit;
    } else throw new TypeError("a packet between addresses of two versions of IP");
    return this.#transportAt;
  }

  #writeIpv4(at: number, source: number, destination: number, protocol: number, part?: Fragment): number {
    const { buffer } = this;
    write16(buffer, at, 0x4500);
    write16(buffer, at + 4, part?.identification ?? this.nextIdentification());
    write16(
      buffer,
      at + 6,
      part === undefined ? dontFragment : part.offset / 8 + (part.isLast ? 0 : moreFragments),
    );
    buffer[at + 9] = protocol;
    write16(buffer, at + 10, 0);
    write32(buffer, at + 12, source);
    write32(buffer, at + 16, destination);
    return at + ipv4HeaderBytes;
  }

  #writeIpv6(
    at: number,
    source: Ipv6Address,
    destination: Ipv6Address,
    protocol: number,
    part?: Fragment,
  ): number {
    const { buffer } = this;
    write16(buffer, at, ipv6Version);
    write16(buffer, at + 2, 0);
    buffer[at + 6] = part === undefined ? protocol : ipProtocols.fragment;
    writeIpv6(buffer, at + 8, source);
    writeIpv6(buffer, at + 24, destination);
    const behind = at + ipv6HeaderBytes;
    if (part === undefined) return behind;
    write16(buffer, behind, protocol << 8);
    write16(buffer, behind + 2, part.offset + (part.isLast ? 0 : 1));
    write32(buffer, behind + 4, part.identification);
    return behind + fragmentHeaderBytes;
  }

  /** The packet that was begun ends at `end`, and goes out soon. */
  finish(end: number): void {
    const at = this.#networkAt;
    if (this.#isIpv6) write16(this.buffer, at + 4, end - at - ipv6HeaderBytes);
    else {
      write16(this.buffer, at + 2, end - at);
      write16(this.buffer, at + 10, internetChecksum(this.buffer, at, at + ipv4HeaderBytes));
    }
    this.#finishFrame(end);
  }

  /** The same, with the checksum of TCP, UDP or ICMPv6 at `checksumAt`. */
  finishTransport(end: number, protocol: number, checksumAt: number): void {
    write16(this.buffer, checksumAt, 0);
    const [addressesAt, addressBytes] = this.#isIpv6 ? [this.#networkAt + 8, 32] : [this.#networkAt + 12, 8];
    const sum = transportChecksum(this.buffer, addressesAt, addressBytes, protocol, this.#transportAt, end);
    // 0 would say that there is none (RFC 768).
    write16(this.buffer, checksumAt, sum === 0 && protocol === ipProtocols.udp ? 0xffff : sum);
    this.finish(end);
  }

  /** Answers ARP: `of` has its address, which `to` wants to know. */
  arpReply(of: Station<number>, to: Station<number>): void {
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
  #beginFrame(from: Omit<Station, "address">, to: Omit<Station, "address">, type: number): number {
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

function writeMac(buffer: Buffer, at: number, { mac0, mac1 }: Omit<Station, "address">): void {
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
