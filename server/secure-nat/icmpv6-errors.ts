import { icmpv6Types, type Frame } from "../ethernet/frame.ts";
import { sourceAddress, writeIpv6, type Ipv6Address } from "../ethernet/packed-address.ts";
import { ipv6HostLimits } from "../limits.ts";
import { isMulticast, unspecified } from "./neighbor-discovery.ts";
import { ipProtocols, ipv6HeaderBytes, senderOf, type PacketWriter, type Station } from "./packet-writer.ts";
import { RateBySource } from "./rate-by-source.ts";
import type { SentUdp } from "./udp-nat.ts";

/**
 * Why a packet goes no further: codes of "destination unreachable" (RFC 4443, section 3.1). Of `noRoute` systems tell a program that uses UDP
 * nothing, since another way might be found, so that it would wait; of `port` they do.
 */
export const unreachableCodes = {
  noRoute: 0,
  prohibited: 1,
  beyondScope: 2,
  address: 3,
  port: 4,
  sourcePolicy: 5,
} as const;
export type Unreachable = keyof typeof unreachableCodes;

const errorHeaderBytes = 8;
const udpHeaderBytes = 8;
/** An error is no longer than what every link carries (RFC 4443, section 2.4). */
const mostBytes = 1_280;
const firstInformational = 128;

export interface Icmpv6ErrorsOptions {
  readonly writer: PacketWriter;
  /** Whom the errors come from. */
  readonly station: Station<Ipv6Address>;
  readonly now: () => number;
}

/** Tells clients at once that there is no way for a packet, so that they try another one instead of waiting. */
export class Icmpv6Errors {
  readonly #options: Icmpv6ErrorsOptions;
  readonly #rate: RateBySource;

  constructor(options: Icmpv6ErrorsOptions) {
    this.#options = options;
    this.#rate = new RateBySource(options.now, ipv6HostLimits.errorsEach);
  }

  /** About the packet of a frame, which the port of the number `from` sent. */
  refuse(frame: Frame, from: number, reason: Unreachable): void {
    const { buffer, networkAt, packetEnd } = frame;
    if (!mayBeAnswered(frame) || !this.#rate.admits(from)) return;
    const { writer } = this.#options;
    const at = this.#begin(senderOf(frame), reason);
    const quotedEnd = Math.min(packetEnd, networkAt + mostBytes - ipv6HeaderBytes - errorHeaderBytes);
    const end =
      at + errorHeaderBytes + buffer.copy(writer.buffer, at + errorHeaderBytes, networkAt, quotedEnd);
    writer.finishTransport(end, ipProtocols.icmpv6, at + 2);
  }

  /** About a packet of UDP that is gone already, which the port of the number `from` sent. */
  refuseUdp({ client, clientPort, remote, remotePort }: SentUdp, from: number): void {
    if (typeof client.address !== "string" || typeof remote !== "string" || !this.#rate.admits(from)) return;
    const { buffer } = this.#options.writer;
    const at = this.#begin(client, "port");
    const quotedAt = at + errorHeaderBytes;
    const udpAt = quotedAt + ipv6HeaderBytes;
    const end = udpAt + udpHeaderBytes;
    buffer.fill(0, quotedAt, end);
    buffer[quotedAt] = 0x60;
    buffer.writeUInt16BE(udpHeaderBytes, quotedAt + 4);
    buffer[quotedAt + 6] = ipProtocols.udp;
    writeIpv6(buffer, quotedAt + 8, client.address);
    writeIpv6(buffer, quotedAt + 24, remote);
    buffer.writeUInt16BE(clientPort, udpAt);
    buffer.writeUInt16BE(remotePort, udpAt + 2);
    buffer.writeUInt16BE(udpHeaderBytes, udpAt + 4);
    this.#options.writer.finishTransport(end, ipProtocols.icmpv6, at + 2);
  }

  #begin(to: Station, reason: Unreachable): number {
    const { writer, station } = this.#options;
    const at = writer.begin(station, to, ipProtocols.icmpv6);
    writer.buffer.fill(0, at, at + errorHeaderBytes);
    writer.buffer[at] = icmpv6Types.destinationUnreachable;
    writer.buffer[at + 1] = unreachableCodes[reason];
    return at;
  }
}

/** No error is about an error, nor for nobody or for all (RFC 4443, section 2.4). */
function mayBeAnswered(frame: Frame): boolean {
  const source = sourceAddress(frame);
  if (typeof source !== "string" || source === unspecified || isMulticast(source)) return false;
  if (frame.isMulticast) return false;
  const { protocol, transport, icmpType } = frame;
  if (protocol !== ipProtocols.icmpv6) return true;
  return transport === "icmpv6" && icmpType >= firstInformational && icmpType !== icmpv6Types.redirect;
}
