import { frameChecksum } from "../ethernet/frame-checksum.ts";
import { read16, type Frame } from "../ethernet/frame.ts";
import { destinationAddress, endKey, type IpAddress } from "../ethernet/packed-address.ts";
import { secureNatLimits, udpNatLimits } from "../limits.ts";
import { leastBound } from "./least-bound.ts";
import type { NatEntry } from "./nat-entry.ts";
import { isExhaustion } from "./nat-refusals.ts";
import type { Outside, OutsideUdp } from "./outside.ts";
import { ownerOf } from "./owner.ts";
import { ipProtocols, senderOf, type Station } from "./packet-writer.ts";
import { Shares } from "./shares.ts";
import type { UdpSender } from "./udp-sender.ts";

export interface UdpNatOptions {
  readonly outside: Outside;
  readonly sender: UdpSender;
  /** MAC address of the virtual host, which is the way to every address outside. */
  readonly router: Omit<Station, "address">;
  readonly timeoutMs: number;
  readonly now: () => number;
  /** Whether clients may reach an address. */
  readonly mayReach: (address: IpAddress) => boolean;
  /** Tells a client, which is at the port of the number `from`, that there is no way for what it sent. */
  readonly unreachable: (sent: SentUdp, from: number) => void;
  /** Ports of a client, as far as it is less than the server's own bound; 0 for none. */
  readonly mostPerClient: number;
}

/** A packet of a client, by what the client knows it again by. */
export interface SentUdp {
  readonly client: Station;
  readonly clientPort: number;
  readonly remote: IpAddress;
  readonly remotePort: number;
}

/** A port of a client with the socket of the host that stands for it. */
interface Mapping {
  source: number;
  /** Whose bounds it counts against, as {@link ownerOf} has it. */
  readonly owner: number;
  readonly key: number | string;
  client: Station;
  readonly port: number;
  readonly socket: OutsideUdp;
  /** Addresses that the client has sent to: who else sends is not heard (RFC 4787, section 5). */
  readonly remotes: Set<IpAddress>;
  usedAt: number;
  readonly createdAt: number;
  /** Bytes from and to the client. */
  sent: number;
  received: number;
}

/** UDP of clients to addresses outside: each port of a client is one of the host's, whatever it sends to (RFC 4787). */
export class UdpNat {
  readonly #options: UdpNatOptions;
  /** In the order in which they were used last. */
  readonly #mappings = new Map<number | string, Mapping>();
  readonly #perClient = new Map<number, number>();
  readonly #shares = new Shares<Mapping>(({ usedAt }) => usedAt);

  constructor(options: UdpNatOptions) {
    this.#options = options;
  }

  /** Packets of ports that were too many, or that the system had no socket for. */
  refused = 0;

  get count(): number {
    return this.#mappings.size;
  }

  /** All of them, with times by the clock of the options. */
  *mappings(): Generator<NatEntry> {
    for (const { client, port, createdAt, usedAt, sent, received } of this.#mappings.values()) {
      yield {
        protocol: "udp",
        client: client.address,
        clientPort: port,
        remote: 0,
        remotePort: 0,
        createdAt,
        usedAt,
        sent,
        received,
        state: "none",
      };
    }
  }

