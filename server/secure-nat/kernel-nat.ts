import { translateAddress, translateQuoted } from "../ethernet/address-translation.ts";
import { Frame, read16, read32, tcpFlags } from "../ethernet/frame.ts";
import { blockLimits, kernelNatLimits, tcpNatLimits } from "../limits.ts";
import { IncomingSegment } from "../tcp/segment.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";
import { connectionKey, HalfOpen } from "./half-open.ts";
import { leastBound } from "./least-bound.ts";
import { ipProtocols, ipv4HeaderBytes, type PacketWriter, type Station } from "./packet-writer.ts";
import { refuseSegment } from "./refuse-segment.ts";
import { Shares } from "./shares.ts";

/** The network that the kernel sees behind the interface of a hub. */
export const outerNetwork = {
  prefixLength: 20,
  /** Addresses in it. */
  hosts: 4_096,
  /** Which of them is the kernel's own end, which one tries the way out, and which is the first for a client. */
  kernel: 1,
  probe: 2,
  firstClient: 3,
} as const;

export interface KernelNatOptions {
  /** First address of the network that the host's kernel sees behind the interface, as {@link outerNetwork} has it. */
  readonly network: number;
  /** The virtual host, whose MAC address the interface has too. */
  readonly router: Station<number>;
  /** Sends frames to the interface; the blocks are valid during the call. */
  readonly sendOutside: (buffer: Buffer, start: number, end: number) => void;
  /** Sends frames to the hub, in the same way. */
  readonly sendInside: (buffer: Buffer, start: number, end: number) => void;
  /** Whether clients may reach an address outside. */
  readonly mayReach: (address: number) => boolean;
  /** For what is refused. */
  readonly writer: PacketWriter;
  /** Connections of TCP of a client that nobody has answered yet, as far as it is less than the server's own bound; 0 for none. */
  readonly mostConnecting: number;
  /** Milliseconds that only go up. */
  readonly now: () => number;
}

/** The error of ICMP, and its bytes before the packet that it is about. */
const unreachable = 3;
const icmpHeaderBytes = 8;

interface Client {
  source: number;
  /** As the hub has it. */
  readonly address: number;
  /** As the kernel has it. */
  readonly outer: number;
  mac0: number;
  mac1: number;
  usedAt: number;
  halfOpen: number;
}

/**
 * NAT by the host's kernel: packets of clients go to a network interface, behind which the kernel sees one of its own networks, and which
 * it forwards and translates.
 *
 * That network is not the hub's. Two hubs may have the same addresses, and the host may have them elsewhere; who sets up a hub does not
 * decide where the host sends its packets. So each client has an address in either, and a packet gets the other one here.
 */
export class KernelNat {
  readonly #options: KernelNatOptions;
  readonly #frame = new Frame();
  /** By their address in the hub. */
  readonly #clients = new Map<number, Client>();
  /** The same by the last bits of their address behind the interface. */
  readonly #byHost: (Client | undefined)[] = [];
  readonly #shares = new Shares<Client>(({ usedAt }) => usedAt);
  readonly #batch = Buffer.alloc(kernelNatLimits.batchBytes);
  /** Until when nobody has to be looked for who could make room. */
  #fullUntil = 0;
  #batchEnd = 0;
  readonly #halfOpen: HalfOpen;
  readonly #segment = new IncomingSegment();
  /** Packets of clients that there was no place for, or that would begin more connections than the client may. */
  refused = 0;

  constructor(options: KernelNatOptions) {
    this.#options = options;
    this.#halfOpen = new HalfOpen(leastBound(tcpNatLimits.connecting, options.mostConnecting));
  }

  /** Clients that have sent something. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Of the client that the kernel knows by an address; undefined where there is none any more. */
  addressOf(outer: number): number | undefined {
    return this.#byHost[outer - this.#options.network]?.address;
  }

