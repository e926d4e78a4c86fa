import type { Frame } from "../ethernet/frame.ts";
import { formatIpv4, formatMac } from "../ethernet/word-address.ts";
import { describePacket } from "./packet-description.ts";
import type { DropReason } from "./port-counters.ts";
import type { PortState } from "./port-state.ts";

/** What is told about a dropped frame, for the reasons that an administrator waits for. */
const messages: Partial<Record<DropReason, (frame: Frame, source: PortState) => string>> = {
  noServer: (frame) => {
    const { sourceIp, sourcePort, destinationIp, destinationPort } = describePacket(frame);
    return `the policy forbids to act as a server; dropped the answer from ${sourceIp} port ${sourcePort} to the connection of ${destinationIp} port ${destinationPort}.`;
  },
  noDhcpServer: (frame) =>
    `the policy forbids to act as a DHCP server; dropped the answer from ${describeIp(frame)} to ${describePacket(frame).destinationIp}.`,
  bridgeLimit: (frame, { macLimit }) =>
    `the policy forbids to bridge; dropped a frame from ${describeMac(frame)}, one more than the ${macLimit} allowed.`,
  macLimit: (frame, { macLimit }) =>
    `dropped a frame from ${describeMac(frame)}, one more than the ${macLimit} that the policy allows.`,
  routingLimit: (frame, source) =>
    `the policy forbids to route; dropped a packet from ${describeIp(frame)}, one more than the ${limitOf(source, frame)} allowed.`,
  ipLimit: (frame, source) =>
    `dropped a packet from ${describeIp(frame)}, one more than the ${limitOf(source, frame)} that the policy allows.`,
  ipConflict: (frame) => `dropped a packet from ${describeIp(frame)}, which another session uses.`,
  dhcpForce: (frame) =>
    `dropped a packet from ${describeIp(frame)}, which no DHCP server assigned (policy DHCPForce).`,
  storm: (frame) =>
    `too many broadcasts from ${describeMac(frame)}, ${describeIp(frame)}; most of them are dropped.`,
};

/** The line of the security log about a frame that goes no further; undefined for a reason that is not logged. */
export function dropMessage(reason: DropReason, source: PortState, frame: Frame): string | undefined {
  const text = messages[reason]?.(frame, source);
  return text === undefined ? undefined : `Session "${source.port.name}": ${text}`;
}

function describeMac({ source0, source1 }: Frame): string {
  return `MAC address ${formatMac(source0, source1)}`;
}

function describeIp(frame: Frame): string {
  const ip = frame.isArpOfIpv4 ? formatIpv4(frame.sourceIp3) : describePacket(frame).sourceIp;
  return ip === undefined ? "no IP address" : `IP address ${ip}`;
}

function limitOf({ ipv4Limit, ipv6Limit }: PortState, frame: Frame): number {
  return frame.network === "ipv6" ? ipv6Limit : ipv4Limit;
}
