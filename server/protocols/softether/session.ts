import type { Link, SessionEnd, VpnSession } from "../../access/vpn-session.ts";
import type { HubAttachment, HubPort } from "../../hub/hub-port.ts";
import type { Work } from "../../hub/hub-time.ts";
import type { Policy } from "../../settings/policy.ts";
import { blockLimits, sessionLimits } from "../../limits.ts";
import {
  BlockDecoder,
  blockHeaderBytes,
  encodeKeepAlive,
  readUint32,
  type BlockSink,
} from "../../wire/block-stream.ts";
import { decompressFrame } from "../../wire/frame-compression.ts";
import { isPriorityFrame } from "../../ethernet/priority-frame.ts";
import { BatchCompressor } from "./batch-compressor.ts";
import { Outbox, type Batch } from "./outbox.ts";
import type { QueueAccount, QueueMemory } from "./queue-memory.ts";
import type { ConnectionEvents, Direction, SessionConnection } from "./session-connection.ts";
import { SessionInput } from "./session-input.ts";
import type { SlabPool } from "./slab-pool.ts";

/** What a session gets from its surroundings. */
export interface SessionEnvironment {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly randomBytes: (count: number) => Buffer;
  /** A whole number from `least` up to, and without, `below`. */
  readonly randomInt: (least: number, below: number) => number;
  readonly slabs: SlabPool;
  /** Of what waits in all sessions. */
  readonly memory: QueueMemory;
  /** A session ends with its last connection, instead of waiting for its client to come back. */
  readonly endsWithLastConnection?: boolean;
}

export interface SessionOptions {
  readonly name: string;
  readonly hubName: string;
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
  /** To the peer: more waited than there was memory for, see {@link QueueMemory}. */
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
  readonly input: SessionInput;
  /** What was handed over and is not with the system yet. */
  batch: Batch | undefined;
}

