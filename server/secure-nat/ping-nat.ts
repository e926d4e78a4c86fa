import { frameChecksum, internetChecksum } from "../ethernet/frame-checksum.ts";
import { icmpTypes, icmpv6Types, read16, type Frame } from "../ethernet/frame.ts";
import { destinationAddress, type IpAddress } from "../ethernet/packed-address.ts";
import { pingNatLimits, secureNatLimits } from "../limits.ts";
import { leastBound } from "./least-bound.ts";
import type { IpVersion, Outside, OutsidePing } from "./outside.ts";
import { ownerOf } from "./owner.ts";
import { ipProtocols, mostPayload, senderOf, type PacketWriter, type Station } from "./packet-writer.ts";
import { Shares } from "./shares.ts";

export interface PingNatOptions {
  readonly outside: Outside;
  readonly writer: PacketWriter;
  /** MAC address of the virtual host, which is the way to every address outside. */
  readonly router: Omit<Station, "address">;
  /** Of packets to clients, in bytes. */
  readonly mtu: number;
  readonly now: () => number;
  /** Whether clients may reach an address. */
  readonly mayReach: (address: IpAddress) => boolean;
  /** Tells the sender of a packet that there is no way for it. */
  readonly unreachable: (frame: Frame, from: number) => void;
  /** Requests of a client that wait, as far as it is less than the server's own bound; 0 for none. */
  readonly mostPerClient: number;
}

/** An echo request of a client that waits for its answer. */
interface Waiting {
  source: number;
  /** Whose bounds it counts against, as {@link ownerOf} has it. */
  readonly owner: number;
  /** The number that it has outside. */
  readonly number: number;
  readonly client: Station;
  readonly remote: IpAddress;
  readonly identifier: number;
  readonly sequence: number;
  readonly sentAt: number;
}

const icmpHeaderBytes = 8;
/** From one attempt to open a socket to the next, where that is not allowed or not possible yet. */
const retryMs = 1_000;

/** Echo requests of clients to addresses outside, all by one socket of the host for each version of IP: each has a sequence number of its own there. */
export class PingNat {
  readonly #options: PingNatOptions;
  /** By the number that it has outside, in the order in which they were sent. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #perClient = new Map<number, number>();
  readonly #shares = new Shares<Waiting>(({ sentAt }) => sentAt);
  readonly #pings = new Map<IpVersion, OutsidePing>();
  readonly #triedAt = new Map<IpVersion, number>();
  #sequence = 0;

  constructor(options: PingNatOptions) {
    this.#options = options;
  }

  /** Requests that were dropped because too many waited. */
  refused = 0;

  /** Requests that wait for their answers. */
  get count(): number {
    return this.#waiting.size;
  }

  /** Takes an echo request of a client, which the port of the number `from` sent. */
  receive(frame: Frame, from: number): void {
    const { buffer, transportAt, packetEnd } = frame;
    const payloadAt = transportAt + icmpHeaderBytes;
    const remote = destinationAddress(frame);
    const isWhole =
      packetEnd >= payloadAt && packetEnd - transportAt <= mostPayload(remote, this.#options.mtu);
    if (!isWhole || echoChecksum(frame) !== 0) return;
    if (!this.#options.mayReach(remote)) return;
    const client = senderOf(frame);
    const owner = ownerOf(client.address, from);
    const count = this.#perClient.get(owner) ?? 0;
    const most = leastBound(pingNatLimits.perClient, this.#options.mostPerClient);
    if (count >= most) {
      this.refused++;
      return;
    }
    const ping = this.#open(typeof remote === "number" ? 4 : 6);
    if (ping === undefined) return;
    const { waiting } = pingNatLimits;
    const oldest = this.#shares.inTheWay(from, this.#waiting.size, waiting, secureNatLimits.sessionShare);
    if (oldest !== undefined) this.#forget(oldest);
    do this.#sequence = (this.#sequence + 1) & 0xffff;
    while (this.#waiting.has(this.#sequence));
    this.#perClient.set(owner, (this.#perClient.get(owner) ?? 0) + 1);
    const request: Waiting = {
      source: from,
      owner,
      number: this.#sequence,
      client,
      remote,
      identifier: read16(buffer, transportAt + 4),
      sequence: read16(buffer, transportAt + 6),
      sentAt: this.#options.now(),
    };
    this.#waiting.set(this.#sequence, request);
    this.#shares.add(request);
    if (ping.send(remote, this.#sequence, buffer.subarray(payloadAt, packetEnd))) return;
    this.#forget(request);
    this.#options.unreachable(frame, from);
  }

  /** Gives up those that nobody answers; tells when one will be so next. */
  tick(): number {
    const { timeoutMs } = pingNatLimits;
    const since = this.#options.now() - timeoutMs;
    for (const waiting of this.#waiting.values()) {
      if (waiting.sentAt > since) return waiting.sentAt + timeoutMs;
      this.#forget(waiting);
    }
    return Infinity;
  }

  close(): void {
    for (const ping of this.#pings.values()) ping.close();
    this.#pings.clear();
    for (const waiting of this.#waiting.values()) this.#forget(waiting);
  }

  #open(version: IpVersion): OutsidePing | undefined {
    const now = this.#options.now();
    const open = this.#pings.get(version);
    if (open !== undefined || now - (this.#triedAt.get(version) ?? -Infinity) < retryMs) return open;
    this.#triedAt.set(version, now);
    const ping = this.#options.outside.openPing(version, {
      reply: (address, sequence, payload) => this.#answer(address, sequence, payload),
      failed: () => this.#pings.delete(version),
    });
    if (ping !== undefined) this.#pings.set(version, ping);
    return ping;
  }

  #answer(address: IpAddress, sequence: number, payload: Uint8Array): void {
    const waiting = this.#waiting.get(sequence);
    const { writer, router, mtu } = this.#options;
    if (waiting?.remote !== address || payload.length > mostPayload(address, mtu) - icmpHeaderBytes) return;
    this.#forget(waiting);
    const isIpv6 = typeof address === "string";
    const protocol = isIpv6 ? ipProtocols.icmpv6 : ipProtocols.icmp;
    const at = writer.begin({ ...router, address }, waiting.client, protocol);
    const { buffer } = writer;
    buffer.writeUInt32BE((isIpv6 ? icmpv6Types.echoReply : icmpTypes.echoReply) * 0x100_0000, at);
    buffer.writeUInt16BE(waiting.identifier, at + 4);
    buffer.writeUInt16BE(waiting.sequence, at + 6);
    buffer.set(payload, at + icmpHeaderBytes);
    const end = at + icmpHeaderBytes + payload.length;
    if (isIpv6) {
      writer.finishTransport(end, protocol, at + 2);
      return;
    }
    buffer.writeUInt16BE(internetChecksum(buffer, at, end), at + 2);
    writer.finish(end);
  }

  #forget(waiting: Waiting): void {
    const { owner } = waiting;
    if (!this.#waiting.delete(waiting.number)) return;
    this.#shares.delete(waiting);
    const left = (this.#perClient.get(owner) ?? 1) - 1;
    if (left === 0) this.#perClient.delete(owner);
    else this.#perClient.set(owner, left);
  }
}

/** 0 where the checksum is right; that of ICMPv6 is over the addresses too. */
function echoChecksum(frame: Frame): number {
  const { buffer, network, transportAt, packetEnd } = frame;
  if (network === "ipv6") return frameChecksum(frame, ipProtocols.icmpv6);
  return internetChecksum(buffer, transportAt, packetEnd);
}
