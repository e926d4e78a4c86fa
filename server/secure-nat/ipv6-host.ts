import { dhcpv6Ports, readDhcpv6Message, writeDhcpv6Message } from "../dhcp/dhcpv6-message.ts";
import { answerDhcpv6, type Dhcpv6Plan } from "../dhcp/dhcpv6-server.ts";
import { frameChecksum } from "../ethernet/frame-checksum.ts";
import { icmpv6Types, type Frame } from "../ethernet/frame.ts";
import { isInIpv6Network } from "../ethernet/ip-network.ts";
import {
  destinationAddress,
  ipv6Bytes,
  parseIpAddress,
  sourceAddress,
  writeIpv6,
  type Ipv6Address,
} from "../ethernet/packed-address.ts";
import type { UniqueLocalPlan } from "../ethernet/unique-local.ts";
import { IncomingSegment } from "../tcp/segment.ts";
import { dnsPort, llmnr, type DnsProxy } from "./dns-proxy.ts";
import { Fragments } from "./fragments.ts";
import type { Icmpv6Errors, Unreachable } from "./icmpv6-errors.ts";
import {
  allNodes,
  isLinkLocal,
  isMulticast,
  onLinkHopLimit,
  readNeighborSolicitation,
  unspecified,
  writeNeighborAdvertisement,
} from "./neighbor-discovery.ts";
import {
  ipProtocols,
  ipv6HeaderBytes,
  mostPayload,
  senderOf,
  type PacketWriter,
  type Station,
} from "./packet-writer.ts";
import type { PingNat } from "./ping-nat.ts";
import type { RouterAnnouncer } from "./router-announcer.ts";
import type { TcpNat } from "./tcp-nat.ts";
import { udpPayload, type UdpNat } from "./udp-nat.ts";
import type { UdpSender } from "./udp-sender.ts";

export interface Ipv6HostOptions {
  /** Its MAC address. */
  readonly router: Omit<Station, "address">;
  readonly plan: UniqueLocalPlan;
  readonly dhcp: Dhcpv6Plan;
  readonly mtu: number;
  readonly writer: PacketWriter;
  readonly sender: UdpSender;
  readonly announcer: RouterAnnouncer;
  readonly errors: Icmpv6Errors;
  readonly fragments: Fragments;
  /** They serve the virtual host itself too; each is undefined where nobody may translate. */
  readonly tcp: TcpNat | undefined;
  readonly udp: UdpNat | undefined;
  readonly dns: DnsProxy | undefined;
  readonly ping: PingNat | undefined;
  /** Whether anything outside is reached by IPv6. */
  readonly leads: boolean;
  /** Whether clients may reach an address outside. */
  readonly mayReach: (address: Ipv6Address) => boolean;
  /** Says to a client that there is no connection that a segment could belong to. */
  readonly refuseSegment: (frame: Frame, segment: IncomingSegment) => void;
}

/** Kinds of messages of Neighbor Discovery, from the first to the last. */
const { routerSolicitation: firstOfDiscovery, redirect: lastOfDiscovery } = icmpv6Types;
const icmpHeaderBytes = 4;
/** Names without a domain (RFC 4795, section 2). */
const llmnrGroup = parseIpAddress("ff02::1:3");

/**
 * The IPv6 of a virtual host: it answers Neighbor Discovery, ping, DHCPv6 and DNS, and is the way outside. A packet for which there is none
 * is refused at once: a client that waited would hold up its user, and one that was told of no router here would go out beside the VPN.
 */
export class Ipv6Host {
  readonly #options: Ipv6HostOptions;
  readonly #linkLocal: Station<Ipv6Address>;
  readonly #station: Station<Ipv6Address>;
  readonly #segment = new IncomingSegment();

  constructor(options: Ipv6HostOptions) {
    this.#options = options;
    const { router, plan } = options;
    this.#linkLocal = { ...router, address: plan.linkLocal };
    this.#station = { ...router, address: plan.address };
  }

  /** Sees a frame of the port of the number `from`, whatever it has. */
  heard(frame: Frame, from: number): void {
    this.#options.announcer.heard(frame, from);
  }

  /**
   * Does what is due.
   *
   * @returns when something will be due next
   */
  tick(): number {
    return this.#options.announcer.tick();
  }

  /** Says that it is no router any more. */
  close(): void {
    this.#options.announcer.close();
  }

