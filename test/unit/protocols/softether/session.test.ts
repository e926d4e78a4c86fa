import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";
import type { HubAttachment } from "../../../../server/hub/hub-port.ts";
import { defaultPolicy, type Policy } from "../../../../server/settings/policy.ts";
import { sessionLimits, slabLimits, turnLimits } from "../../../../server/limits.ts";
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

function batchOf(...frames: readonly Uint8Array[]): Buffer {
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

function setUp(
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

const deliver = (session: Session, ...frames: readonly Uint8Array[]) => {
  const blocks = blocksOf(...frames);
  session.deliver(blocks, 0, blocks.length, frames.length);
};

const frame = (text: string) => Buffer.from(text.padEnd(60, "."));
/** IPv4 with the type of service 0xb8, as telephones send it. */
const voice = Buffer.concat([Buffer.alloc(12), Buffer.from("080045b8", "hex"), Buffer.alloc(44)]);

interface Joined {
  readonly session: Session;
  readonly joined: ReturnType<ReturnType<typeof setUp>["join"]>;
}

describe("session", () => {
  test("hands frames of any connection to the hub, and sends those of the hub", () => {
    const { session, join, flush, forwarded } = setUp();
    const first = join();
    const second = join();
    first.events.receive(batchOf(frame("one"), frame("two")));
    second.events.receive(batchOf(frame("three")));
    assert.deepEqual(forwarded, [frame("one"), frame("two"), frame("three")]);
    deliver(session, frame("a"), frame("b"));
    deliver(session, frame("c"));
    flush();
    const sent = [...first.connection.read().frames, ...second.connection.read().frames];
    assert.deepEqual(sent, [frame("a"), frame("b"), frame("c")]);
  });

  test("sends all frames of one turn in one write", () => {
    const { session, join, flush } = setUp();
    const { connection } = join();
    const before = connection.sent.length;
    for (let count = 0; count < 50; count++) deliver(session, frame(String(count)));
    flush();
    assert.equal(connection.sent.length, before + 1);
    assert.equal(connection.read().frames.length, 50);
  });

  test("sends a keep-alive at once and then within half of the time-out, on each connection", () => {
    const { join, pass } = setUp();
    const connections = [join().connection, join().connection];
    for (const connection of connections) assert.equal(connection.read().keepAlives, 1);
    let elapsed = 0;
    while (connections.some((connection) => connection.read().keepAlives < 2)) {
      for (const connection of connections) connection.drain();
      pass(250);
      elapsed += 250;
      assert.ok(elapsed <= 10_000, "no keep-alive within half of the time-out");
    }
    assert.ok(elapsed >= 4_000);
  });

  test("closes a connection that is silent for the time-out and lives on by the others", () => {
    const { join, pass, ends } = setUp();
    const silent = join();
    const talking = join();
    for (let elapsed = 0; elapsed <= 21_000; elapsed += 1000) {
      talking.events.receive(batchOf());
      talking.events.receive(batchOf(frame("sign of life")));
      pass(1000);
    }
    assert.equal(silent.connection.closed, true);
    assert.equal(talking.connection.closed, false);
    assert.deepEqual(ends, []);
  });

  test("outlives the loss of every connection until the time-out, and goes on with a new one", () => {
    const { session, join, pass, ends, flush } = setUp();
    join().events.closed();
    deliver(session, frame("kept"));
    flush();
    pass(19_000);
    assert.deepEqual(ends, []);
    const { connection, events } = join();
    flush();
    assert.deepEqual(connection.read().frames, [frame("kept")]);
    events.receive(batchOf(frame("sign of life")));
    pass(19_000);
    assert.deepEqual(ends, []);
    pass(2_000);
    assert.deepEqual(ends, ["timed out"]);
    assert.equal(connection.closed, true);
    assert.equal(session.takesConnections, false);
  });

  test("ends when connections come and go without a sign of life", () => {
    const { join, pass, ends } = setUp();
    for (let elapsed = 0; elapsed <= 20_000; elapsed += 1000) {
      join().events.closed();
      pass(1000);
    }
    assert.deepEqual(ends, ["timed out"]);
  });

  test("ends with its last connection where none may come back, and not before the first", () => {
    const { session, join, pass, ends } = setUp({ endsWithLastConnection: true });
    pass(1000);
    const [first, second] = [join(), join()];
    first.events.closed();
    assert.deepEqual(ends, []);
    second.events.closed();
    assert.deepEqual(ends, ["connection lost"]);
    assert.equal(session.takesConnections, false);
  });

  test("ends once, unplugs itself and frees what waits", () => {
    const { session, join, ends, detached, memory } = setUp();
    const { connection, events } = join();
    deliver(session, frame("lost"));
    assert.ok(memory.bytes > 0);
    session.end("ended by the administrator");
    session.end("server stops");
    assert.deepEqual(ends, ["ended by the administrator"]);
    assert.equal(connection.closed, true);
    assert.equal(detached(), 1);
    assert.equal(memory.bytes, 0);
    events.closed();
    deliver(session, frame("late"));
    assert.equal(memory.bytes, 0);
  });

  test("ends after the time of the policy AutoDisconnect", () => {
    const { join, pass, ends } = setUp({ policy: { AutoDisconnect: 30 } });
    const { events } = join();
    for (let elapsed = 0; elapsed < 30; elapsed++) {
      events.receive(batchOf(frame("sign of life")));
      pass(1000);
    }
    assert.deepEqual(ends, []);
    pass(1000);
    assert.deepEqual(ends, ["automatic disconnection"]);
  });

  test("asks a connection to wait while there is no time for what it brings, and loses nothing of it", () => {
    const { join, forwarded, flush } = setUp({ link: { compress: true }, msPerLook: 0.3 });
    const { connection, events } = join();
    const frames = Array.from({ length: 100 }, (_, index) => frame(`frame ${index}`));
    const shared = batchOf(...frames.map((each) => deflateSync(each)));
    // Cut anywhere, and the buffer is another's afterwards.
    events.receive(shared.subarray(0, 700));
    assert.equal(connection.isHeld, true);
    events.receive(shared.subarray(700));
    shared.fill(0);
    assert.ok(forwarded.length < 20, `${forwarded.length} frames at once`);
    for (let turn = 0; turn < 100 && connection.isHeld; turn++) flush();
    assert.deepEqual(forwarded, frames);
    assert.equal(connection.isHeld, false);
  });

  test("closes a connection whose stream makes no sense", () => {
    const { join } = setUp();
    const { connection, events } = join();
    events.receive(Buffer.from("0000000100000c81", "hex"));
    assert.equal(connection.closed, true);
  });

  test("drops and counts what a slow peer does not take, and delivers the rest in order", () => {
    const { session, join, flush, memory } = setUp();
    const { connection } = join();
    const big = Buffer.alloc(1514, 7);
    const enough = Math.ceil((2 * sessionLimits.queueBytes) / big.length);
    for (let count = 0; count < enough; count++) deliver(session, big);
    assert.ok(session.drops.queueFull > 0);
    assert.ok(memory.bytes <= sessionLimits.queueBytes);
    const handedOver = connection.sent.reduce((sum, bytes) => sum + bytes.length, 0);
    assert.ok(handedOver <= 2 * slabLimits.bytes, `${handedOver} bytes at once`);
    connection.drain();
    flush();
    connection.drain();
    assert.equal(connection.read().frames.length + session.drops.queueFull, enough);
    assert.equal(memory.bytes, 0);
  });

  test("frees what a lost connection had not sent", () => {
    const { session, join, flush, memory, slabs } = setUp();
    const { events } = join();
    deliver(session, frame("lost with its connection"));
    flush();
    assert.ok(memory.bytes > 0);
    events.closed();
    assert.equal(memory.bytes, 0);
    assert.equal(slabs.lent, 0);
  });

  test("gives every buffer back once, however its connections and it end", () => {
    for (const end of [
      ({ session, joined }: Joined) => {
        session.end("hub offline");
        joined.connection.drain();
        joined.events.closed();
      },
      ({ session, joined }: Joined) => {
        session.end("hub offline");
        joined.events.closed();
        joined.connection.drain();
      },
      ({ session, joined }: Joined) => {
        joined.events.closed();
        joined.connection.drain();
        session.end("timed out");
      },
      ({ session, joined }: Joined) => {
        joined.connection.drain();
        session.end("timed out");
        joined.events.closed();
      },
    ]) {
      const { session, join, flush, slabs, memory } = setUp();
      const joined = join();
      for (let count = 0; count < 400; count++) deliver(session, Buffer.alloc(1514, 7));
      flush();
      assert.ok(slabs.lent > 1);
      end({ session, joined });
      assert.deepEqual([slabs.lent, memory.bytes], [0, 0]);
    }
  });

  test("leaves next to no buffers behind a crowd that is gone", () => {
    const slabs = new SlabPool();
    const crowd = Array.from({ length: 600 }, () => setUp({ slabs }));
    const joined = crowd.map(({ session, join, flush }) => {
      const each = join();
      deliver(session, frame("to everybody"));
      flush();
      return each;
    });
    assert.equal(slabs.lent, 600);
    for (const [index, { session }] of crowd.entries()) {
      session.end("timed out");
      joined[index]?.events.closed();
    }
    assert.equal(slabs.lent, 0);
    assert.ok(slabs.kept <= slabLimits.kept);
    slabs.trim();
    slabs.trim();
    assert.equal(slabs.kept, 0);
  });

  describe("with half duplex", () => {
    const link = { halfDuplex: true, maxConnections: 4 };

    test("gives the connections their directions in the order of the official server", () => {
      const { join } = setUp({ link });
      assert.deepEqual(
        [join(), join(), join(), join()].map(({ direction }) => direction),
        ["client-to-server", "server-to-client", "server-to-client", "client-to-server"],
      );
    });

    test("holds frames until there is a connection to the client, and sends nothing on the others", () => {
      const { session, join, flush } = setUp({ link });
      const first = join();
      deliver(session, frame("held"));
      flush();
      assert.equal(first.connection.sent.length, 0);
      const second = join();
      flush();
      assert.deepEqual(second.connection.read().frames, [frame("held")]);
      assert.equal(first.connection.sent.length, 0);
    });

    test("expects no sign of life on a connection to the client", () => {
      const { join, pass } = setUp({ link });
      const first = join();
      const second = join();
      for (let elapsed = 0; elapsed < 60_000; elapsed += 1000) {
        first.events.receive(batchOf(frame("sign of life")));
        pass(1000);
      }
      assert.equal(second.connection.closed, false);
    });
  });

  describe("with the VoIP / QoS function", () => {
    const link = { qos: true, maxConnections: 2 };

    test("sends priority frames by the last connection and the others by the rest", () => {
      const { session, join, flush } = setUp({ link });
      const first = join().connection;
      const last = join().connection;
      deliver(session, frame("bulk 1"), voice, frame("bulk 2"), voice);
      flush();
      assert.deepEqual(first.read().frames, [frame("bulk 1"), frame("bulk 2")]);
      assert.deepEqual(last.read().frames, [voice, voice]);
    });

    test("sends all frames by the only connection", () => {
      const { session, join, flush } = setUp({ link });
      const { connection } = join();
      deliver(session, frame("bulk"), voice);
      flush();
      assert.deepEqual(connection.read().frames, [frame("bulk"), voice]);
    });
  });

  describe("with compression", () => {
    const link = { compress: true };

    test("compresses each frame by itself and reads what is compressed so", () => {
      const { session, join, flush, forwarded } = setUp({ link });
      const { connection, events } = join();
      deliver(session, frame("out"), Buffer.alloc(1600, 3));
      flush();
      const sent = connection.read().frames;
      assert.deepEqual(
        sent.map((each) => inflateSync(each)),
        [frame("out"), Buffer.alloc(1600, 3)],
      );
      events.receive(batchOf(deflateSync(frame("in")), deflateSync(Buffer.alloc(1600, 4))));
      assert.deepEqual(forwarded, [frame("in"), Buffer.alloc(1600, 4)]);
    });

    test("compresses what goes out in as many turns as it takes, in order", () => {
      const { session, join, flush } = setUp({ link, msPerLook: turnLimits.totalMs / 20 });
      const { connection } = join();
      const frames = Array.from({ length: 200 }, (_, index) => frame(`frame ${index}`));
      deliver(session, ...frames);
      flush();
      assert.equal(connection.read().frames.length, 0, "all in one turn");
      for (let turn = 0; turn < 200 && connection.read().frames.length === 0; turn++) flush();
      assert.deepEqual(
        connection.read().frames.map((each) => inflateSync(each)),
        frames,
      );
    });

    test("ends when it keeps sending what cannot be read, and not for some of it", () => {
      const { join, ends } = setUp({ link });
      const { events } = join();
      const [bad, good] = [Buffer.of(0), deflateSync(frame("good"))];
      for (let count = 0; count < 500; count++) events.receive(batchOf(bad, good));
      assert.deepEqual(ends, []);
      for (let count = 1; count < sessionLimits.unreadableBlocks; count++) events.receive(batchOf(bad));
      assert.deepEqual(ends, []);
      events.receive(batchOf(bad, bad));
      assert.deepEqual(ends, ["sent what cannot be read"]);
    });

    test("drops what is not compressed or becomes too long, and counts it", () => {
      const { session, join, forwarded } = setUp({ link });
      const { connection, events } = join();
      events.receive(
        batchOf(frame("plain"), deflateSync(Buffer.alloc(1601)), deflateSync(Buffer.alloc(1_000_000))),
      );
      assert.equal(session.drops.notDecompressed, 3);
      assert.deepEqual(forwarded, []);
      assert.equal(connection.closed, false);
    });
  });
});
