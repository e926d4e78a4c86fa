import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { tcpFlags } from "../../../server/ethernet/frame.ts";
import { tcpLimits } from "../../../server/limits.ts";
import { TcpConnection } from "../../../server/tcp/tcp-connection.ts";
import { incoming, packet, type Packet } from "./simple-peer.ts";

const { ack, fin, psh, rst, syn } = tcpFlags;
/** First sequence numbers of the peer and of this end. */
const [theirs, ours] = [1_000, 5_000];
const mss = 1_000;

/** A connection with a peer that the test plays, on a clock that the test moves. */
class World {
  now = 0;
  readonly sent: Packet[] = [];
  readonly events: string[] = [];
  readonly connection: TcpConnection;

  constructor(syn: Partial<Packet> = {}) {
    const first = packet({
      sequence: theirs,
      flags: tcpFlags.syn,
      mss,
      windowScale: 0,
      sackPermitted: true,
      ...syn,
    });
    this.connection = new TcpConnection(incoming(first), {
      now: () => this.now,
      initialSequence: ours,
      mss: 1_460,
      send: (header, queue, position, bytes) => {
        const payload = Buffer.alloc(bytes);
        if (bytes > 0) queue.copy(position, bytes, payload, 0);
        this.sent.push({ ...header, payload });
      },
      events: {
        data: (buffer, start, end) => this.events.push(`data ${buffer.toString("latin1", start, end)}`),
        ended: () => this.events.push("ended"),
        acknowledged: () => this.events.push("acknowledged"),
        closed: (reason) => this.events.push(`closed ${reason}`),
      },
    });
  }

  /** One that is established. */
  static open(syn: Partial<Packet> = {}): World {
    const world = new World(syn);
    world.connection.accept();
    world.say({});
    world.sent.length = 0;
    return world;
  }

  /** The peer says something; numbers count from the beginning of each stream. */
  say(packet: Partial<Packet>): Packet[] {
    this.receive(packet);
    this.connection.flush();
    return this.sent;
  }

  /** The same in the midst of a turn, without what is answered at its end. */
  receive({ sequence = 0, acknowledgment = 0, sackEdges = [], ...more }: Partial<Packet>): Packet[] {
    this.sent.length = 0;
    this.connection.receive(
      incoming(
        packet({
          sequence: theirs + 1 + sequence,
          acknowledgment: ours + 1 + acknowledgment,
          sackEdges: sackEdges.map((edge) => ours + 1 + edge),
          ...more,
        }),
      ),
    );
    return [...this.sent];
  }

  /** The turn ends. */
  flush(): Packet[] {
    this.sent.length = 0;
    this.connection.flush();
    return this.sent;
  }

  /** What was sent since the last call. */
  take(): Packet[] {
    return this.sent.splice(0);
  }

  write(bytes: number): Packet[] {
    this.sent.length = 0;
    this.connection.write(Buffer.alloc(bytes, "x"));
    return this.sent;
  }

  /** Lets the time pass until something is due. */
  wait(): Packet[] {
    this.sent.length = 0;
    this.now = this.connection.deadline;
    this.connection.timeout();
    return this.sent;
  }

  /** First and last byte of what was sent. */
  static ranges(packets: readonly Packet[]): string[] {
    return packets.map(({ sequence, payload }) => `${sequence - ours - 1}+${payload.length}`);
  }
}

const text = (words: string) => Buffer.from(words);

describe("a TCP connection that a peer opens", () => {
  test("is answered when it is accepted, with what both can do", () => {
    const world = new World();
    assert.equal(world.connection.state, "connecting");
    assert.deepEqual(world.sent, []);
    world.connection.accept();
    const [answer] = world.take();
    assert.ok(answer);
    assert.deepEqual(
      { ...answer, payload: answer.payload.length },
      {
        sequence: ours,
        acknowledgment: theirs + 1,
        flags: syn | ack,
        window: 0xffff,
        mss: 1_460,
        windowScale: tcpLimits.windowScale,
        sackPermitted: true,
        sackEdges: [],
        payload: 0,
      },
    );
    world.say({});
    assert.equal(world.connection.state, "established");
  });

  test("uses no option that the peer does not know", () => {
    const world = new World({ mss: 0, windowScale: -1, sackPermitted: false });
    world.connection.accept();
    assert.deepEqual([world.sent[0]?.windowScale, world.sent[0]?.sackPermitted], [-1, false]);
    world.say({});
    assert.deepEqual(World.ranges(world.write(600)), ["0+536", "536+64"]);
  });

  test("is answered again when the answer was lost, and given up after a while", () => {
    const world = new World();
    world.connection.accept();
    world.sent.length = 0;
    world.connection.receive(incoming(packet({ sequence: theirs, flags: syn, mss })));
    assert.equal(world.sent[0]?.flags, syn | ack);
    const times: number[] = [];
    for (let more = true; more;) {
      more = world.wait()[0]?.flags === (syn | ack);
      times.push(world.now);
    }
    assert.deepEqual(times.slice(0, 4), [1_000, 3_000, 7_000, 15_000]);
    assert.deepEqual(world.events, ["closed timeout"]);
    assert.equal(world.sent[0]?.flags, rst | ack);
    assert.equal(world.connection.deadline, Infinity);
  });

  test("that is not accepted is reset", () => {
    const world = new World();
    world.connection.abort();
    assert.deepEqual([world.sent[0]?.flags, world.sent[0]?.acknowledgment], [rst | ack, theirs + 1]);
    assert.deepEqual(world.events, ["closed aborted"]);
  });
});

