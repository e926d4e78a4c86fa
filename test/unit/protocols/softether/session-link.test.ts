import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";
import { sessionLimits, turnLimits } from "../../../../server/limits.ts";
import { batchOf, deliver, frame, setUp } from "./session-fixture.ts";

/** IPv4 with the type of service 0xb8, as telephones send it. */
const voice = Buffer.concat([Buffer.alloc(12), Buffer.from("080045b8", "hex"), Buffer.alloc(44)]);

describe("a session with half duplex", () => {
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

describe("a session with the VoIP / QoS function", () => {
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

describe("a session with compression", () => {
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