  /**
   * Takes a packet from a client to an address outside, which the port of the number `from` sent; the frame is as the client sent it, and is
   * written to. What it sends goes out with {@link flush}.
   *
   * @returns false when the address is none that this NAT leads to
   */
  receive(frame: Frame, from: number): boolean {
    const destination = frame.destinationIp3 >>> 0;
    if (this.#isOwn(destination) || isLoopback(destination)) return false;
    if (!this.#options.mayReach(destination)) return false;
    const client = this.#clientOf(frame, from);
    if (client === undefined) {
      this.refused++;
      return true;
    }
    if (frame.protocol === ipProtocols.tcp && !this.#mayPass(frame, client)) return true;
    translateQuoted(frame, "destination", client.address, client.outer);
    translateAddress(frame, "source", client.outer);
    const { buffer, start, end } = frame;
    const bytes = blockHeaderBytes + end - start;
    if (this.#batchEnd + bytes > this.#batch.length) this.flush();
    this.#batch.writeUInt32BE(end - start, this.#batchEnd);
    buffer.copy(this.#batch, this.#batchEnd + blockHeaderBytes, start, end);
    this.#batchEnd += bytes;
    return true;
  }

  /** Sends what was taken since. */
  flush(): void {
    const end = this.#batchEnd;
    if (end === 0) return;
    this.#batchEnd = 0;
    this.#options.sendOutside(this.#batch, 0, end);
  }

  /** Takes the frames that the kernel sends to the interface: the blocks of `buffer` from `start` to `end`, which it writes to. */
  deliver(buffer: Buffer, start: number, end: number): void {
    let runAt = start;
    for (let at = start; at < end;) {
      const frameAt = at + blockHeaderBytes;
      const next = frameAt + readUint32(buffer, at);
      if (!this.#translateInwards(buffer, frameAt, next)) {
        if (at > runAt) this.#options.sendInside(buffer, runAt, at);
        runAt = next;
      }
      at = next;
    }
    if (end > runAt) this.#options.sendInside(buffer, runAt, end);
  }

  /** Notes what a segment of a client begins or ends; one that begins too much is refused. */
  #mayPass(frame: Frame, client: Client): boolean {
    if (frame.transport !== "tcp") {
      // What the first fragment does not tell the kernel would put together, and nobody would have looked at (RFC 1858).
      return frame.transport === "fragment";
    }
    const { syn, ack, rst } = tcpFlags;
    const kind = frame.tcpFlags & (syn | ack | rst);
    if (kind !== syn && (kind & rst) === 0) return true;
    const key = connectionKey(
      client.outer,
      frame.sourcePort,
      frame.destinationIp3 >>> 0,
      frame.destinationPort,
    );
    if (kind !== syn) this.#halfOpen.end(key);
    else if (!this.#halfOpen.begin(key, client, client.usedAt)) {
      this.refused++;
      const { writer, router } = this.#options;
      if (this.#segment.read(frame.buffer, frame.transportAt, frame.packetEnd))
        refuseSegment(writer, router, frame, this.#segment);
      return false;
    }
    return true;
  }

  /** Notes what an answer from outside ends, the frame as the kernel has it. */
  #noteAnswer(frame: Frame, client: Client): void {
    if (client.halfOpen === 0) return;
    const { buffer, transportAt: at, packetEnd } = frame;
    const remote = frame.sourceIp3 >>> 0;
    if (frame.transport === "tcp") {
      // The first answer of any kind.
      this.#halfOpen.end(connectionKey(client.outer, frame.destinationPort, remote, frame.sourcePort));
      return;
    }
    if (frame.transport !== "icmp" || frame.icmpType !== unreachable) return;
    const quotedAt = at + icmpHeaderBytes;
    if (quotedAt + ipv4HeaderBytes > packetEnd) return;
    const portsAt = quotedAt + ((buffer[quotedAt] as number) & 0xf) * 4;
    if (buffer[quotedAt + 9] !== ipProtocols.tcp || portsAt + 4 > packetEnd) return;
    const [port, quotedRemote] = [read16(buffer, portsAt), read32(buffer, quotedAt + 16) >>> 0];
    this.#halfOpen.end(connectionKey(client.outer, port, quotedRemote, read16(buffer, portsAt + 2)));
  }

  #isOwn(address: number): boolean {
    return address - this.#options.network >= 0 && address - this.#options.network < outerNetwork.hosts;
  }

  #clientOf(frame: Frame, from: number): Client | undefined {
    const address = frame.sourceIp3 >>> 0;
    const { source0, source1 } = frame;
    const client = this.#clients.get(address) ?? this.#newClient(address, from);
    if (client === undefined) return undefined;
    if (client.source !== from) this.#shares.move(client, from);
    client.mac0 = source0;
    client.mac1 = source1;
    client.usedAt = this.#options.now();
    return client;
  }

  /**
   * The last bits of both addresses are alike where that place is free: clients keep theirs when the server starts again, and with it the
   * connections that the kernel knows of.
   */
  #newClient(address: number, from: number): Client | undefined {
    if (this.#clients.size >= kernelNatLimits.clients && !this.#forgetOne(from)) return undefined;
    let host = address % outerNetwork.hosts;
    while (
      host < outerNetwork.firstClient ||
      host === outerNetwork.hosts - 1 ||
      this.#byHost[host] !== undefined
    ) {
      host = (host + 1) % outerNetwork.hosts;
    }
    const usedAt = this.#options.now();
    const outer = this.#options.network + host;
    const client = { source: from, address, outer, mac0: 0, mac1: 0, usedAt, halfOpen: 0 };
    this.#clients.set(address, client);
    this.#shares.add(client);
    this.#byHost[host] = client;
    return client;
  }

  /** Makes room for a session that has less than others by a client of the one with most, else by one that is quiet, if any is. */
  #forgetOne(from: number): boolean {
    const largest = this.#shares.largest();
    if (this.#shares.of(from) < this.#shares.of(largest) - 1) {
      this.#forget(this.#shares.oldest(largest));
      return true;
    }
    const now = this.#options.now();
    if (now < this.#fullUntil) return false;
    let quietest: Client | undefined;
    for (const client of this.#clients.values()) {
      if (client.usedAt < (quietest?.usedAt ?? Infinity)) quietest = client;
    }
    if (quietest === undefined || now - quietest.usedAt < kernelNatLimits.quietMs) {
      this.#fullUntil = now + kernelNatLimits.fullMs;
      return false;
    }
    this.#forget(quietest);
    return true;
  }

  #forget(client: Client | undefined): void {
    if (client === undefined) return;
    this.#clients.delete(client.address);
    this.#shares.delete(client);
    this.#byHost[client.outer - this.#options.network] = undefined;
  }

  /** @returns whether the frame is for a client, as which it is now */
  #translateInwards(buffer: Buffer, start: number, end: number): boolean {
    const frame = this.#frame;
    if (!frame.read(buffer, start, end) || frame.network !== "ipv4") return false;
    const { network, router } = this.#options;
    const host = (frame.destinationIp3 >>> 0) - network;
    const client = host < 0 ? undefined : this.#byHost[host];
    if (client === undefined || end - start > blockLimits.frameBytes) return false;
    this.#noteAnswer(frame, client);
    translateQuoted(frame, "source", client.outer, client.address);
    translateAddress(frame, "destination", client.address);
    // Such as that a packet has come too far: for clients the virtual host is the router.
    if (frame.sourceIp3 >>> 0 === network + outerNetwork.kernel)
      translateAddress(frame, "source", router.address);
    buffer.writeUInt16BE(client.mac0, start);
    buffer.writeUInt32BE(client.mac1 >>> 0, start + 2);
    return true;
  }
}

/** Where a kernel forwards nothing to; who opens it to clients has sockets lead there. */
function isLoopback(address: number): boolean {
  return address >>> 24 === 127;
}
