import type { Link, SessionEnd, VpnSession } from "../../access/vpn-session.ts";
import type { HubAttachment, HubPort } from "../../hub/hub-port.ts";
import type { Policy } from "../../settings/policy.ts";
import { blockLimits, sessionLimits } from "../../limits.ts";
import {
  BlockDecoder,
  blockHeaderBytes,
  encodeKeepAlive,
  readUint32,
  type BlockSink,
} from "../../wire/block-stream.ts";
import { compressFrame, decompressFrame } from "../../wire/frame-compression.ts";
import { isPriorityFrame } from "../../ethernet/priority-frame.ts";
import { Outbox, type Batch } from "./outbox.ts";
import type { ConnectionEvents, Direction, SessionConnection } from "./session-connection.ts";
import type { SlabPool } from "./slab-pool.ts";

/** What a session gets from its surroundings. */
export interface SessionEnvironment {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly randomBytes: (count: number) => Buffer;
  /** A whole number from `least` up to, and without, `below`. */
  readonly randomInt: (least: number, below: number) => number;
  /** Calls {@link Session.flush} once what is at hand has been read. */
  readonly requestFlush: (session: Session) => void;
  readonly slabs: SlabPool;
  /** Bytes that wait in all sessions. */
  readonly queued: { bytes: number };
  /** A session ends with its last connection, instead of waiting for its client to come back. */
  readonly endsWithLastConnection?: boolean;
}

export interface SessionOptions {
  readonly name: string;
  readonly user: HubPort["user"];
  readonly policy: Policy;
  readonly monitor: boolean;
  readonly peerAddress: string;
  /** By which another connection names the session. */
  readonly key: Buffer;
  readonly link: Link;
  readonly environment: SessionEnvironment;
  /** Called once, when the session has ended by itself or by {@link Session.end}. */
  readonly onEnd: (reason: SessionEnd, cause?: string) => void;
}

/** Why frames did not reach the peer, or the hub; counted in frames. */
export interface SessionDrops {
  /** To the peer: more waited than {@link sessionLimits.queueBytes}. */
  queueFull: number;
  /** From the peer: longer than {@link blockLimits.frameBytes}. */
  oversized: number;
  /** From the peer: what came in compressed could not be read. */
  notDecompressed: number;
}

interface OpenConnection {
  readonly connection: SessionConnection;
  readonly peerAddress: string;
  readonly direction: Direction;
  lastHeard: number;
  nextKeepAlive: number;
  /** What was handed over and is not with the system yet. */
  batch: Batch | undefined;
}

/**
 * A VPN session: one user's place in a hub, carried by one to 32 TCP connections that come and go.
 *
 *     connected --last connection lost--> waiting --additional connection--> connected
 *         |                                  |
 *         +------- end(), timed out ---------+--> ended
 *
 * It owns no socket and no timer: {@link tick} tells it that time has passed.
 */
export class Session implements VpnSession {
  readonly kind = "session";
  readonly name: string;
  readonly user: HubPort["user"];
  readonly policy: Policy;
  readonly monitor: boolean;
  readonly peerAddress: string;
  readonly key: Buffer;
  readonly link: Link;
  readonly drops: SessionDrops = { queueFull: 0, oversized: 0, notDecompressed: 0 };
  readonly #environment: SessionEnvironment;
  readonly #onEnd: (reason: SessionEnd, cause?: string) => void;
  readonly #startedAt: number;
  readonly #open: OpenConnection[] = [];
  /** The ones of them that may send to the peer. */
  #sending: OpenConnection[] = [];
  readonly #outbox: Outbox;
  /** For frames that should not wait, where the session has a connection for them. */
  readonly #priorityOutbox: Outbox;
  readonly #scratch: Buffer;
  #handedOverBytes = 0;
  #lastHeard: number;
  #attachment: HubAttachment | undefined;
  #ended = false;

  constructor(options: SessionOptions) {
    const { environment } = options;
    this.name = options.name;
    this.user = options.user;
    this.policy = options.policy;
    this.monitor = options.monitor;
    this.peerAddress = options.peerAddress;
    this.key = options.key;
    this.link = options.link;
    this.#environment = environment;
    this.#onEnd = options.onEnd;
    this.#startedAt = this.#lastHeard = environment.now();
    this.#outbox = new Outbox(environment.slabs);
    this.#priorityOutbox = new Outbox(environment.slabs);
    this.#scratch = Buffer.allocUnsafe(options.link.compress ? blockHeaderBytes + blockLimits.blockBytes : 0);
  }

  /** Connections that carry the session now. */
  get connections(): number {
    return this.#open.length;
  }

  /** When something last came in, by the clock of its surroundings. */
  get lastHeardAt(): number {
    return this.#lastHeard;
  }

  /** Plugs the session into its hub; before, what comes in is dropped. */
  plugInto(attachment: HubAttachment): void {
    this.#attachment = attachment;
  }

  /** Whether another connection may be added. */
  get takesConnections(): boolean {
    return !this.#ended && this.#open.length < this.link.maxConnections;
  }

