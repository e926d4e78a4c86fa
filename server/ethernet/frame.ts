import { findDhcpMessageType } from "./frame-dhcp.ts";

export const ethernetHeaderBytes = 14;
const vlanTagBytes = 4;
const vlanTagType = 0x8100;
const arpBytes = 28;
const ipv4HeaderBytes = 20;
const ipv6HeaderBytes = 40;
const tcpHeaderBytes = 20;
const udpHeaderBytes = 8;
const icmpHeaderBytes = 4;
const dhcpHeaderBytes = 236;
/** Largest value of the type field that is a length, of an IEEE 802.3 frame. */
const mostLength = 1500;
/** LLC header and spanning tree message, and in them the address of the bridge. */
const bpduBytes = 38;
const bpduBridgeMacAt = 22;
const bpduServiceAccessPoint = 0x42;
/** First half of an IPv4 address that is written as an IPv6 address: `::ffff:a.b.c.d`. */
export const mappedIpv4Word = 0xffff;

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
export const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;
export const icmpTypes = { echoReply: 0, echoRequest: 8 } as const;
export const icmpv6Types = {
  destinationUnreachable: 1,
  echoRequest: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
  redirect: 137,
} as const;
/** Value of the DHCP option that tells the kind of message, for the one that assigns an address. */
export const dhcpAck = 5;

export type NetworkLayer = "other" | "arp" | "ipv4" | "ipv6" | "bpdu";
export type TransportLayer = "other" | "tcp" | "udp" | "icmp" | "icmpv6" | "fragment";

/**
 * What an Ethernet frame contains, as far as a switch looks into it: tag, ARP, IPv4, IPv6, TCP, UDP, ICMP and DHCP. One object
 * is filled again and again, so that looking at a frame makes none. What the layers of the frame do not have keeps no
 * meaning; {@link network} and {@link transport} tell which they are.
 *
 * Positions are in {@link buffer}, which is whoever called {@link read}'s.
 */
export class Frame {
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  /** MAC addresses, the first 16 and the last 32 bits. The source is the bridge's in a spanning tree message. */
  destination0 = 0;
  destination1 = 0;
  source0 = 0;
  source1 = 0;
  /** To a group address, broadcast among them. */
  isMulticast = false;
  /** No station can have sent it: the source is nobody, everybody or the destination. */
  hasInvalidSource = false;
  /** As in the Ethernet header, where a tag may stand. */
  outerType = 0;
  /** Behind a tag. */
  etherType = 0;
  /** 0 without a tag. */
  vlan = 0;

  network: NetworkLayer = "other";
  networkAt = 0;
  /** ARP between Ethernet and IPv4, the only kind that is looked into. */
  isArpOfIpv4 = false;
  arpOperation = 0;
  /** Sender: the IP header's, or the one that an ARP message tells. Four words; IPv4 as `::ffff:a.b.c.d`. */
  sourceIp0 = 0;
  sourceIp1 = 0;
  sourceIp2 = 0;
  sourceIp3 = 0;
  destinationIp0 = 0;
  destinationIp1 = 0;
  destinationIp2 = 0;
  destinationIp3 = 0;
  /** IP protocol number; of IPv6 behind the extension headers. */
  protocol = 0;

  transport: TransportLayer = "other";
  transportAt = 0;
  /** Behind the IP packet, or the frame where that is shorter. */
  packetEnd = 0;
  sourcePort = 0;
  destinationPort = 0;
  tcpFlags = 0;
  /** Behind the TCP or UDP header. */
  payloadAt = 0;
  icmpType = 0;

  /** DHCP for IPv4, with a whole header. */
  isDhcp = false;
  /** 1 request, 2 reply. */
  dhcpOperation = 0;
  /** Option 53; 0 where it is not. */
  dhcpMessageType = 0;
  /** UDP to a port of DHCP for IPv6. */
  isDhcpv6 = false;

