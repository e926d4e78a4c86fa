import { frameChecksum } from "../ethernet/frame-checksum.ts";
import { icmpv6Types, type Frame } from "../ethernet/frame.ts";
import { isInIpv6Network, parseIpv6Network } from "../ethernet/ip-network.ts";
import { ipv6At, parseIpAddress, writeIpv6, type Ipv6Address } from "../ethernet/packed-address.ts";
import { ipProtocols, type Station } from "./packet-writer.ts";

/** Of a message of Neighbor Discovery: whoever gets another one knows that it came over a router (RFC 4861, section 6.1). */
export const onLinkHopLimit = 255;
/** All stations of a link. */
export const allNodes = addressOf("ff02::1");
export const unspecified = addressOf("::");
const multicast = networkOf("ff00::/8");
const linkLocal = networkOf("fe80::/10");
/** Multicast addresses of who might have an address (RFC 4291, section 2.7.1). */
const solicitedNodes = networkOf("ff02::1:ff00:0/104");

/** Kinds of options (RFC 4861, section 4.6; RFC 8106). */
export const neighborOptions = {
  sourceLinkLayer: 1,
  targetLinkLayer: 2,
  prefix: 3,
  mtu: 5,
  nameServers: 25,
  searchDomains: 31,
} as const;
/** Lengths of options are told in so many bytes. */
export const optionUnit = 8;
const solicitationBytes = { router: 8, neighbor: 24 } as const;
const advertisementBytes = 24;
const targetAt = 8;
/** Bits of a neighbor advertisement: it is a router, it was asked, what it says replaces what was known. */
const advertisementFlags = { router: 0x80, solicited: 0x40, override: 0x20 } as const;

export function isMulticast(address: Ipv6Address): boolean {
  return isInIpv6Network(address, multicast);
}

export function isLinkLocal(address: Ipv6Address): boolean {
  return isInIpv6Network(address, linkLocal);
}

/** Who asks for whom. */
export interface NeighborSolicitation {
  readonly target: Ipv6Address;
  /** The sender has no address yet, and sees whether somebody has the one that it would like. */
  readonly isProbe: boolean;
}

/** The neighbor solicitation of an ICMPv6 frame; undefined for one that is not valid (RFC 4861, section 7.1.1). */
export function readNeighborSolicitation(frame: Frame): NeighborSolicitation | undefined {
  const { buffer, networkAt, transportAt } = frame;
  if (!isValid(frame, icmpv6Types.neighborSolicitation, solicitationBytes.neighbor)) return undefined;
  const target = ipv6At(buffer, transportAt + targetAt);
  const isProbe = ipv6At(buffer, networkAt + 8) === unspecified;
  const destination = ipv6At(buffer, networkAt + 24);
  if (isMulticast(target)) return undefined;
  const optionsAt = transportAt + solicitationBytes.neighbor;
  if (isProbe && (!isInIpv6Network(destination, solicitedNodes) || tellsSource(frame, optionsAt)))
    return undefined;
  return { target, isProbe };
}

/** Whether an ICMPv6 frame is a valid router solicitation (RFC 4861, section 6.1.1). */
export function isRouterSolicitation(frame: Frame): boolean {
  if (!isValid(frame, icmpv6Types.routerSolicitation, solicitationBytes.router)) return false;
  const isUnspecified = ipv6At(frame.buffer, frame.networkAt + 8) === unspecified;
  return !isUnspecified || !tellsSource(frame, frame.transportAt + solicitationBytes.router);
}

/**
 * Writes the neighbor advertisement of a router at `at`, without its checksum.
 *
 * @param station whose address is told
 * @param isAnswer it goes to who asked, and not to all
 * @returns where it ends
 */
export function writeNeighborAdvertisement(
  buffer: Buffer,
  at: number,
  station: Station<Ipv6Address>,
  isAnswer: boolean,
): number {
  const { router, solicited, override } = advertisementFlags;
  const end = at + advertisementBytes + optionUnit;
  buffer.fill(0, at, end);
  buffer[at] = icmpv6Types.neighborAdvertisement;
  buffer[at + 4] = router | override | (isAnswer ? solicited : 0);
  writeIpv6(buffer, at + targetAt, station.address);
  writeLinkLayerOption(buffer, at + advertisementBytes, neighborOptions.targetLinkLayer, station);
  return end;
}

/** @returns where the option ends */
export function writeLinkLayerOption(
  buffer: Buffer,
  at: number,
  kind: number,
  { mac0, mac1 }: Omit<Station, "address">,
): number {
  buffer[at] = kind;
  buffer[at + 1] = 1;
  buffer.writeUInt16BE(mac0, at + 2);
  buffer.writeUInt32BE(mac1 >>> 0, at + 4);
  return at + optionUnit;
}

/** What holds for all of them: from a neighbour, undamaged, whole, and with options that each have a length. */
function isValid(frame: Frame, type: number, leastBytes: number): boolean {
  const { buffer, networkAt, transportAt, packetEnd } = frame;
  if (frame.icmpType !== type || buffer[transportAt + 1] !== 0) return false;
  if (buffer[networkAt + 7] !== onLinkHopLimit || packetEnd - transportAt < leastBytes) return false;
  let at = transportAt + leastBytes;
  while (at < packetEnd) {
    const bytes = at + 1 < packetEnd ? (buffer[at + 1] as number) * optionUnit : 0;
    if (bytes === 0) return false;
    at += bytes;
  }
  return at === packetEnd && frameChecksum(frame, ipProtocols.icmpv6) === 0;
}

/** Whether an option tells the sender's MAC address. Their lengths are right. */
function tellsSource({ buffer, packetEnd }: Frame, optionsAt: number): boolean {
  for (let at = optionsAt; at < packetEnd; at += (buffer[at + 1] as number) * optionUnit) {
    if (buffer[at] === neighborOptions.sourceLinkLayer) return true;
  }
  return false;
}

function addressOf(text: string): Ipv6Address {
  const address = parseIpAddress(text);
  if (typeof address !== "string") throw new Error(`"${text}" is no IPv6 address`);
  return address;
}

function networkOf(text: string) {
  const network = parseIpv6Network(text);
  if (network === undefined) throw new Error(`"${text}" is no IPv6 network`);
  return network;
}