  /** The direction that the next connection gets; undefined in a session with frames both ways on each. */
  nextDirection(): Direction {
    if (!this.link.halfDuplex) return "both";
    let toClient = 0;
    let toServer = 0;
    for (const { direction } of this.#open) {
      if (direction === "server-to-client") toClient++;
      else toServer++;
    }
    // The first one, on which the login came, goes to the server.
    return toServer === 0 || toClient > toServer ? "client-to-server" : "server-to-client";
  }

  /** From where the client came, and where its connections come from now. */
  get peerAddresses(): string[] {
    return [...new Set([this.peerAddress, ...this.#open.map(({ peerAddress }) => peerAddress)])];
  }

  /** Adds a connection; what it receives from now on belongs to the data channel. */
  add(
    connection: SessionConnection,
    direction: Direction,
    peerAddress: string = this.peerAddress,
  ): ConnectionEvents {
    const now = this.#environment.now();
    const opened: OpenConnection = {
      connection,
      peerAddress,
      direction,
      lastHeard: now,
      nextKeepAlive: now,
      batch: undefined,
    };
    this.#open.push(opened);
    this.#connectionsChanged();
    this.#keepAlive(opened, now);
    this.#environment.requestFlush(this);
    const decoder = new BlockDecoder({
      sink: this.#sinkOf(opened),
      frameBytes: this.link.compress ? blockLimits.blockBytes : blockLimits.frameBytes,
    });
    return {
      receive: (chunk) => {
        if (this.#ended) return;
        if (decoder.receive(chunk) !== undefined) this.#giveUp(opened);
      },
      closed: () => {
        this.#remove(opened);
        // It was never sent, and nobody reads it any more.
        if (opened.batch !== undefined) this.#environment.slabs.release(opened.batch.slab);
        opened.batch = undefined;
      },
    };
  }

  /** Takes frames from the hub; see {@link HubPort.deliver}. */
  deliver(buffer: Buffer, start: number, end: number, frames: number): void {
    if (this.#ended) return;
    const { queued } = this.#environment;
    const bytes = end - start;
    const waiting = this.#outbox.bytes + this.#priorityOutbox.bytes + this.#handedOverBytes;
    if (waiting + bytes > sessionLimits.queueBytes || queued.bytes + bytes > sessionLimits.totalQueueBytes) {
      this.drops.queueFull += frames;
      return;
    }
    const before = this.#outbox.bytes + this.#priorityOutbox.bytes;
    if (this.link.compress) this.#pushCompressed(buffer, start, end);
    else if (this.#hasPriorityConnection) this.#pushByPriority(buffer, start, end);
    else this.#outbox.push(buffer, start, end, frames);
    queued.bytes += this.#outbox.bytes + this.#priorityOutbox.bytes - before;
    if (this.#outbox.hasFullBatch) this.flush();
    else this.#environment.requestFlush(this);
  }

  /** Hands what waits to the connections, as far as they take it. */
  flush(): void {
    if (this.#ended) return;
    if (this.#priorityOutbox.bytes > 0) this.#flushTo(this.#priorityOutbox, () => idle(this.#sending.at(-1)));
    if (this.#outbox.bytes > 0) this.#flushTo(this.#outbox, () => this.#idleConnection());
  }

  /** Does what is due: keep-alives, giving up silent connections, and the session after the last sign of life. */
  tick(): void {
    if (this.#ended) return;
    const now = this.#environment.now();
    const { timeoutMs } = this.link;
    if (now - this.#lastHeard > timeoutMs) return this.end("timed out");
    const { AutoDisconnect } = this.policy;
    if (AutoDisconnect > 0 && now - this.#startedAt > AutoDisconnect * 1000) {
      return this.end("automatic disconnection");
    }
    for (const open of [...this.#open]) {
      if (open.direction !== "server-to-client" && now - open.lastHeard > timeoutMs) this.#giveUp(open);
      else if (open.direction !== "client-to-server" && now >= open.nextKeepAlive) this.#keepAlive(open, now);
    }
  }

  /**
   * Ends the session and all its connections.
   *
   * @param cause for people, where the reason does not say it all
   */
  end(reason: SessionEnd, cause?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#attachment?.detach();
    this.#environment.queued.bytes -= this.#outbox.bytes + this.#priorityOutbox.bytes + this.#handedOverBytes;
    this.#outbox.clear();
    this.#priorityOutbox.clear();
    for (const { connection } of this.#open.splice(0)) connection.close();
    this.#connectionsChanged();
    this.#onEnd(reason, cause);
  }

  get #hasPriorityConnection(): boolean {
    return this.link.qos && this.#sending.length > 1;
  }

  #sinkOf(open: OpenConnection): BlockSink {
    return {
      alive: () => {
        open.lastHeard = this.#lastHeard = this.#environment.now();
      },
      oversized: () => void this.drops.oversized++,
      blocks: this.link.compress
        ? (buffer, start, end) => this.#forwardCompressed(buffer, start, end)
        : (buffer, start, end) => this.#attachment?.forward(buffer, start, end),
    };
  }

  #forwardCompressed(buffer: Buffer, start: number, end: number): void {
    const scratch = this.#scratch;
    for (let at = start; at < end;) {
      const frameAt = at + blockHeaderBytes;
      at = frameAt + readUint32(buffer, at);
      const bytes = decompressFrame(
        buffer.subarray(frameAt, at),
        scratch,
        blockHeaderBytes,
        blockLimits.frameBytes,
      );
      if (bytes === undefined) {
        this.drops.notDecompressed++;
        continue;
      }
      scratch.writeUInt32BE(bytes, 0);
      if (bytes > 0) this.#attachment?.forward(scratch, 0, blockHeaderBytes + bytes);
    }
  }

  #pushCompressed(buffer: Buffer, start: number, end: number): void {
    const scratch = this.#scratch;
    for (let at = start; at < end;) {
      const frameAt = at + blockHeaderBytes;
      at = frameAt + readUint32(buffer, at);
      const outbox = this.#outboxOf(buffer, frameAt, at);
      const bytes = compressFrame(buffer.subarray(frameAt, at), scratch, blockHeaderBytes);
      scratch.writeUInt32BE(bytes, 0);
      outbox.push(scratch, 0, blockHeaderBytes + bytes, 1);
    }
  }

  #pushByPriority(buffer: Buffer, start: number, end: number): void {
    let runStart = start;
    let runFrames = 0;
    let runOutbox = this.#outbox;
    for (let at = start; at < end;) {
      const frameAt = at + blockHeaderBytes;
      const next = frameAt + readUint32(buffer, at);
      const outbox = this.#outboxOf(buffer, frameAt, next);
      if (outbox !== runOutbox) {
        if (runFrames > 0) runOutbox.push(buffer, runStart, at, runFrames);
        runStart = at;
        runFrames = 0;
        runOutbox = outbox;
      }
      runFrames++;
      at = next;
    }
    if (runFrames > 0) runOutbox.push(buffer, runStart, end, runFrames);
  }

  #outboxOf(buffer: Buffer, frameAt: number, frameEnd: number): Outbox {
    return this.#hasPriorityConnection && isPriorityFrame(buffer, frameAt, frameEnd)
      ? this.#priorityOutbox
      : this.#outbox;
  }

  /**
   * Sends one batch at a time by each connection: what comes in meanwhile makes the next one larger, waits where it can be
   * dropped, and costs no copy of its own.
   */
  #flushTo(outbox: Outbox, choose: () => OpenConnection | undefined): void {
    while (outbox.bytes > 0) {
      const open = choose();
      if (open === undefined) return;
      const batch = outbox.shift();
      if (batch === undefined) return;
      open.batch = batch;
      this.#handedOverBytes += frameBytesOf(batch);
      open.connection.send(batch.bytes, () => {
        if (open.batch !== batch) return;
        open.batch = undefined;
        const bytes = frameBytesOf(batch);
        this.#environment.slabs.release(batch.slab);
        if (!this.#open.includes(open)) return;
        this.#handedOverBytes -= bytes;
        this.#environment.queued.bytes -= bytes;
        this.flush();
      });
    }
  }

  /**
   * The connection for the next batch: the first one as long as it keeps up, so that frames stay in order. In a session with
   * priority frames it is never the last, which is kept free for them.
   */
  #idleConnection(): OpenConnection | undefined {
    const count = this.#sending.length - (this.#hasPriorityConnection ? 1 : 0);
    for (let index = 0; index < count; index++) {
      const open = idle(this.#sending[index]);
      if (open !== undefined) return open;
    }
    return undefined;
  }

  #keepAlive(open: OpenConnection, now: number): void {
    if (open.direction === "client-to-server") return;
    const { randomBytes, randomInt } = this.#environment;
    const { timeoutMs } = this.link;
    open.nextKeepAlive = now + randomInt(Math.ceil(timeoutMs / 5), Math.floor(timeoutMs / 2));
    // One that waits behind frames would tell nothing that they do not.
    if (open.batch === undefined)
      open.connection.send(encodeKeepAlive(randomBytes(randomInt(0, blockLimits.keepAliveBytes))), () => {});
  }

  #giveUp(open: OpenConnection): void {
    this.#remove(open);
    open.connection.close();
  }

  #remove(open: OpenConnection): void {
    const index = this.#open.indexOf(open);
    if (index === -1) return;
    this.#open.splice(index, 1);
    const bytes = frameBytesOf(open.batch);
    this.#handedOverBytes -= bytes;
    this.#environment.queued.bytes -= bytes;
    this.#connectionsChanged();
    if (this.#open.length === 0 && this.#environment.endsWithLastConnection) this.end("connection lost");
    else this.#environment.requestFlush(this);
  }

  #connectionsChanged(): void {
    this.#sending = this.#open.filter(({ direction }) => direction !== "client-to-server");
  }
}

/** The connection if nothing is on its way on it. */
function idle(open: OpenConnection | undefined): OpenConnection | undefined {
  return open?.batch === undefined ? open : undefined;
}

/** Frames of a batch, with their lengths. */
function frameBytesOf(batch: Batch | undefined): number {
  return batch === undefined ? 0 : batch.bytes.length - blockHeaderBytes;
}
