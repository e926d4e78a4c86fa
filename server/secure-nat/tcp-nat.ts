import { frameChecksum } from "../ethernet/frame-checksum.ts";
import type { Frame } from "../ethernet/frame.ts";
import { destinationAddress, endKey, sourceAddress, type IpAddress } from "../ethernet/packed-address.ts";
import { secureNatLimits, tcpLimits, tcpNatLimits } from "../limits.ts";
import { pieces } from "../tcp/piece-pool.ts";
import { IncomingSegment, tcpHeaderBytes, writeSegmentHeader, type SegmentHeader } from "../tcp/segment.ts";
import type { SendQueue } from "../tcp/send-queue.ts";
import { TcpConnection, type TcpEnd } from "../tcp/tcp-connection.ts";
import type { NatPerClient } from "../settings/secure-nat-settings.ts";
import { DueQueue, type Due } from "./due-queue.ts";
import { leastBound } from "./least-bound.ts";
import { isExhaustion } from "./nat-refusals.ts";
import { refuseSegment } from "./refuse-segment.ts";
import { Shares } from "./shares.ts";
import type { NatEntry } from "./nat-entry.ts";
import type { OutsideTcp, OutsideTcpEvents } from "./outside.ts";
import { ownerOf } from "./owner.ts";
import { ipProtocols, mostPayload, type PacketWriter, type Station } from "./packet-writer.ts";

export interface TcpNatOptions {
  /** Finds the way to an address and port outside; `undefined` when clients may not go there. */
  readonly route: (
    address: IpAddress,
    port: number,
  ) => ((events: OutsideTcpEvents) => OutsideTcp) | undefined;
  readonly writer: PacketWriter;
  /** MAC address of the virtual host, which is the way to every address outside. */
  readonly router: Omit<Station, "address">;
  readonly mtu: number;
  /** After so much silence on both sides a connection ends. */
  readonly timeoutMs: number;
  readonly now: () => number;
  /** 32 bits that nobody can guess. */
  readonly random: () => number;
  /** Of a client, as far as it is less than the server's own bounds. */
  readonly perClient: Pick<NatPerClient, "tcp" | "connecting">;
}

/** A connection of a client with the one of the host that stands for it. */
interface Mapping extends Due {
  source: number;
  /** Whose bounds it counts against, as {@link ownerOf} has it. */
  readonly owner: number;
  readonly client: Station;
  readonly clientPort: number;
  readonly remote: Station;
  readonly remotePort: number;
  readonly connection: TcpConnection;
  outside: OutsideTcp | undefined;
  /** What the client sent and was not passed on yet, and how much of the buffer that is. */
  gathered: Buffer | undefined;
  gatheredBytes: number;
  /** What the client has sent in this turn, and in the last one: the next may bring as much. */
  turnBytes: number;
  usualBytes: number;
  isPaused: boolean;
  /** No end outside has answered yet. */
  isConnecting: boolean;
  /** When the client or the other end last said something. */
  usedAt: number;
  readonly createdAt: number;
  /** Bytes from and to the client. */
  sent: number;
  received: number;
}

/**
 * TCP connections of clients to addresses outside: each one ends here, and one of the host's own takes its place. What one end does
 * not take is not read from the other.
 */
export class TcpNat {
  readonly #options: TcpNatOptions;
  readonly #perClient: Pick<NatPerClient, "tcp" | "connecting">;
  /** By address and port of the client, then of the other end. */
  readonly #mappings = new Map<number | string, Map<number | string, Mapping>>();
  /** What each client has, by its number as an owner. */
  readonly #clients = new Map<number, { connections: number; connecting: number }>();
  readonly #touched = new Set<Mapping>();
  /** All of them, none later than something of it is due. */
  readonly #due = new DueQueue<Mapping>();
  readonly #shares = new Shares<Mapping>(({ usedAt }) => usedAt);
  /** Of those that no end outside has answered yet. */
  readonly #connecting = new Shares<Mapping>(({ usedAt }) => usedAt);
  /** Those that are over and only remembered, by owner, the oldest first. */
  readonly #ended = new Map<number, Set<Mapping>>();
  readonly #segment = new IncomingSegment();
  #count = 0;

