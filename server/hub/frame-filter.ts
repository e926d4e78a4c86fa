import { etherTypes, icmpv6Types, tcpFlags, type Frame } from "../ethernet/frame.ts";
import type { HubOptions } from "../settings/hub-settings.ts";
import type { DropReason } from "./port-counters.ts";
import type { PortState } from "./port-state.ts";

const dhcpReply = 2;
const dhcpv6ClientPort = 546;
const dhcpv6ServerPort = 547;
const ospf = 89;
const pppoeTypes = [0x8863, 0x8864] as const;

/** Why the policy of the port that a frame comes from stops it (`Cedar/Hub.c` StorePacketFilterByPolicy). */
export function findSenderDrop(frame: Frame, { policy }: PortState): DropReason | undefined {
  const { network, transport } = frame;
  if (transport === "tcp" && (network === "ipv4" ? policy.NoServer : policy.NoServerV6)) {
    const { syn, ack } = tcpFlags;
    if ((frame.tcpFlags & (syn | ack)) === (syn | ack)) return "noServer";
  }
  if (policy.ArpDhcpOnly && isOtherBroadcast(frame)) return "policy";
  if (policy.FilterIPv4 && isIpv4Type(frame.etherType)) return "policy";
  if (policy.FilterIPv6 && frame.etherType === etherTypes.ipv6) return "policy";
  if (policy.FilterNonIP && !isIpType(frame.etherType)) return "policy";
  if (frame.isDhcp) {
    if (policy.DHCPFilter) return "policy";
    if (policy.DHCPNoServer && frame.dhcpOperation === dhcpReply) return "noDhcpServer";
  }
  if (network === "ipv6" && transport === "udp") {
    if (policy.DHCPv6Filter && frame.isDhcpv6) return "policy";
    if (
      policy.DHCPv6NoServer &&
      (frame.destinationPort === dhcpv6ClientPort || frame.sourcePort === dhcpv6ServerPort)
    )
      return "noDhcpServer";
  }
  if (policy.RSandRAFilter && isRouterMessage(frame)) return "policy";
  if (policy.RAFilter && isRouterAdvertisement(frame)) return "policy";
  return undefined;
}

/** Why an option of the hub stops a frame (`Cedar/Hub.c` ApplyAccessListToStoredPacket). */
export function findHubDrop(frame: Frame, options: HubOptions): DropReason | undefined {
  const { etherType } = frame;
  if (options.FilterPPPoE && pppoeTypes.some((type) => type === etherType)) return "hubFilter";
  if (options.FilterOSPF && frame.network === "ipv4" && frame.protocol === ospf) return "hubFilter";
  if (options.FilterIPv4 && isIpv4Type(etherType)) return "hubFilter";
  if (options.FilterIPv6 && etherType === etherTypes.ipv6) return "hubFilter";
  if (options.FilterNonIP && !isIpType(etherType)) return "hubFilter";
  if (options.FilterBPDU && frame.network === "bpdu") return "hubFilter";
  return undefined;
}

/** Whether one of the options of {@link findHubDrop} is on that may stop a frame between known stations. */
export function hasHubFilter(options: HubOptions): boolean {
  const { FilterPPPoE, FilterOSPF, FilterIPv4, FilterIPv6, FilterNonIP, FilterBPDU } = options;
  return FilterPPPoE || FilterOSPF || FilterIPv4 || FilterIPv6 || FilterNonIP || FilterBPDU;
}

/** Why the policy of the port that a frame is for keeps it away (`Cedar/Hub.c`, StorePacket). */
export function findReceiverDrop(
  frame: Frame,
  source: PortState,
  receiver: PortState,
  options: HubOptions,
): DropReason | undefined {
  const { policy } = receiver;
  if (receiver.vlan !== 0 && frame.vlan !== receiver.vlan) return "vlan";
  if (leadsAway(frame, source, receiver)) return "receiverPolicy";
  if (policy.RSandRAFilter && isRouterMessage(frame)) return "receiverPolicy";
  if (policy.DHCPFilter && frame.isDhcp) return "receiverPolicy";
  if (policy.DHCPv6Filter && frame.isDhcpv6) return "receiverPolicy";
  if (policy.ArpDhcpOnly && isOtherBroadcast(frame)) return "receiverPolicy";
  if (policy.FilterIPv4 && isIpv4Type(frame.etherType)) return "receiverPolicy";
  if (policy.FilterIPv6 && frame.etherType === etherTypes.ipv6) return "receiverPolicy";
  if (policy.FilterNonIP && !isIpType(frame.etherType)) return "receiverPolicy";
  if (
    policy.PrivacyFilter &&
    source.policy.PrivacyFilter &&
    (options.DropBroadcastsInPrivacyFilterMode || !frame.isMulticast) &&
    (options.DropArpInPrivacyFilterMode || frame.network !== "arp")
  )
    return "privacyFilter";
  return undefined;
}

/**
 * Whether a frame would make the virtual host the router, or name server, of IPv6 for a segment that the hub is bridged to, or for the
 * server's own host. They have their own, and what the host sends for clients would come back to it.
 */
function leadsAway(frame: Frame, source: PortState, receiver: PortState): boolean {
  return receiver.port.kind === "local-bridge" && configuresClients(frame, source);
}

/** Whether the virtual host tells stations by a frame how they are to use IPv6. */
export function configuresClients(frame: Frame, source: PortState): boolean {
  return source.port.kind === "secure-nat" && (isRouterAdvertisement(frame) || frame.isDhcpv6);
}

/** A broadcast or multicast that is not needed to find a station or to get an address. */
function isOtherBroadcast(frame: Frame): boolean {
  return (
    frame.isMulticast &&
    frame.network !== "arp" &&
    !frame.isDhcp &&
    !frame.isDhcpv6 &&
    frame.transport !== "icmpv6"
  );
}

function isRouterMessage(frame: Frame): boolean {
  return (
    isRouterAdvertisement(frame) ||
    (frame.transport === "icmpv6" && frame.icmpType === icmpv6Types.routerSolicitation)
  );
}

function isRouterAdvertisement(frame: Frame): boolean {
  return frame.transport === "icmpv6" && frame.icmpType === icmpv6Types.routerAdvertisement;
}

function isIpv4Type(type: number): boolean {
  return type === etherTypes.ipv4 || type === etherTypes.arp;
}

function isIpType(type: number): boolean {
  return isIpv4Type(type) || type === etherTypes.ipv6;
}