/** What waits for the peer: with compression, it is compressed on its way out. */
interface Lane {
  readonly outbox: Outbox;
  readonly source: Pick<BatchCompressor, "shift" | "clear" | "isEmpty"> | Outbox;
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
export class Session implements VpnSession, Work {
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
  readonly #account: QueueAccount;
  readonly #lane: Lane;
  /** For frames that should not wait, where the session has a connection for them. */
  readonly #priorityLane: Lane;
  readonly #scratch: Buffer;
  #lastHeard: number;
  /** How many blocks could not be read lately: one more with each, one less with each that could. */
  #unreadable = 0;
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
    this.#account = environment.memory.open(options.hubName, options.user.name);
    this.#lane = this.#createLane();
    this.#priorityLane = this.#createLane();
    // One byte more, by which a frame is seen to be too long.
    const scratchBytes = blockHeaderBytes + blockLimits.frameBytes + 1;
    this.#scratch = Buffer.allocUnsafe(options.link.compress ? scratchBytes : 0);
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
    const attachment = this.#attachment;
    if (attachment === undefined) throw new Error("a session gets connections when it is in its hub");
    const now = this.#environment.now();
    const input = new SessionInput({
      connection,
      time: attachment.time,
      createDecoder: (isOver) =>
        new BlockDecoder({
          sink: this.#createSink(attachment, isOver, () => {
            opened.lastHeard = this.#lastHeard = this.#environment.now();
          }),
          frameBytes: this.link.compress ? blockLimits.blockBytes : blockLimits.frameBytes,
        }),
      onFault: () => this.#giveUp(opened),
    });
    const opened: OpenConnection = {
      connection,
      peerAddress,
      direction,
      lastHeard: now,
      nextKeepAlive: now,
      input,
      batch: undefined,
    };
    this.#open.push(opened);
    this.#connectionsChanged();
    this.#keepAlive(opened, now);
    attachment.time.later(this);
    return {
      receive: (chunk) => {
        if (!this.#ended) input.receive(chunk);
      },
      closed: () => {
        input.close();
        this.#remove(opened);
        // It was never sent, and nobody reads it any more.
        if (opened.batch !== undefined) this.#lane.outbox.release(opened.batch);
        opened.batch = undefined;
      },
    };
  }

  /** Takes frames from the hub; see {@link HubPort.deliver}. */
  deliver(buffer: Buffer, start: number, end: number, frames: number): void {
    if (this.#ended) return;
    if (this.#hasPriorityConnection) this.#pushByPriority(buffer, start, end);
    else this.#push(this.#lane, buffer, start, end, frames);
    // To compress takes its time, and has a turn of its own.
    if (this.#lane.outbox.hasFullBatch && !this.link.compress) this.work(never);
    else this.#attachment?.time.later(this);
  }

  /** Hands what waits to the connections, as far as they take it. */
  work(isOver: () => boolean): boolean {
    if (this.#ended) return false;
    const hasMorePriority = this.#send(this.#priorityLane, () => idle(this.#sending.at(-1)), isOver);
    return this.#send(this.#lane, () => this.#idleConnection(), isOver) || hasMorePriority;
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
    this.#attachment?.time.forget(this);
    this.#lane.source.clear();
    this.#priorityLane.source.clear();
    this.#account.close();
    for (const { connection, input } of this.#open.splice(0)) {
      input.close();
      connection.close();
    }
    this.#connectionsChanged();
    this.#onEnd(reason, cause);
  }

  get #hasPriorityConnection(): boolean {
    return this.link.qos && this.#sending.length > 1;
  }

  #createLane(): Lane {
    const { slabs } = this.#environment;
    const outbox = new Outbox(slabs, this.#account);
    return {
      outbox,
      source: this.link.compress ? new BatchCompressor(outbox, slabs, this.#account) : outbox,
    };
  }

  #createSink(attachment: HubAttachment, isOver: () => boolean, alive: () => void): BlockSink {
    return {
      alive,
      oversized: () => void this.drops.oversized++,
      blocks: this.link.compress
        ? (buffer, start, end) => this.#forwardCompressed(attachment, buffer, start, end, isOver)
        : (buffer, start, end) => attachment.forward(buffer, start, end, isOver),
    };
  }

  #forwardCompressed(
    attachment: HubAttachment,
    buffer: Buffer,
    start: number,
    end: number,
    isOver: () => boolean,
  ): number {
    const scratch = this.#scratch;
    let at = start;
    do {
      const frameAt = at + blockHeaderBytes;
      at = frameAt + readUint32(buffer, at);
      const compressed = buffer.subarray(frameAt, at);
      const bytes = decompressFrame(compressed, scratch, blockHeaderBytes, blockLimits.frameBytes);
      if (bytes === undefined) {
        this.drops.notDecompressed++;
        if (++this.#unreadable >= sessionLimits.unreadableBlocks) {
          this.end(
            "sent what cannot be read",
            `${this.drops.notDecompressed} blocks that are not compressed frames`,
          );
          return end;
        }
        continue;
      }
      if (this.#unreadable > 0) this.#unreadable--;
      scratch.writeUInt32BE(bytes, 0);
      if (bytes > 0) attachment.forward(scratch, 0, blockHeaderBytes + bytes);
    } while (at < end && !isOver());
    return at;
  }

  #push({ outbox }: Lane, buffer: Buffer, start: number, end: number, frames: number): void {
    if (!outbox.push(buffer, start, end, frames)) this.drops.queueFull += frames;
  }

  #pushByPriority(buffer: Buffer, start: number, end: number): void {
    let runStart = start;
    let runFrames = 0;
    let runLane = this.#lane;
    for (let at = start; at < end;) {
      const frameAt = at + blockHeaderBytes;
      const next = frameAt + readUint32(buffer, at);
      const lane = isPriorityFrame(buffer, frameAt, next) ? this.#priorityLane : this.#lane;
      if (lane !== runLane) {
        if (runFrames > 0) this.#push(runLane, buffer, runStart, at, runFrames);
        runStart = at;
        runFrames = 0;
        runLane = lane;
      }
      runFrames++;
      at = next;
    }
    if (runFrames > 0) this.#push(runLane, buffer, runStart, end, runFrames);
  }

  /**
   * Sends one batch at a time by each connection: what comes in meanwhile makes the next one larger, waits where it can be
   * dropped, and costs no copy of its own.
   *
   * @returns whether more could be sent, if there were time
   */
  #send({ source, outbox }: Lane, choose: () => OpenConnection | undefined, isOver: () => boolean): boolean {
    while (!source.isEmpty) {
      const open = choose();
      if (open === undefined) return false;
      const batch = source.shift(isOver);
      if (batch === undefined) return true;
      open.batch = batch;
      open.connection.send(batch.bytes, () => {
        if (open.batch !== batch) return;
        open.batch = undefined;
        outbox.release(batch);
        if (this.#open.includes(open)) this.#attachment?.time.begin(this);
      });
      if (isOver()) return !source.isEmpty;
    }
    return false;
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
    open.input.close();
    this.#connectionsChanged();
    if (this.#open.length === 0 && this.#environment.endsWithLastConnection) this.end("connection lost");
    else this.#attachment?.time.later(this);
  }

  #connectionsChanged(): void {
    this.#sending = this.#open.filter(({ direction }) => direction !== "client-to-server");
  }
}

/** The connection if nothing is on its way on it. */
function idle(open: OpenConnection | undefined): OpenConnection | undefined {
  return open?.batch === undefined ? open : undefined;
}

function never(): boolean {
  return false;
}