  /**
   * Looks at the frame of `buffer` from `start` to `end`.
   *
   * @returns false when the frame ends before the header that it should have
   */
  read(buffer: Buffer, start: number, end: number): boolean {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    if (end - start < ethernetHeaderBytes) return false;
    this.destination0 = read16(buffer, start);
    this.destination1 = read32(buffer, start + 2);
    this.source0 = read16(buffer, start + 6);
    this.source1 = read32(buffer, start + 8);
    this.isMulticast = (this.destination0 & 0x100) !== 0;
    this.hasInvalidSource =
      (this.source0 === 0 && this.source1 === 0) ||
      (this.source0 === 0xffff && this.source1 === -1) ||
      (this.source0 === this.destination0 && this.source1 === this.destination1);
    this.network = "other";
    this.transport = "other";
    this.isArpOfIpv4 = false;
    this.isDhcp = false;
    this.isDhcpv6 = false;
    this.vlan = 0;
    this.outerType = this.etherType = read16(buffer, start + 12);
    this.networkAt = start + ethernetHeaderBytes;
    if (this.etherType <= mostLength) {
      this.#readIeee8023();
      return true;
    }
    if (this.etherType === vlanTagType) {
      if (end - this.networkAt < vlanTagBytes) return false;
      this.vlan = read16(buffer, this.networkAt) & 0xfff;
      this.etherType = read16(buffer, this.networkAt + 2);
      this.networkAt += vlanTagBytes;
    }
    if (this.etherType === etherTypes.ipv4) return this.#readIpv4();
    if (this.etherType === etherTypes.ipv6) return this.#readIpv6();
    if (this.etherType === etherTypes.arp) return this.#readArp();
    return true;
  }

