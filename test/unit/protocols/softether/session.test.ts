import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deflateSync } from "node:zlib";
import { sessionLimits, slabLimits } from "../../../../server/limits.ts";
import type { Session } from "../../../../server/protocols/softether/session.ts";
import { SlabPool } from "../../../../server/protocols/softether/slab-pool.ts";
import { batchOf, deliver, frame, setUp } from "./session-fixture.ts";

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
});