  constructor(options: TcpNatOptions) {
    this.#options = options;
    const { tcp, connecting } = options.perClient;
    this.#perClient = {
      tcp: leastBound(tcpNatLimits.perClient, tcp),
      connecting: leastBound(tcpNatLimits.connecting, connecting),
    };
  }

  /** Connections that were refused, or ended for others, because there were too many. */
  refused = 0;

  /** Connections, those that have just ended among them. */
  get count(): number {
    return this.#count;
  }

  /** All of them, with times by the clock of the options. */
  *mappings(): Generator<NatEntry> {
    for (const inner of this.#mappings.values()) {
      for (const { client, clientPort, remote, remotePort, connection, ...times } of inner.values()) {
        const { createdAt, usedAt, sent, received } = times;
        yield {
          protocol: "tcp",
          client: client.address,
          clientPort,
          remote: remote.address,
          remotePort,
          createdAt,
          usedAt,
          sent,
          received,
          state: connection.state,
        };
      }
    }
  }

  /** Takes a TCP segment of a client, which the port of the number `from` sent. */
  receive(frame: Frame, from: number): void {
    const { buffer, transportAt, packetEnd } = frame;
    if (frameChecksum(frame, ipProtocols.tcp) !== 0) return;
    const segment = this.#segment;
    if (!segment.read(buffer, transportAt, packetEnd)) return;
    const client = sourceAddress(frame);
    const remote = destinationAddress(frame);
    const inner = this.#mappings.get(endKey(client, frame.sourcePort));
    let mapping = inner?.get(endKey(remote, frame.destinationPort));
    const isFirst = segment.has("syn") && !segment.has("ack");
    if (mapping !== undefined && isFirst && mapping.connection.state === "time-wait") {
      this.#forget(mapping);
      mapping = undefined;
    }
    if (mapping === undefined) {
      if (isFirst && !segment.has("rst")) this.#open(frame, client, remote, from);
      else if (!segment.has("rst")) this.#refuse(frame);
      return;
    }
    if (mapping.source !== from) this.#moveTo(mapping, from);
    // To a question whether it is still there the client only answers.
    if (segment.payloadEnd > segment.payloadAt) mapping.usedAt = this.#options.now();
    mapping.connection.receive(segment);
    this.#touch(mapping);
  }

  /**
   * What was at hand has been received: what it leads to goes on, for one connection at least.
   *
   * @returns whether some are left
   */
  flush(isOver: () => boolean): boolean {
    for (const mapping of this.#touched) {
      this.#touched.delete(mapping);
      mapping.usualBytes = mapping.turnBytes;
      mapping.turnBytes = 0;
      this.#passOn(mapping);
      mapping.connection.flush();
      this.#setDue(mapping);
      this.#noteEnd(mapping);
      if (isOver()) break;
    }
    return this.#touched.size > 0;
  }

  /**
   * Does what is due.
   *
   * @returns when something will be due next, if nothing is received or sent until then
   */
  tick(): number {
    const { now: clock, timeoutMs } = this.#options;
    const now = clock();
    let left = tcpNatLimits.dueAtOnce as number;
    for (;;) {
      const mapping = this.#due.first;
      if (mapping === undefined) return Infinity;
      if (mapping.dueAt > now) return mapping.dueAt;
      if (left-- === 0) return now;
      const { connection, usedAt } = mapping;
      if (now - usedAt > timeoutMs) connection.abort();
      else if (connection.deadline <= now) connection.timeout();
      if (mapping.dueIndex !== -1) this.#due.set(mapping, this.#dueAt(mapping));
    }
  }

  /** Ends all of them, one after the other. */
  *close(): Generator<undefined, void, undefined> {
    for (const inner of this.#mappings.values()) {
      for (const { connection } of inner.values()) {
        connection.abort();
        yield;
      }
    }
  }

  #open(frame: Frame, client: IpAddress, remote: IpAddress, from: number): void {
    const { now, random, mtu, route } = this.#options;
    const owner = ownerOf(client, from);
    const hasRoom = this.#hasRoom(owner, from) || (this.#forgetEnded(owner) && this.#hasRoom(owner, from));
    if (!hasRoom) this.refused++;
    const connect = hasRoom ? route(remote, frame.destinationPort) : undefined;
    if (connect === undefined) {
      this.#refuse(frame);
      return;
    }
    if (this.#count >= tcpNatLimits.connections) this.#makeRoom();
    const events = {
      data: (buffer: Buffer, start: number, end: number) => this.#gather(mapping, buffer, start, end),
      ended: () => {
        this.#passOn(mapping);
        mapping.outside?.end();
      },
      acknowledged: () => {
        if (!mapping.isPaused || mapping.connection.pending > this.#share() / 2) return;
        mapping.isPaused = false;
        mapping.outside?.resume();
      },
      closed: (reason: TcpEnd) => {
        // What the client has said to the end may still be on its way to the other end, which then closes by itself.
        if (reason !== "done") mapping.outside?.destroy();
        mapping.outside = undefined;
        this.#forget(mapping);
      },
    };
    const connection = new TcpConnection(this.#segment, {
      now,
      initialSequence: random(),
      mss: mostPayload(client, mtu) - tcpHeaderBytes,
      receiveBytes: () => this.#share(),
      send: (header, queue, position, bytes) => this.#send(mapping, header, queue, position, bytes),
      events,
    });
    const mapping: Mapping = {
      source: from,
      owner,
      client: { mac0: frame.source0, mac1: frame.source1, address: client },
      clientPort: frame.sourcePort,
      remote: { ...this.#options.router, address: remote },
      remotePort: frame.destinationPort,
      connection,
      outside: undefined,
      gathered: undefined,
      gatheredBytes: 0,
      turnBytes: 0,
      usualBytes: 0,
      isPaused: false,
      isConnecting: true,
      dueAt: Infinity,
      dueIndex: -1,
      usedAt: now(),
      createdAt: now(),
      sent: 0,
      received: 0,
    };
    this.#enter(mapping);
    mapping.outside = connect({
      connected: () => {
        this.#countConnected(mapping);
        connection.accept();
        this.#setDue(mapping);
      },
      data: (bytes) => {
        mapping.usedAt = now();
        mapping.received += bytes.length;
        connection.write(bytes);
        this.#setDue(mapping);
        if (connection.pending <= this.#share() || mapping.isPaused) return;
        mapping.isPaused = true;
        mapping.outside?.pause();
      },
      ended: () => {
        connection.end();
        this.#setDue(mapping);
      },
      failed: (error) => {
        if (isExhaustion(error)) this.refused++;
        mapping.outside = undefined;
        connection.abort();
      },
    });
  }

  /** Whether there may be another connection of a client: of a session that has less than others, even where there are too many. */
  #hasRoom(owner: number, from: number): boolean {
    const { connections } = tcpNatLimits;
    const { tcp, connecting } = this.#perClient;
    const its = this.#clients.get(owner);
    const own = this.#shares.of(from);
    if (own >= connections * secureNatLimits.sessionShare) return false;
    if (this.#count >= connections && own >= this.#shares.of(this.#shares.largest()) - 1) return false;
    return its === undefined || (its.connections < tcp && its.connecting < connecting);
  }

  #noteEnd(mapping: Mapping): void {
    const isForgotten = mapping.dueIndex === -1;
    if (isForgotten || mapping.connection.state !== "time-wait") return;
    const those = this.#ended.get(mapping.owner);
    if (those === undefined) this.#ended.set(mapping.owner, new Set([mapping]));
    else those.add(mapping);
  }

  /**
   * Gives the place of a client's connection to another one of the same client, if it is over on both sides.
   *
   * @returns whether there was such a one
   */
  #forgetEnded(owner: number): boolean {
    const [oldest] = this.#ended.get(owner) ?? [];
    if (oldest === undefined) return false;
    this.#forget(oldest);
    return true;
  }

  /** Ends a connection of the session that has most: one that waits for its other end, else the one that says least. */
  #makeRoom(): void {
    const largest = this.#shares.largest();
    this.refused++;
    (this.#connecting.oldest(largest) ?? this.#shares.oldest(largest))?.connection.abort();
  }

  #moveTo(mapping: Mapping, source: number): void {
    if (mapping.isConnecting) this.#connecting.delete(mapping);
    this.#shares.move(mapping, source);
    if (mapping.isConnecting) this.#connecting.add(mapping);
  }

  /** Bytes that a connection may hold in either direction: the more there are, the less each has. */
  #share(): number {
    const { totalBytes, leastBytes } = tcpNatLimits;
    return Math.max(Math.min(totalBytes / this.#count, tcpLimits.receiveBytes), leastBytes);
  }

  #gather(mapping: Mapping, buffer: Buffer, start: number, end: number): void {
    mapping.sent += end - start;
    for (let from = start; from < end;) {
      if (mapping.gatheredBytes === mapping.gathered?.length) this.#passOn(mapping);
      mapping.gathered ??= pieces.take(Math.max(end - from, mapping.usualBytes, mapping.turnBytes));
      const copied = buffer.copy(mapping.gathered, mapping.gatheredBytes, from, end);
      mapping.gatheredBytes += copied;
      mapping.turnBytes += copied;
      from += copied;
    }
    this.#touch(mapping);
  }

  /** Gives the host's connection what the client sent. */
  #passOn(mapping: Mapping): void {
    const { gathered, gatheredBytes: bytes, connection, outside } = mapping;
    if (gathered === undefined) return;
    mapping.gathered = undefined;
    mapping.gatheredBytes = 0;
    outside?.write(gathered.subarray(0, bytes), () => {
      pieces.release(gathered);
      connection.consumed(bytes);
      connection.flush();
    });
  }

  #touch(mapping: Mapping): void {
    this.#touched.add(mapping);
  }

  #send(mapping: Mapping, header: SegmentHeader, queue: SendQueue, position: number, bytes: number): void {
    const { writer } = this.#options;
    const at = writer.begin(mapping.remote, mapping.client, ipProtocols.tcp);
    const payloadAt = writeSegmentHeader(writer.buffer, at, mapping.remotePort, mapping.clientPort, header);
    if (bytes > 0) queue.copy(position, bytes, writer.buffer, payloadAt);
    writer.finishTransport(payloadAt + bytes, ipProtocols.tcp, at + 16);
  }

  /** When something is due by what a connection knows now. A millisecond more, since only then the time-out is exceeded. */
  #dueAt({ connection, usedAt }: Mapping): number {
    return Math.min(connection.deadline, usedAt + this.#options.timeoutMs + 1);
  }

  /** Sees to what is due sooner than before. What is due later is found out when its former time has come. */
  #setDue(mapping: Mapping): void {
    const dueAt = this.#dueAt(mapping);
    if (dueAt < mapping.dueAt && mapping.dueIndex !== -1) this.#due.set(mapping, dueAt);
  }

  #refuse(frame: Frame): void {
    const { writer, router } = this.#options;
    refuseSegment(writer, router, frame, this.#segment);
  }

  #enter(mapping: Mapping): void {
    const key = endKey(mapping.client.address, mapping.clientPort);
    const inner = this.#mappings.get(key) ?? new Map<number, Mapping>();
    this.#mappings.set(key, inner);
    inner.set(endKey(mapping.remote.address, mapping.remotePort), mapping);
    this.#count++;
    this.#shares.add(mapping);
    this.#connecting.add(mapping);
    this.#due.set(mapping, this.#dueAt(mapping));
    const its = this.#clients.get(mapping.owner) ?? { connections: 0, connecting: 0 };
    this.#clients.set(mapping.owner, its);
    its.connections++;
    its.connecting++;
  }

  #forget(mapping: Mapping): void {
    const key = endKey(mapping.client.address, mapping.clientPort);
    const inner = this.#mappings.get(key);
    const remoteKey = endKey(mapping.remote.address, mapping.remotePort);
    if (inner?.get(remoteKey) !== mapping) return;
    inner.delete(remoteKey);
    if (inner.size === 0) this.#mappings.delete(key);
    if (--this.#count === 0) pieces.clear();
    this.#shares.delete(mapping);
    this.#due.delete(mapping);
    const ended = this.#ended.get(mapping.owner);
    if (ended?.delete(mapping) === true && ended.size === 0) this.#ended.delete(mapping.owner);
    this.#countConnected(mapping);
    const its = this.#clients.get(mapping.owner);
    if (its !== undefined && --its.connections === 0) this.#clients.delete(mapping.owner);
  }

  /** No end outside has to answer for it any more. */
  #countConnected(mapping: Mapping): void {
    if (!mapping.isConnecting) return;
    mapping.isConnecting = false;
    this.#connecting.delete(mapping);
    const its = this.#clients.get(mapping.owner);
    if (its !== undefined) its.connecting--;
  }
}