  #readIeee8023(): void {
    const { buffer, networkAt: at } = this;
    if (this.end - at < bpduBytes || this.end - at < this.etherType) return;
    if (buffer[at] !== bpduServiceAccessPoint || buffer[at + 1] !== bpduServiceAccessPoint) return;
    this.network = "bpdu";
    this.source0 = read16(buffer, at + bpduBridgeMacAt);
    this.source1 = read32(buffer, at + bpduBridgeMacAt + 2);
  }

  #readArp(): boolean {
    const { buffer, networkAt: at } = this;
    if (this.end - at < arpBytes) return false;
    this.network = "arp";
    this.arpOperation = read16(buffer, at + 6);
    this.isArpOfIpv4 = read32(buffer, at) === 0x0001_0800 && read16(buffer, at + 4) === 0x0604;
    this.#setIpv4(read32(buffer, at + 14), read32(buffer, at + 24));
    return true;
  }

  #readIpv4(): boolean {
    const { buffer, networkAt: at, end } = this;
    if (end - at < ipv4HeaderBytes) return false;
    const headerBytes = ((buffer[at] as number) & 0xf) * 4;
    if (headerBytes < ipv4HeaderBytes || end - at < headerBytes) return true;
    this.network = "ipv4";
    this.protocol = buffer[at + 9] as number;
    this.#setIpv4(read32(buffer, at + 12), read32(buffer, at + 16));
    this.transportAt = at + headerBytes;
    this.packetEnd = Math.min(end, at + Math.max(read16(buffer, at + 2), headerBytes));
    if ((read16(buffer, at + 6) & 0x1fff) !== 0) {
      this.transport = "fragment";
      return true;
    }
    if (this.protocol === 6) return this.#readTcp();
    if (this.protocol === 17) return this.#readUdp();
    return this.protocol === 1 ? this.#readIcmp("icmp") : true;
  }

  #readIpv6(): boolean {
    const { buffer, networkAt: at, end } = this;
    if (end - at < ipv6HeaderBytes || (buffer[at] as number) >> 4 !== 6) return false;
    this.network = "ipv6";
    this.sourceIp0 = read32(buffer, at + 8);
    this.sourceIp1 = read32(buffer, at + 12);
    this.sourceIp2 = read32(buffer, at + 16);
    this.sourceIp3 = read32(buffer, at + 20);
    this.destinationIp0 = read32(buffer, at + 24);
    this.destinationIp1 = read32(buffer, at + 28);
    this.destinationIp2 = read32(buffer, at + 32);
    this.destinationIp3 = read32(buffer, at + 36);
    this.packetEnd = Math.min(end, at + ipv6HeaderBytes + read16(buffer, at + 4));
    if (!this.#skipExtensionHeaders()) return false;
    if (this.transport === "fragment") return true;
    if (this.protocol === 6) return this.#readTcp();
    if (this.protocol === 17) return this.#readUdp();
    return this.protocol === 58 ? this.#readIcmp("icmpv6") : true;
  }

  /** Goes over hop-by-hop, routing, destination options and fragment headers. */
  #skipExtensionHeaders(): boolean {
    const { buffer, end } = this;
    let protocol = buffer[this.networkAt + 6] as number;
    let at = this.networkAt + ipv6HeaderBytes;
    while (protocol === 0 || protocol === 43 || protocol === 60 || protocol === 44) {
      if (end - at < 8) return false;
      if (protocol === 44 && (read16(buffer, at + 2) & 0xfff8) !== 0) this.transport = "fragment";
      const bytes = protocol === 44 ? 8 : ((buffer[at + 1] as number) + 1) * 8;
      if (end - at < bytes) return false;
      protocol = buffer[at] as number;
      at += bytes;
      // What follows in a later fragment is in the middle of something.
      if (this.transport === "fragment") break;
    }
    this.protocol = protocol;
    this.transportAt = at;
    return true;
  }

  #readTcp(): boolean {
    const { buffer, transportAt: at, packetEnd: end } = this;
    if (end - at < tcpHeaderBytes) return false;
    const headerBytes = ((buffer[at + 12] as number) >> 4) * 4;
    if (headerBytes < tcpHeaderBytes || end - at < headerBytes) return true;
    this.transport = "tcp";
    this.sourcePort = read16(buffer, at);
    this.destinationPort = read16(buffer, at + 2);
    this.tcpFlags = (buffer[at + 13] as number) & 0x3f;
    this.payloadAt = at + headerBytes;
    return true;
  }

  #readUdp(): boolean {
    const { buffer, transportAt: at, packetEnd: end } = this;
    if (end - at < udpHeaderBytes) return false;
    this.transport = "udp";
    this.sourcePort = read16(buffer, at);
    this.destinationPort = read16(buffer, at + 2);
    this.payloadAt = at + udpHeaderBytes;
    const { sourcePort, destinationPort } = this;
    if (this.network === "ipv6") this.isDhcpv6 = destinationPort === 546 || destinationPort === 547;
    else if ((sourcePort === 67 && destinationPort === 68) || (sourcePort === 68 && destinationPort === 67)) {
      this.#readDhcp();
    }
    return true;
  }

  #readDhcp(): void {
    const { buffer, payloadAt: at, packetEnd: end } = this;
    if (end - at < dhcpHeaderBytes) return;
    this.isDhcp = true;
    this.dhcpOperation = buffer[at] as number;
    this.dhcpMessageType = findDhcpMessageType(buffer, at + dhcpHeaderBytes, end);
  }

  #readIcmp(transport: "icmp" | "icmpv6"): boolean {
    const { buffer, transportAt: at, packetEnd: end } = this;
    if (end - at < icmpHeaderBytes) return transport === "icmpv6";
    this.transport = transport;
    this.icmpType = buffer[at] as number;
    return true;
  }

  #setIpv4(source: number, destination: number): void {
    this.sourceIp0 = this.sourceIp1 = this.destinationIp0 = this.destinationIp1 = 0;
    this.sourceIp2 = this.destinationIp2 = mappedIpv4Word;
    this.sourceIp3 = source;
    this.destinationIp3 = destination;
  }
}

/** Big-endian; the caller has checked that the bytes are there. */
export function read16(buffer: Uint8Array, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
}

/** Big-endian, as a signed number; the caller has checked that the bytes are there. */
export function read32(buffer: Uint8Array, at: number): number {
  return (
    ((buffer[at] as number) << 24) |
    ((buffer[at + 1] as number) << 16) |
    ((buffer[at + 2] as number) << 8) |
    (buffer[at + 3] as number)
  );
}
