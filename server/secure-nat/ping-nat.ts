import { internetChecksum } from "../ethernet/frame-checksum.ts";
import { read16, type Frame } from "../ethernet/frame.ts";
import { pingNatLimits, secureNatLimits } from "../limits.ts";
import { leastBound } from "./least-bound.ts";
import type { Outside, OutsidePing } from "./outside.ts";
import { ipProtocols, ipv4HeaderBytes, senderOf, type PacketWriter, type Station } from "./packet-writer.ts";
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
  readonly mayReach: (address: number) => boolean;
  /** Requests of a client that wait, as far as it is less than the server's own bound; 0 for none. */
  readonly mostPerClient: number;
}

/** An echo request of a client that waits for its answer. */
interface Waiting {
  source: number;
  /** The number that it has outside. */
  readonly number: number;
  readonly client: Station;
  readonly remote: number;
  readonly identifier: number;
  readonly sequence: number;
  readonly sentAt: number;
}

const icmpHeaderBytes = 8;
/** From one attempt to open a socket to the next, where that is not allowed or not possible yet. */
const retryMs = 1_000;

/** Echo requests of clients to addresses outside, all by one socket of the host: each has a sequence number of its own there. */
export class PingNat {
  readonly #options: PingNatOptions;
  /** By the number that it has outside, in the order in which they were sent. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #perClient = new Map<number, number>();
  readonly #shares = new Shares<Waiting>(({ sentAt }) => sentAt);
  #ping: OutsidePing | undefined;
  #triedAt = -Infinity;
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
    const remote = frame.destinationIp3 >>> 0;
    const isWhole = packetEnd >= payloadAt && packetEnd - transportAt <= this.#options.mtu - ipv4HeaderBytes;
    if (!isWhole || internetChecksum(buffer, transportAt, packetEnd) !== 0) return;
    if (!this.#options.mayReach(remote)) return;
    const client = senderOf(frame);
    const count = this.#perClient.get(client.address) ?? 0;
    const most = leastBound(pingNatLimits.perClient, this.#options.mostPerClient);
    if (count >= most) {
      this.refused++;
      return;
    }
    const ping = this.#open();
    if (ping === undefined) return;
    const { waiting } = pingNatLimits;
    const oldest = this.#shares.inTheWay(from, this.#waiting.size, waiting, secureNatLimits.sessionShare);
    if (oldest !== undefined) this.#forget(oldest);
    do this.#sequence = (this.#sequence + 1) & 0xffff;
    while (this.#waiting.has(this.#sequence));
    this.#perClient.set(client.address, (this.#perClient.get(client.address) ?? 0) + 1);
    const request: Waiting = {
      source: from,
      number: this.#sequence,
      client,
      remote,
      identifier: read16(buffer, transportAt + 4),
      sequence: read16(buffer, transportAt + 6),
      sentAt: this.#options.now(),
    };
    this.#waiting.set(this.#sequence, request);
    this.#shares.add(request);
    ping.send(remote, this.#sequence, buffer.subarray(payloadAt, packetEnd));
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
    this.#ping?.close();
    this.#ping = undefined;
    for (const waiting of this.#waiting.values()) this.#forget(waiting);
  }

  #open(): OutsidePing | undefined {
    const now = this.#options.now();
    if (this.#ping !== undefined || now - this.#triedAt < retryMs) return this.#ping;
    this.#triedAt = now;
    this.#ping = this.#options.outside.openPing({
      reply: (address, sequence, payload) => this.#answer(address, sequence, payload),
      failed: () => (this.#ping = undefined),
    });
    return this.#ping;
  }

  #answer(address: number, sequence: number, payload: Uint8Array): void {
    const waiting = this.#waiting.get(sequence);
    const { writer, router, mtu } = this.#options;
    if (waiting?.remote !== address || payload.length > mtu - ipv4HeaderBytes - icmpHeaderBytes) return;
    this.#forget(waiting);
    const at = writer.begin({ ...router, address }, waiting.client, ipProtocols.icmp);
    const { buffer } = writer;
    buffer.writeUInt32BE(0, at);
    buffer.writeUInt16BE(waiting.identifier, at + 4);
    buffer.writeUInt16BE(waiting.sequence, at + 6);
    buffer.set(payload, at + icmpHeaderBytes);
    const end = at + icmpHeaderBytes + payload.length;
    buffer.writeUInt16BE(internetChecksum(buffer, at, end), at + 2);
    writer.finish(end);
  }

  #forget(waiting: Waiting): void {
    const { address } = waiting.client;
    if (!this.#waiting.delete(waiting.number)) return;
    this.#shares.delete(waiting);
    const left = (this.#perClient.get(address) ?? 1) - 1;
    if (left === 0) this.#perClient.delete(address);
    else this.#perClient.set(address, left);
  }
}