  /** Takes a UDP packet of a client, which the port of the number `from` sent. */
  receive(frame: Frame, from: number): void {
    const payload = udpPayload(frame);
    const remote = destinationAddress(frame);
    // Nobody is at port 0 (RFC 6335), and the runtime throws for it.
    if (payload === undefined || frame.destinationPort === 0 || !this.#options.mayReach(remote)) return;
    const client = senderOf(frame);
    const mapping = this.#mappingOf(client, frame.sourcePort, from);
    if (mapping === undefined) return;
    if (!mapping.remotes.has(remote)) {
      if (mapping.remotes.size >= udpNatLimits.remotes)
        mapping.remotes.delete(mapping.remotes.keys().next().value ?? 0);
      mapping.remotes.add(remote);
    }
    mapping.sent += payload.length;
    mapping.socket.send(payload, remote, frame.destinationPort);
  }

  /** Forgets what was not used for too long; tells when that will be so next. */
  tick(): number {
    const now = this.#options.now();
    const since = now - this.#options.timeoutMs;
    let left = udpNatLimits.dueAtOnce as number;
    for (const mapping of this.#mappings.values()) {
      if (mapping.usedAt > since) return mapping.usedAt + this.#options.timeoutMs;
      if (left-- === 0) return now;
      this.#forget(mapping);
    }
    return Infinity;
  }

  /** Ends all of them, one after the other. */
  *close(): Generator<undefined, void, undefined> {
    for (const mapping of this.#mappings.values()) {
      this.#forget(mapping);
      yield;
    }
  }

  #mappingOf(client: Station, port: number, from: number): Mapping | undefined {
    const key = endKey(client.address, port);
    const former = this.#mappings.get(key);
    if (former !== undefined) {
      former.client = client;
      this.#shares.move(former, from);
      this.#use(former);
      return former;
    }
    const owner = ownerOf(client.address, from);
    const count = this.#perClient.get(owner) ?? 0;
    if (count >= leastBound(udpNatLimits.perClient, this.#options.mostPerClient)) {
      this.refused++;
      return undefined;
    }
    const { mappings } = udpNatLimits;
    const { sessionShare } = secureNatLimits;
    const oldest = this.#shares.inTheWay(from, this.#mappings.size, mappings, sessionShare);
    if (oldest !== undefined) this.#forget(oldest);
    const mapping: Mapping = {
      source: from,
      owner,
      key,
      client,
      port,
      remotes: new Set(),
      usedAt: this.#options.now(),
      createdAt: this.#options.now(),
      sent: 0,
      received: 0,
      socket: this.#options.outside.openUdp(typeof client.address === "number" ? 4 : 6, {
        message: (bytes, address, remotePort) => {
          if (!mapping.remotes.has(address)) return;
          this.#use(mapping);
          mapping.received += bytes.length;
          const remote = { ...this.#options.router, address };
          this.#options.sender.send(remote, remotePort, mapping.client, port, bytes);
        },
        unreachable: (address, remotePort) => {
          const sent = { client: mapping.client, clientPort: port, remote: address, remotePort };
          this.#options.unreachable(sent, mapping.source);
        },
        failed: (error) => {
          if (isExhaustion(error)) this.refused++;
          this.#forget(mapping);
        },
      }),
    };
    this.#mappings.set(key, mapping);
    this.#shares.add(mapping);
    this.#perClient.set(owner, count + 1);
    return mapping;
  }

  #use(mapping: Mapping): void {
    mapping.usedAt = this.#options.now();
    this.#mappings.delete(mapping.key);
    this.#mappings.set(mapping.key, mapping);
  }

  #forget(mapping: Mapping): void {
    if (!this.#mappings.delete(mapping.key)) return;
    this.#shares.delete(mapping);
    const left = (this.#perClient.get(mapping.owner) ?? 1) - 1;
    if (left === 0) this.#perClient.delete(mapping.owner);
    else this.#perClient.set(mapping.owner, left);
    mapping.socket.close();
  }
}

/** A copy of what a UDP packet carries; `undefined` when it is damaged. */
export function udpPayload(frame: Frame): Buffer | undefined {
  const { buffer, network, transportAt, packetEnd, payloadAt } = frame;
  const end = transportAt + read16(buffer, transportAt + 4);
  if (end < payloadAt || end > packetEnd) return undefined;
  const hasChecksum = read16(buffer, transportAt + 6) !== 0;
  // IPv6 has no packets without one (RFC 8200, section 8.1).
  if (!hasChecksum && network === "ipv6") return undefined;
  if (hasChecksum && frameChecksum(frame, ipProtocols.udp, end) !== 0) return undefined;
  return Buffer.from(buffer.subarray(payloadAt, end));
}