describe("what the peer sends", () => {
  test("is handed over once and in order, and gaps are told", () => {
    const world = World.open();
    assert.equal(world.say({ payload: text("one") })[0]?.acknowledgment, theirs + 1 + 3);
    const [gap] = world.say({ sequence: 6, payload: text("333") });
    assert.deepEqual([gap?.acknowledgment, gap?.sackEdges], [theirs + 4, [theirs + 7, theirs + 10]]);
    const [wider] = world.say({ sequence: 12, payload: text("555") });
    assert.deepEqual(wider?.sackEdges, [theirs + 13, theirs + 16, theirs + 7, theirs + 10]);
    world.say({ sequence: 3, payload: text("222333444") });
    world.say({ sequence: 0, payload: text("one222") });
    assert.deepEqual(world.events, ["data one", "data 222333444", "data 555"]);
  });

  test("has gaps told once for a turn, each range that came in beyond one before the next does", () => {
    const world = World.open();
    const [first, , third] = [6, 9, 20].map((sequence) => world.receive({ sequence, payload: text("333") }));
    assert.deepEqual(first, []);
    assert.deepEqual(
      third?.map(({ acknowledgment, sackEdges }) => [acknowledgment, sackEdges]),
      [[theirs + 1, [theirs + 7, theirs + 13]]],
    );
    world.receive({ sequence: 23, payload: text("333") });
    const told = world.flush();
    assert.deepEqual(
      told.map(({ sackEdges }) => sackEdges),
      [[theirs + 21, theirs + 27, theirs + 7, theirs + 13]],
    );
    world.receive({ sequence: 0, payload: text("111222") });
    assert.deepEqual(
      world.flush().map(({ acknowledgment }) => acknowledgment),
      [theirs + 1 + 12],
    );
  });

  test("beyond a gap is acknowledged piece by piece to a peer that counts acknowledgements", () => {
    const world = World.open({ sackPermitted: false });
    for (const sequence of [6, 9, 12]) {
      assert.equal(world.receive({ sequence, payload: text("333") }).at(-1)?.acknowledgment, theirs + 1);
    }
    assert.deepEqual(world.flush(), []);
  });

  test("has the room for more told only to a peer that has used half of what it was told", () => {
    const world = World.open();
    const half = tcpLimits.receiveBytes / 2;
    const piece = Buffer.alloc(32_768);
    let at = 0;
    const send = (until: number) => {
      for (; at < until; at += piece.length) world.say({ sequence: at, payload: piece });
      return world.take().at(-1)?.window;
    };
    assert.equal(send(half - piece.length), (half + piece.length) / 128);
    world.connection.consumed(at);
    assert.deepEqual(world.flush(), []);
    assert.equal(send(half), tcpLimits.receiveBytes / 128 - piece.length / 128);
    send(2 * half);
    world.connection.consumed(half);
    assert.equal(world.flush()[0]?.window, tcpLimits.receiveBytes / 128 - piece.length / 128);
  });

  test("is taken no further than the window goes, which opens as it is dealt with", () => {
    const world = World.open();
    const all = tcpLimits.receiveBytes;
    const piece = Buffer.alloc(32_768);
    for (let at = 0; at < all; at += piece.length) world.say({ sequence: at, payload: piece });
    assert.equal(world.sent[0]?.window, 0);
    assert.equal(
      world.say({ sequence: all, payload: text("too much") })[0]?.acknowledgment,
      theirs + 1 + all,
    );
    assert.equal(world.events.length, all / piece.length);
    world.sent.length = 0;
    world.connection.consumed(100);
    world.connection.flush();
    assert.deepEqual(world.sent, []);
    world.connection.consumed(all / 2);
    world.connection.flush();
    assert.equal(world.take()[0]?.window, Math.floor((all / 2 + 100) / 128));
  });

  test("ends, and this end may go on", () => {
    const world = World.open();
    const [answer] = world.say({ payload: text("bye"), flags: ack | fin });
    assert.equal(answer?.acknowledgment, theirs + 1 + 4);
    assert.deepEqual(world.events, ["data bye", "ended"]);
    assert.equal(world.connection.state, "closing");
    assert.deepEqual(World.ranges(world.write(10)), ["0+10"]);
    world.connection.end();
    assert.equal(world.sent.at(-1)?.flags, ack | fin);
    world.say({ sequence: 4, acknowledgment: 11 });
    assert.deepEqual(world.events.at(-1), "closed done");
  });

  test("after this end has ended first, is remembered for a while, and acknowledged again", () => {
    const world = World.open();
    world.connection.end();
    world.say({ acknowledgment: 1 });
    assert.deepEqual(world.events, []);
    world.say({ acknowledgment: 1, flags: ack | fin });
    assert.equal(world.connection.state, "time-wait");
    assert.equal(world.say({ acknowledgment: 1, flags: ack | fin })[0]?.acknowledgment, theirs + 2);
    world.wait();
    assert.equal(world.now, tcpLimits.timeWaitMs);
    assert.deepEqual(world.events, ["ended", "closed done"]);
  });
});

