import { internetChecksum } from "../ethernet/frame-checksum.ts";
import { Frame, icmpTypes } from "../ethernet/frame.ts";
import { dhcpPorts, readDhcpMessage, writeDhcpMessage, type DhcpMessage } from "../dhcp/dhcp-message.ts";
import type { DhcpServer } from "../dhcp/dhcp-server.ts";
import { ipProtocols, senderOf, type PacketWriter, type Station } from "./packet-writer.ts";
import { dnsPort, llmnr, type DnsProxy } from "./dns-proxy.ts";
import { Fragments } from "./fragments.ts";
import type { Ipv6Host } from "./ipv6-host.ts";
import type { KernelNat } from "./kernel-nat.ts";
import type { PingNat } from "./ping-nat.ts";
import type { TcpNat } from "./tcp-nat.ts";
import type { UdpNat } from "./udp-nat.ts";

const everybody = 0xffff_ffff;
const arpRequest = 1;

export interface VirtualHostOptions {
  /** Its own address, as clients see it. */
  readonly station: Station<number>;
  readonly mask: number;
  readonly writer: PacketWriter;
  readonly dhcp: DhcpServer | undefined;
  readonly tcp: TcpNat | undefined;
  readonly udp: UdpNat | undefined;
  readonly dns: DnsProxy | undefined;
  readonly ping: PingNat | undefined;
  /** Takes what goes outside before those above, which serve the virtual host itself then, and refuse what is closed. */
  readonly kernel: KernelNat | undefined;
  readonly fragments: Fragments;
  /** Takes what comes by IPv6; undefined where that is off. */
  readonly ipv6: Ipv6Host | undefined;
}

/** A host that is not there, with an address in the network of a hub: it answers ARP, ping and DHCP, and is the way outside. What comes by IPv6 is another's. */
export class VirtualHost {
  readonly #options: VirtualHostOptions;
  readonly #frame = new Frame();

  constructor(options: VirtualHostOptions) {
    this.#options = options;
  }

  /** Takes the frame of `buffer` from `start` to `end`, which the port of the number `from` sent. */
  receive(buffer: Buffer, start: number, end: number, from: number): void {
    const frame = this.#frame;
    if (!frame.read(buffer, start, end) || frame.hasInvalidSource || frame.vlan !== 0) return;
    const { ipv6 } = this.#options;
    ipv6?.heard(frame, from);
    if (frame.network === "arp") this.#receiveArp(frame, from);
    else if (!this.#isForUs(frame)) return;
    else if (frame.network === "ipv4") this.#receiveIpv4(frame, from);
    else if (frame.network === "ipv6") ipv6?.receive(frame, from);
  }

  #receiveArp(frame: Frame, from: number): void {
    const { station, writer, dhcp } = this.#options;
    if (frame.isArpOfIpv4) dhcp?.heard(frame.sourceIp3 >>> 0, from);
    if (!frame.isArpOfIpv4 || frame.arpOperation !== arpRequest) return;
    if (frame.destinationIp3 >>> 0 !== station.address) return;
    writer.arpReply(station, { mac0: frame.source0, mac1: frame.source1, address: frame.sourceIp3 >>> 0 });
  }

  #isForUs({ destination0, destination1, isMulticast }: Frame): boolean {
    const { mac0, mac1 } = this.#options.station;
    return isMulticast || (destination0 === mac0 && destination1 === mac1);
  }

  #receiveIpv4(frame: Frame, from: number): void {
    const { buffer, networkAt, transportAt } = frame;
    if (internetChecksum(buffer, networkAt, transportAt) !== 0) return;
    if (frame.transport === "udp" && frame.destinationPort === dhcpPorts.server) {
      this.#receiveDhcp(frame, from);
      return;
    }
    const { station, mask, tcp, udp, dns, ping, kernel, fragments } = this.#options;
    // Who has another address than those of this network gets nothing: the answer would not find the way.
    if (((frame.sourceIp3 ^ station.address) & mask) !== 0) return;
    if (frame.isMulticast) {
      if (isLlmnr(frame)) dns?.receive(frame, from, station);
      return;
    }
    const isForHost = frame.destinationIp3 >>> 0 === station.address;
    if (!isForHost && kernel?.receive(frame, from)) return;
    if (Fragments.isFragment(frame)) {
      const whole = fragments.add(frame, from);
      if (whole !== undefined && frame.read(whole, 0, whole.length)) this.#receiveIpv4(frame, from);
      return;
    }
    if (frame.transport === "tcp") tcp?.receive(frame, from);
    else if (frame.transport === "udp" && !isForHost) udp?.receive(frame, from);
    else if (frame.transport === "udp" && frame.destinationPort === dnsPort)
      dns?.receive(frame, from, station);
    else if (frame.transport === "icmp" && frame.icmpType === icmpTypes.echoRequest) {
      if (isForHost) this.#answerPing(frame);
      else ping?.receive(frame, from);
    }
  }

  #answerPing(frame: Frame): void {
    const { station, writer } = this.#options;
    const { buffer, transportAt, packetEnd } = frame;
    if (internetChecksum(buffer, transportAt, packetEnd) !== 0) return;
    const at = writer.begin(station, senderOf(frame), ipProtocols.icmp);
    const end = at + buffer.copy(writer.buffer, at, transportAt, packetEnd);
    writer.buffer[at] = icmpTypes.echoReply;
    writer.buffer.writeUInt16BE(0, at + 2);
    writer.buffer.writeUInt16BE(internetChecksum(writer.buffer, at, end), at + 2);
    writer.finish(end);
  }

  #receiveDhcp(frame: Frame, from: number): void {
    const { dhcp } = this.#options;
    const message = dhcp && readDhcpMessage(frame.buffer, frame.payloadAt, frame.packetEnd);
    // Who comes by a relay is in another network.
    if (message === undefined || message.relayAddress !== 0) return;
    const answer = dhcp?.answer(message, from);
    if (answer !== undefined) this.#sendDhcp(answer, senderOf(frame));
  }

  #sendDhcp(answer: DhcpMessage, client: Station): void {
    const { station, writer } = this.#options;
    const payload = writeDhcpMessage(answer);
    const address = answer.broadcast ? 0 : answer.clientAddress || answer.yourAddress;
    const to: Station =
      address === 0 ? { mac0: 0xffff, mac1: everybody, address: everybody } : { ...client, address };
    const at = writer.begin(station, to, ipProtocols.udp);
    writer.buffer.writeUInt16BE(dhcpPorts.server, at);
    writer.buffer.writeUInt16BE(dhcpPorts.client, at + 2);
    writer.buffer.writeUInt16BE(8 + payload.length, at + 4);
    const end = at + 8 + payload.copy(writer.buffer, at + 8);
    writer.finishTransport(end, ipProtocols.udp, at + 6);
  }
}

function isLlmnr({ transport, destinationPort, destinationIp3 }: Frame): boolean {
  return transport === "udp" && destinationPort === llmnr.port && destinationIp3 >>> 0 === llmnr.group;
}