  /** Takes the frame of IPv6, to the virtual host or to a group, which the port of the number `from` sent. */
  receive(frame: Frame, from: number, isReassembled = false): void {
    const { fragments } = this.#options;
    if (Fragments.isFragment(frame)) {
      const whole = isReassembled ? undefined : fragments.add(frame, from);
      if (whole !== undefined && frame.read(whole, 0, whole.length)) this.receive(frame, from, true);
      return;
    }
    // No client needs other extension headers, and what they ask of a router would have to be looked through.
    if (frame.transportAt - frame.networkAt !== ipv6HeaderBytes) return;
    const [source, destination] = [sourceAddress(frame), destinationAddress(frame)];
    if (typeof source !== "string" || typeof destination !== "string" || isMulticast(source)) return;
    if (frame.transport === "icmpv6" && isDiscovery(frame.icmpType)) {
      // Fragments of it are an attack (RFC 6980).
      if (!isReassembled) this.#receiveDiscovery(frame, from);
    } else if (source === unspecified) return;
    else if (isMulticast(destination)) this.#receiveForGroup(frame, from);
    else if (frame.isMulticast) return;
    else if (destination === this.#linkLocal.address || destination === this.#station.address)
      this.#receiveForHost(frame, from, destination);
    else this.#receiveForOutside(frame, from, source, destination);
  }

  #receiveDiscovery(frame: Frame, from: number): void {
    if (frame.icmpType === icmpv6Types.routerSolicitation) {
      this.#options.announcer.solicited(frame, from);
      return;
    }
    const solicitation = readNeighborSolicitation(frame);
    if (solicitation === undefined) return;
    const { target, isProbe } = solicitation;
    const asked = [this.#linkLocal, this.#station].find(({ address }) => address === target);
    if (asked === undefined) return;
    const { writer } = this.#options;
    // To who has no address it goes as to all, but by the MAC address that it comes from (RFC 6085).
    const to = isProbe ? { mac0: frame.source0, mac1: frame.source1, address: allNodes } : senderOf(frame);
    const at = writer.begin(asked, to, ipProtocols.icmpv6, undefined, onLinkHopLimit);
    const end = writeNeighborAdvertisement(writer.buffer, at, asked, !isProbe);
    writer.finishTransport(end, ipProtocols.icmpv6, at + 2);
  }

  #receiveForGroup(frame: Frame, from: number): void {
    const { dns } = this.#options;
    if (frame.transport === "icmpv6" && destinationAddress(frame) === allNodes)
      this.#answerPing(frame, this.#linkLocal);
    if (frame.transport !== "udp") return;
    if (frame.destinationPort === dhcpv6Ports.server) this.#receiveDhcp(frame);
    if (frame.destinationPort === llmnr.port && destinationAddress(frame) === llmnrGroup)
      dns?.receive(frame, from, this.#linkLocal);
  }

  #receiveForHost(frame: Frame, from: number, address: Ipv6Address): void {
    const { tcp, dns } = this.#options;
    const host = { ...this.#station, address };
    if (frame.transport === "tcp") this.#receiveSegment(frame, from, tcp);
    else if (frame.transport === "icmpv6") this.#answerPing(frame, host);
    else if (frame.transport !== "udp") return;
    else if (frame.destinationPort === dnsPort) dns?.receive(frame, from, host);
    else if (frame.destinationPort === dhcpv6Ports.server) this.#receiveDhcp(frame);
  }

  #receiveForOutside(frame: Frame, from: number, source: Ipv6Address, destination: Ipv6Address): void {
    const { errors, tcp, udp, ping } = this.#options;
    const { transport, icmpType } = frame;
    const problem = this.#findProblem(source, destination);
    if (transport === "tcp") this.#receiveSegment(frame, from, problem === undefined ? tcp : undefined);
    else if (problem !== undefined)
      errors.refuse(frame, from, problem === "noRoute" && transport === "udp" ? "port" : problem);
    else if (transport === "udp") udp?.receive(frame, from);
    else if (transport !== "icmpv6") errors.refuse(frame, from, "prohibited");
    else if (icmpType === icmpv6Types.echoRequest) ping?.receive(frame, from);
  }

  /** Why a packet goes no further, if it does not. */
  #findProblem(source: Ipv6Address, destination: Ipv6Address): Unreachable | undefined {
    const { plan, leads, mayReach } = this.#options;
    // An address of another network of the client's: the answer would not find the way.
    if (!isInIpv6Network(source, plan.network) || source === plan.address)
      return isLinkLocal(source) ? "beyondScope" : "sourcePolicy";
    if (isInIpv6Network(destination, plan.network)) return "address";
    if (!leads) return "noRoute";
    return mayReach(destination) ? undefined : "prohibited";
  }

  #receiveSegment(frame: Frame, from: number, tcp: TcpNat | undefined): void {
    const segment = this.#segment;
    if (tcp !== undefined) tcp.receive(frame, from);
    else if (frameChecksum(frame, ipProtocols.tcp) !== 0) return;
    else if (segment.read(frame.buffer, frame.transportAt, frame.packetEnd) && !segment.has("rst"))
      this.#options.refuseSegment(frame, segment);
  }

  #answerPing(frame: Frame, host: Station<Ipv6Address>): void {
    const { writer, mtu } = this.#options;
    const { buffer, transportAt, packetEnd, icmpType } = frame;
    const bytes = packetEnd - transportAt;
    if (icmpType !== icmpv6Types.echoRequest || bytes < icmpHeaderBytes) return;
    if (bytes > mostPayload(host.address, mtu) || frameChecksum(frame, ipProtocols.icmpv6) !== 0) return;
    const at = writer.begin(host, senderOf(frame), ipProtocols.icmpv6);
    const end = at + buffer.copy(writer.buffer, at, transportAt, packetEnd);
    writer.buffer[at] = icmpv6Types.echoReply;
    writer.finishTransport(end, ipProtocols.icmpv6, at + 2);
  }

  #receiveDhcp(frame: Frame): void {
    const { dhcp, sender } = this.#options;
    const payload = udpPayload(frame);
    const message = payload && readDhcpv6Message(payload, 0, payload.length);
    const answer = message && answerDhcpv6(message, dhcp);
    if (answer === undefined) return;
    sender.send(
      this.#linkLocal,
      dhcpv6Ports.server,
      senderOf(frame),
      dhcpv6Ports.client,
      writeDhcpv6Message(answer),
    );
  }
}

/** The plan of DHCPv6 that belongs to one of addresses. */
export function dhcpv6PlanOf(
  mac: Uint8Array,
  nameServers: readonly Ipv6Address[],
  domainName: string,
): Dhcpv6Plan {
  return {
    mac,
    nameServers: nameServers.map((address) => {
      const bytes = Buffer.alloc(ipv6Bytes);
      writeIpv6(bytes, 0, address);
      return bytes;
    }),
    domainName,
  };
}

function isDiscovery(icmpType: number): boolean {
  return icmpType >= firstOfDiscovery && icmpType <= lastOfDiscovery;
}