describe("what this end sends", () => {
  test("is cut into segments, and no more than the peer takes", () => {
    const world = World.open();
    assert.deepEqual(World.ranges(world.write(2_500)), ["0+1000", "1000+1000", "2000+500"]);
    assert.equal(world.sent.at(-1)?.flags, ack | psh);
    assert.equal(world.connection.pending, 2_500);
    world.say({ acknowledgment: 2_500, window: 1_500 });
    assert.deepEqual(world.events, ["acknowledged"]);
    assert.deepEqual(World.ranges(world.write(5_000)), ["2500+1000"]);
    assert.deepEqual(World.ranges(world.say({ acknowledgment: 3_500, window: 1_500 })), ["3500+1000"]);
  });

  test("begins with ten segments, and doubles with each round trip", () => {
    const world = World.open({ windowScale: 7 });
    assert.equal(world.write(1_000_000).length, 10);
    let acknowledged = 0;
    for (const expected of [20, 40, 80]) {
      let sent = 0;
      const flight = expected / 2;
      for (let segment = 0; segment < flight; segment++) {
        acknowledged += 1_000;
        sent += world.say({ acknowledgment: acknowledged }).length;
      }
      assert.equal(sent, expected);
    }
  });

  test("that was lost in the middle is sent again at once, and only that", () => {
    const world = World.open({ windowScale: 7 });
    world.write(10_000);
    assert.deepEqual(world.say({ sackEdges: [1_000, 2_000] }), []);
    assert.deepEqual(world.say({ sackEdges: [1_000, 3_000] }), []);
    assert.deepEqual(World.ranges(world.say({ sackEdges: [1_000, 4_000] })), ["0+1000"]);
    assert.deepEqual(world.say({ sackEdges: [1_000, 10_000] }), []);
    world.say({ acknowledgment: 10_000 });
    assert.equal(world.connection.deadline > world.now + 1_000, true);
  });

  test("that was lost is sent again after three duplicates when the peer tells no more", () => {
    const world = World.open({ sackPermitted: false });
    world.write(10_000);
    assert.deepEqual(World.ranges(world.say({})), []);
    assert.deepEqual(World.ranges(world.say({})), []);
    assert.deepEqual(World.ranges(world.say({})), ["0+1000"]);
    // The next one is missing too.
    assert.deepEqual(World.ranges(world.say({ acknowledgment: 3_000 })), ["3000+1000"]);
  });

  test("that nobody acknowledges is sent again after a time that doubles, and is given up in the end", () => {
    const world = World.open();
    world.now = 100;
    world.write(500);
    const times: number[] = [];
    while (world.events.length === 0) {
      world.wait();
      times.push(world.now - 100);
    }
    assert.deepEqual(times.slice(0, 4), [200, 600, 1_400, 3_000]);
    assert.equal(times.length, tcpLimits.retries + 1);
    assert.deepEqual(world.events, ["closed timeout"]);
  });

  test("goes on as if nothing had been when only the last of its tries is acknowledged", () => {
    const world = World.open();
    world.write(2_000);
    for (let round = 1; round <= 2; round++) {
      for (let retry = 0; retry < tcpLimits.retries; retry++) {
        assert.equal(World.ranges(world.wait())[0], `${1_000 * (round - 1)}+1000`);
      }
      world.say({ acknowledgment: 1_000 * round });
      if (round === 1) assert.equal(world.connection.deadline - world.now, 200);
    }
    assert.deepEqual(world.events, ["acknowledged", "acknowledged"]);
    assert.equal(world.connection.pending, 0);
  });

  test("does not wait for long because the answer to the SYN was lost a few times", () => {
    const world = new World();
    world.connection.accept();
    for (let times = 0; times < 5; times++) world.wait();
    assert.equal(world.now, 31_000);
    world.say({});
    const waits = () => world.connection.deadline - world.now;
    world.write(3_000);
    assert.equal(waits(), 3_000);
    world.wait();
    assert.equal(waits(), 6_000);
    // Of a segment that was sent twice, so that there is still no measurement.
    world.say({ acknowledgment: 1_000 });
    assert.equal(waits(), 3_000);
  });

  test("waits for a window that is closed, asks for it, and goes on when it opens", () => {
    const world = World.open();
    world.say({ window: 0 });
    assert.deepEqual(world.write(3_000), []);
    const [probe] = world.wait();
    assert.deepEqual([probe?.sequence, probe?.payload.length], [ours, 0]);
    world.say({ window: 0 });
    world.wait();
    assert.deepEqual(World.ranges(world.say({ window: 2_000 })), ["0+1000", "1000+1000"]);
  });

  test("asks a peer that is silent whether it is there, and gives up when it is not", () => {
    const world = World.open();
    const [probe] = world.wait();
    assert.equal(world.now, tcpLimits.keepAliveMs);
    assert.equal(probe?.sequence, ours);
    world.say({});
    for (let probes = 0; probes <= tcpLimits.probes; probes++) world.wait();
    assert.deepEqual(world.events, ["closed timeout"]);
  });
});

