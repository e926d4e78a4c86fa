import { ethernetHeaderBytes, etherTypes, mappedIpv4Word, read16, read32 } from "../ethernet/frame.ts";
import type { HubState } from "./hub-state.ts";
import { isLocalIpv6, isPrivateIpv4 } from "./ip-table.ts";
import { destinations, type PortState } from "./port-state.ts";

const tcp = 6;
const udp = 17;
/** FIN, SYN and RST. */
const connectionFlags = 7;
const dnsPort = 53;
const dhcpPorts = { first: 67, last: 68 } as const;
const dhcpv6Ports = { first: 546, last: 547 } as const;

const { unclear } = destinations;

/**
 * The short way through a hub, for what nearly all frames are: unicast between stations that both are known, of TCP or UDP in the
 * middle of a connection, from a known IP address. Nothing is learnt from such a frame, nothing is logged about it, and no policy
 * stops it. It costs some comparisons and makes no object.
 */
export class KnownStations {
  readonly #hub: HubState;

  constructor(hub: HubState) {
    this.#hub = hub;
  }

  /** The port that the frame of `buffer` from `at` to `end` goes to, or {@link destinations.unclear}. */
  route(source: PortState, buffer: Buffer, at: number, end: number, now: number): PortState {
    if (end - at < ethernetHeaderBytes || ((buffer[at] as number) & 1) !== 0) return unclear;
    const { macs } = this.#hub;
    const { generation } = macs;
    const source0 = read16(buffer, at + 6);
    const source1 = read32(buffer, at + 8);
    if (
      source.sourceGeneration !== generation ||
      source.sourceWord1 !== source1 ||
      source.sourceWord0 !== source0
    ) {
      const slot = macs.find(source0, source1, 0, 0);
      if (slot === -1 || macs.owner(slot) !== source.id) return unclear;
      source.sourceWord0 = source0;
      source.sourceWord1 = source1;
      source.sourceSlot = slot;
      source.sourceGeneration = generation;
    }
    const destination0 = read16(buffer, at);
    const destination1 = read32(buffer, at + 2);
    if (
      source.destinationGeneration !== generation ||
      source.destinationWord1 !== destination1 ||
      source.destinationWord0 !== destination0
    ) {
      const slot = macs.find(destination0, destination1, 0, 0);
      if (slot === -1) return unclear;
      const owner = this.#hub.owner(macs.owner(slot));
      if (owner === source || owner.inspectsReceived) return unclear;
      source.destinationWord0 = destination0;
      source.destinationWord1 = destination1;
      source.destination = owner;
      source.destinationGeneration = generation;
    }
    const type = read16(buffer, at + 12);
    if (type === etherTypes.ipv4) {
      if (!isPlainIpv4(buffer, at, end) || !this.#isKnownIpv4(source, read32(buffer, at + 26), now))
        return unclear;
    } else if (
      type !== etherTypes.ipv6 ||
      !isPlainIpv6(buffer, at, end) ||
      !this.#isKnownIpv6(source, buffer, at + 22, now)
    ) {
      return unclear;
    }
    macs.refresh(source.sourceSlot, now);
    return source.destination;
  }

  #isKnownIpv4(source: PortState, address: number, now: number): boolean {
    const table = this.#hub.ips.ipv4;
    if (source.ipv4 === address && source.ipv4Generation === table.generation) {
      table.refresh(source.ipv4Slot, now);
      return true;
    }
    const { options } = this.#hub.settings;
    if (options.NoIpTable) return true;
    if (options.ManageOnlyPrivateIP && !isPrivateIpv4(address)) return !source.checksIpv4;
    const slot = table.find(0, 0, mappedIpv4Word, address);
    if (slot === -1 || table.owner(slot) !== source.id) return false;
    table.refresh(slot, now);
    source.ipv4 = address;
    source.ipv4Slot = slot;
    source.ipv4Generation = table.generation;
    return true;
  }

  #isKnownIpv6(source: PortState, buffer: Buffer, at: number, now: number): boolean {
    const table = this.#hub.ips.ipv6;
    const word0 = read32(buffer, at);
    const word1 = read32(buffer, at + 4);
    const word2 = read32(buffer, at + 8);
    const word3 = read32(buffer, at + 12);
    if (
      source.ipv6Word3 === word3 &&
      source.ipv6Word2 === word2 &&
      source.ipv6Word1 === word1 &&
      source.ipv6Word0 === word0 &&
      source.ipv6Generation === table.generation
    ) {
      table.refresh(source.ipv6Slot, now);
      return true;
    }
    const { options } = this.#hub.settings;
    if (options.NoIpTable) return true;
    if (options.ManageOnlyLocalUnicastIPv6 && !isLocalIpv6(word0)) return !source.checksIpv6;
    const slot = table.find(word0, word1, word2, word3);
    if (slot === -1 || table.owner(slot) !== source.id) return false;
    table.refresh(slot, now);
    source.ipv6Word0 = word0;
    source.ipv6Word1 = word1;
    source.ipv6Word2 = word2;
    source.ipv6Word3 = word3;
    source.ipv6Slot = slot;
    source.ipv6Generation = table.generation;
    return true;
  }
}

/** IPv4 without options and not a later fragment, TCP that neither begins nor ends a connection, or UDP but DHCP and DNS. */
function isPlainIpv4(buffer: Buffer, at: number, end: number): boolean {
  if (end - at < 42 || buffer[at + 14] !== 0x45 || (read16(buffer, at + 20) & 0x1fff) !== 0) return false;
  const protocol = buffer[at + 23];
  if (protocol === tcp) return isPlainTcp(buffer, at + 34, end);
  return protocol === udp && isPlainUdp(buffer, at + 34, dhcpPorts);
}

/** The same of IPv6 without extension headers. */
function isPlainIpv6(buffer: Buffer, at: number, end: number): boolean {
  if (end - at < 62 || (buffer[at + 14] as number) >> 4 !== 6) return false;
  const protocol = buffer[at + 20];
  if (protocol === tcp) return isPlainTcp(buffer, at + 54, end);
  return protocol === udp && isPlainUdp(buffer, at + 54, dhcpv6Ports);
}

function isPlainTcp(buffer: Buffer, at: number, end: number): boolean {
  return end - at >= 20 && ((buffer[at + 13] as number) & connectionFlags) === 0;
}

function isPlainUdp(
  buffer: Buffer,
  at: number,
  dhcp: { readonly first: number; readonly last: number },
): boolean {
  const source = read16(buffer, at);
  const destination = read16(buffer, at + 2);
  return (
    destination !== dnsPort &&
    (destination < dhcp.first || destination > dhcp.last) &&
    (source < dhcp.first || source > dhcp.last)
  );
}
