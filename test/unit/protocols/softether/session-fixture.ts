import assert from "node:assert/strict";
import type { HubAttachment } from "../../../../server/hub/hub-port.ts";
import { defaultPolicy, type Policy } from "../../../../server/settings/policy.ts";
import { sessionLimits } from "../../../../server/limits.ts";
import type { Direction } from "../../../../server/protocols/softether/session-connection.ts";
import { Session, type SessionEnvironment } from "../../../../server/protocols/softether/session.ts";
import type { Link } from "../../../../server/access/vpn-session.ts";
import { QueueMemory } from "../../../../server/protocols/softether/queue-memory.ts";
import { SlabPool } from "../../../../server/protocols/softether/slab-pool.ts";
import { ThreadTime } from "../../../../server/hub/hub-time.ts";
import { BlockDecoder, readUint32 } from "../../../../server/wire/block-stream.ts";

/** Blocks as they stand on the wire. */
function blocksOf(...frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      return [length, frame];
    }),
  );
}

export function batchOf(...frames: readonly Uint8Array[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(frames.length);
  return Buffer.concat([count, blocksOf(...frames)]);
}

/** The frames in blocks. */
function framesIn(buffer: Buffer, start = 0, end = buffer.length): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = start; at < end;) {
    const next = at + 4 + readUint32(buffer, at);
    frames.push(Buffer.from(buffer.subarray(at + 4, next)));
    at = next;
  }
  return frames;
}

/** A peer's connection: keeps what was sent until the test says that the system took it. */
class FakeConnection {
  readonly name: string;
  readonly sent: Buffer[] = [];
  closed = false;
  readonly #waiting: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  isHeld = false;

  hold(): void {
    this.isHeld = true;
  }

  goOn(): void {
    this.isHeld = false;
  }

  send(bytes: Buffer, sent: () => void): void {
    this.sent.push(Buffer.from(bytes));
    this.#waiting.push(sent);
  }

  close(): void {
    this.closed = true;
  }

  /** The system takes what waits, and what is sent then. */
  drain(): void {
    for (let sent = this.#waiting.shift(); sent !== undefined; sent = this.#waiting.shift()) sent();
  }

  /** Frames and the number of keep-alives that were sent. */
  read(): { frames: Buffer[]; keepAlives: number } {
    const frames: Buffer[] = [];
    let alive = 0;
    const decoder = new BlockDecoder({
      frameBytes: 3200,
      sink: {
        alive: () => alive++,
        oversized: () => assert.fail("an oversized block was sent"),
        blocks: (buffer, start, end) => void frames.push(...framesIn(buffer, start, end)),
      },
    });
    let batches = 0;
    for (const bytes of this.sent) {
      if (readUint32(bytes, 0) !== 0xffff_ffff) batches++;
      assert.equal(decoder.receive(bytes), undefined);
    }
    return { frames, keepAlives: alive - batches };
  }
}

export function setUp(
  options: {
    link?: Partial<Link>;
    policy?: Partial<Policy>;
    monitor?: boolean;
    endsWithLastConnection?: boolean;
    slabs?: SlabPool;
    /** What each look at the clock of the turns takes. */
    msPerLook?: number;
  } = {},
) {
  const { slabs = new SlabPool(), msPerLook = 0 } = options;
  let now = 1_000_000;
  const forwarded: Buffer[] = [];
  const ends: string[] = [];
  let detached = 0;
  const memory = new QueueMemory(sessionLimits.totalQueueBytes);
  // What passes of a turn is what the test says.
  let turnMs = 0;
  const turns = new ThreadTime({ now: () => (turnMs += msPerLook), nextTurn: () => {} });
  const environment: SessionEnvironment = {
    now: () => now,
    randomBytes: (count) => Buffer.alloc(count, 1),
    randomInt: (least, below) => Math.floor((least + below) / 2),
    slabs,
    memory,
    endsWithLastConnection: options.endsWithLastConnection ?? false,
  };
  const session = new Session({
    name: "SID-ALICE-1",
    hubName: "DEFAULT",
    user: { name: "alice", group: undefined },
    policy: { ...defaultPolicy, ...options.policy },
    monitor: options.monitor ?? false,
    peerAddress: "192.0.2.1",
    key: Buffer.alloc(20),
    link: {
      timeoutMs: 20_000,
      maxConnections: 8,
      halfDuplex: false,
      encrypt: true,
      compress: false,
      qos: false,
      ...options.link,
    },
    environment,
    onEnd: (reason) => ends.push(reason),
  });
  const attachment: HubAttachment = {
    time: turns.createShare(),
    forward: (buffer, start, end) => {
      forwarded.push(...framesIn(buffer, start, end));
      return end;
    },
    detach: () => detached++,
  };
  session.plugInto(attachment);
  let connections = 0;
  return {
    session,
    slabs,
    forwarded,
    ends,
    memory,
    detached: () => detached,
    pass: (ms: number) => {
      now += ms;
      session.tick();
    },
    flush: () => turns.run(),
    join: (direction: Direction = session.nextDirection()) => {
      const connection = new FakeConnection(`CID-${++connections}`);
      const events = session.add(connection, direction);
      return { connection, events, direction };
    },
  };
}

export const deliver = (session: Session, ...frames: readonly Uint8Array[]) => {
  const blocks = blocksOf(...frames);
  session.deliver(blocks, 0, blocks.length, frames.length);
};

export const frame = (text: string) => Buffer.from(text.padEnd(60, "."));
