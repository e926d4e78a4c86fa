import { tcpFlags, type Frame } from "../ethernet/frame.ts";
import { findDnsQueryName, mayBeDnsQuery } from "../ethernet/frame-dns.ts";
import type { HubPort } from "./hub-port.ts";
import type { HubLogSettings, HubOptions, PacketLogLevel } from "../settings/hub-settings.ts";
import { describePacket } from "./packet-description.ts";

/** How much of a frame is to be logged (`Cedar/Logging.c` CalcPacketLoggingLevelEx and PacketLog). */
export function packetLogLevel(
  frame: Frame,
  { savePacketLog, packetLog: levels }: HubLogSettings,
  options: HubOptions,
): PacketLogLevel {
  if (!savePacketLog) return 0;
  if (frame.network === "arp") return options.NoIPv4PacketLog ? 0 : higher(levels.ethernet, levels.arp);
  if (
    frame.network === "ipv4" ? options.NoIPv4PacketLog : frame.network === "ipv6" && options.NoIPv6PacketLog
  )
    return 0;
  if (frame.network !== "ipv4" && frame.network !== "ipv6") return levels.ethernet;
  const ip = higher(levels.ethernet, levels.ip);
  if (frame.transport === "tcp") {
    const level = higher(ip, levels.tcp);
    return opensOrCloses(frame) ? higher(level, levels.tcpConnection) : level;
  }
  if (frame.transport === "udp") {
    const level = higher(ip, levels.udp);
    if (frame.isDhcp) return higher(level, levels.dhcp);
    return mayBeDnsQuery(frame) && findDnsQueryName(frame) !== undefined
      ? higher(level, levels.tcpConnection)
      : level;
  }
  return frame.transport === "icmp" || frame.transport === "icmpv6" ? higher(ip, levels.icmp) : ip;
}

/** Whether frames are logged that only a look at each of them finds. */
export function logsAnyFrame({ savePacketLog, packetLog }: HubLogSettings): boolean {
  const { ethernet, ip, tcp, udp } = packetLog;
  return savePacketLog && Math.max(ethernet, ip, tcp, udp) > 0;
}

/**
 * A line of the packet log, without date and time (`Cedar/Logging.c` PacketLogParseProc): sessions, MAC addresses, type, size, kind,
 * detail, addresses and ports, sequence and acknowledgement number, more about it, the frame in hexadecimal, and the physical
 * addresses of the sessions. What is missing is `-`; no field holds a comma or a line end.
 *
 * @param destination undefined when the frame goes to several ports
 */
export function packetLogLine(
  frame: Frame,
  source: HubPort,
  destination: HubPort | undefined,
  level: PacketLogLevel,
): string {
  const { buffer, start, end } = frame;
  const {
    kind,
    detail,
    sourceIp,
    sourcePort,
    destinationIp,
    destinationPort,
    sequence,
    acknowledgement,
    info,
  } = describePacket(frame);
  return [
    source.name,
    destination?.name,
    hex(buffer, start + 6, start + 12),
    hex(buffer, start, start + 6),
    `0x${frame.outerType.toString(16).toUpperCase().padStart(4, "0")}`,
    String(end - start),
    kind,
    detail,
    sourceIp,
    sourcePort,
    destinationIp,
    destinationPort,
    sequence,
    acknowledgement,
    info,
    level === 2 ? hex(buffer, start, end) : undefined,
    source.kind === "session" ? source.peerAddress : undefined,
    destination?.kind === "session" ? destination.peerAddress : undefined,
  ]
    .map(formatField)
    .join(",");
}

/** Whether a TCP connection begins or ends with a frame. */
function opensOrCloses(frame: Frame): boolean {
  return (frame.tcpFlags & (tcpFlags.syn | tcpFlags.fin | tcpFlags.rst)) !== 0;
}

function higher(one: PacketLogLevel, other: PacketLogLevel): PacketLogLevel {
  return one > other ? one : other;
}

function formatField(text: string | undefined): string {
  if (text === undefined || text === "") return "-";
  // eslint-disable-next-line no-control-regex
  return text.replace(/,/g, "_").replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, "?");
}

function hex(buffer: Buffer, start: number, end: number): string {
  return buffer.toString("hex", start, end).toUpperCase();
}