describe("a segment that somebody made up", () => {
  test("resets only with the number that is next; any other in the window is asked about", () => {
    const world = World.open();
    assert.deepEqual(world.say({ sequence: -5, flags: rst }), []);
    assert.equal(world.say({ sequence: 7, flags: rst })[0]?.flags, ack);
    assert.deepEqual(world.say({ sequence: 8, flags: rst }), []);
    assert.deepEqual(world.events, []);
    world.say({ flags: rst });
    assert.deepEqual(world.events, ["closed reset"]);
    assert.deepEqual(world.say({ payload: text("x") }), []);
  });

  test("opens no connection anew, and acknowledges nothing that was not sent", () => {
    const world = World.open();
    assert.equal(world.say({ sequence: 3, flags: syn })[0]?.flags, ack);
    world.now += tcpLimits.challengeMs;
    assert.equal(world.say({ acknowledgment: 10, payload: text("x") })[0]?.flags, ack);
    assert.deepEqual(world.events, []);
    world.say({ sequence: tcpLimits.receiveBytes + 1, payload: text("far away") });
    assert.deepEqual(world.events, []);
  });

  test("breaks nothing, whatever is in it", () => {
    const number = fc.oneof(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: theirs - 10, max: theirs + 5_000 }),
      fc.integer({ min: ours - 10, max: ours + 5_000 }),
    );
    const segment = fc.record({
      sequence: number,
      acknowledgment: number,
      flags: fc.integer({ min: 0, max: 63 }),
      window: fc.integer({ min: 0, max: 0xffff }),
      sackEdges: fc.oneof(
        fc.constant([]),
        fc.tuple(number, number),
        fc.tuple(number, number, number, number),
      ),
      payload: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    });
    const step = fc.oneof(
      segment,
      fc.constantFrom("write", "end", "wait", "consume", "accept") as fc.Arbitrary<string>,
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const world = new World();
        let [unread, seen] = [0, 0];
        for (const action of steps) {
          if (world.events.some((event) => event.startsWith("closed"))) break;
          if (action === "write") world.write(3_000);
          else if (action === "end") world.connection.end();
          else if (action === "accept") world.connection.accept();
          else if (action === "wait" && world.connection.deadline < Infinity) world.wait();
          else if (action === "consume" && unread > 0) world.connection.consumed(unread);
          else if (typeof action !== "string") {
            world.connection.receive(incoming(packet(action)));
            world.connection.flush();
          }
          if (action === "consume") unread = 0;
          for (const event of world.events.slice(seen))
            if (event.startsWith("data ")) unread += event.length - 5;
          seen = world.events.length;
          for (const { window, payload } of world.sent) {
            assert.ok(window <= 0xffff && window >= 0);
            assert.ok(payload.length <= mss);
          }
        }
        assert.ok(world.events.filter((event) => event.startsWith("closed")).length <= 1);
        assert.ok(world.events.filter((event) => event === "ended").length <= 1);
      }),
      { numRuns: 500 },
    );
  });
});
