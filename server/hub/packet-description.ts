import { icmpv6Types, read16, tcpFlags, type Frame } from "../ethernet/frame.ts";
import { findDnsQueryName, mayBeDnsQuery } from "../ethernet/frame-dns.ts";
import { formatAddress } from "../ethernet/ip-address.ts";

/** What the packet log tells of a packet. */
export interface PacketDescription {
  readonly kind?: string;
  readonly detail?: string | undefined;
  readonly sourceIp?: string;
  readonly sourcePort?: string;
  readonly destinationIp?: string;
  readonly destinationPort?: string;
  readonly sequence?: string;
  readonly acknowledgement?: string;
  readonly info?: string | undefined;
}

const tcpFlagNames = [
  ["FIN", tcpFlags.fin],
  ["SYN", tcpFlags.syn],
  ["RST", tcpFlags.rst],
  ["PSH", tcpFlags.psh],
  ["ACK", tcpFlags.ack],
  ["URG", tcpFlags.urg],
] as const;

/** As the official server names them, its spelling included. */
const icmpv6Names: Readonly<Record<number, string>> = {
  [icmpv6Types.echoRequest]: "Echo Request",
  [icmpv6Types.echoReply]: "Echo Reply",
  [icmpv6Types.routerSolicitation]: "Router Soliciation",
  [icmpv6Types.routerAdvertisement]: "Router Advertisement",
  [icmpv6Types.neighborSolicitation]: "Neighbor Soliciation",
  [icmpv6Types.neighborAdvertisement]: "Neighbor Advertisement",
};

/** Names the parts of a packet as the columns of the packet log have them (`Cedar/Logging.c` PacketLogParseProc). */
export function describePacket(frame: Frame): PacketDescription {
  if (frame.network === "arp") return describeArp(frame);
  if (frame.network === "ipv4" || frame.network === "ipv6") {
    const isIpv4 = frame.network === "ipv4";
    const [at, bytes] = isIpv4 ? [12, 4] : [8, 16];
    return {
      ...describeTransport(frame, isIpv4 ? "v4" : "v6"),
      sourceIp: address(frame, frame.networkAt + at, bytes),
      destinationIp: address(frame, frame.networkAt + at + bytes, bytes),
    };
  }
  return frame.network === "bpdu" ? {} : { kind: `Proto=0x${hexNumber(frame.outerType, 4)}` };
}

function describeArp(frame: Frame): PacketDescription {
  const { networkAt: at, arpOperation } = frame;
  const detail = arpOperation === 1 ? "Request" : arpOperation === 2 ? "Response" : undefined;
  if (detail === undefined || !frame.isArpOfIpv4) return { kind: "ARPv4", detail };
  const mac = frame.buffer.toString("hex", at + 8, at + 14).toUpperCase();
  const ip = address(frame, at + 14, 4);
  return {
    kind: "ARPv4",
    detail,
    info:
      arpOperation === 1
        ? `Who has ${address(frame, at + 24, 4)}? Please Tell ${mac}(${ip})`
        : `${mac} has ${ip}`,
  };
}

function describeTransport(frame: Frame, version: "v4" | "v6"): PacketDescription {
  switch (frame.transport) {
    case "tcp":
      return describeTcp(frame, version);
    case "udp":
      return describeUdp(frame, version);
    case "icmp":
      return {
        kind: "ICMPv4",
        detail: frame.icmpType === 8 ? "Echo Request" : frame.icmpType === 0 ? "Echo Reply" : undefined,
      };
    case "icmpv6":
      return describeIcmpv6(frame);
    case "fragment":
      return { kind: `IP${version}_Fragment(0x${hexNumber(frame.protocol, 2)})` };
    case "other":
      return { kind: `IP${version}(0x${hexNumber(frame.protocol, 2)})` };
  }
}

function describeTcp(frame: Frame, version: "v4" | "v6"): PacketDescription {
  const { buffer, transportAt: at } = frame;
  const isConnection = (frame.tcpFlags & (tcpFlags.syn | tcpFlags.fin | tcpFlags.rst)) !== 0;
  return {
    kind: `${isConnection ? "TCP_CONNECT" : "TCP_DATA"}${version}`,
    detail: tcpFlagNames
      .filter(([, flag]) => (frame.tcpFlags & flag) !== 0)
      .map(([name]) => name)
      .join("+"),
    sourcePort: String(frame.sourcePort),
    destinationPort: String(frame.destinationPort),
    sequence: String(buffer.readUInt32BE(at + 4)),
    acknowledgement: String(buffer.readUInt32BE(at + 8)),
    info: `WindowSize=${read16(buffer, at + 14)}`,
  };
}

function describeUdp(frame: Frame, version: "v4" | "v6"): PacketDescription {
  const ports = { sourcePort: String(frame.sourcePort), destinationPort: String(frame.destinationPort) };
  if (frame.isDhcp) return { ...ports, ...describeDhcp(frame) };
  const name = mayBeDnsQuery(frame) ? findDnsQueryName(frame) : undefined;
  if (name !== undefined) return { ...ports, kind: `DNS${version}`, detail: "DNS_Query", info: name };
  return { ...ports, kind: `UDP${version}` };
}

function describeDhcp(frame: Frame): PacketDescription {
  const { buffer, payloadAt: at } = frame;
  const ip = (offset: number) => address(frame, at + offset, 4);
  return {
    kind: "DHCPv4",
    detail: frame.dhcpOperation === 1 ? "Request" : "Response",
    info:
      `TransactionId=${buffer.readUInt32BE(at + 4)} ClientIP=${ip(12)} YourIP=${ip(16)} ` +
      `ServerIP=${ip(20)} RelayIP=${ip(24)}`,
  };
}

function describeIcmpv6(frame: Frame): PacketDescription {
  const { buffer, transportAt: at, packetEnd, icmpType } = frame;
  const detail = icmpv6Names[icmpType] ?? `Type=${icmpType}`;
  const bytes = packetEnd - at;
  let info: string | undefined;
  if ((icmpType === icmpv6Types.echoRequest || icmpType === icmpv6Types.echoReply) && bytes >= 8)
    info = `EchoDataSize=${bytes - 8}`;
  else if (icmpType === icmpv6Types.routerAdvertisement && bytes >= 16)
    info = `CurHopLimit=${buffer[at + 4]} Flags=0x${hexNumber(buffer[at + 5] as number, 2)} Lifetime=${read16(buffer, at + 6)}`;
  else if (icmpType === icmpv6Types.neighborSolicitation && bytes >= 24)
    info = `TargetAddress=${address(frame, at + 8, 16)}`;
  else if (icmpType === icmpv6Types.neighborAdvertisement && bytes >= 24)
    info = `TargetAddress=${address(frame, at + 8, 16)} Flags=0x${hexNumber(buffer[at + 4] as number, 2)}`;
  return { kind: "ICMPv6", detail, info };
}

function address({ buffer }: Frame, at: number, bytes: number): string {
  return formatAddress(buffer.subarray(at, at + bytes));
}

function hexNumber(number: number, digits: number): string {
  return number.toString(16).toUpperCase().padStart(digits, "0");
}
