import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { block, TestHub } from "./hub-fixture.ts";
import { broadcastMac, ethernet, mac } from "./frames.ts";

/** A hub with three ports; the station of each has said hello. */
function threePorts() {
  const test = new TestHub();
  const [a, b, c] = [test.plug("a"), test.plug("b"), test.plug("c")];
  [a, b, c].forEach((each, index) => each.send(ethernet(broadcastMac, mac(index + 1))));
  for (const { port } of [a, b, c]) port.take();
  return { test, a, b, c };
}

describe("forwarding of a hub", () => {
  it("floods broadcast, multicast and unknown unicast to every other port", () => {
    const { a, b, c } = threePorts();
    const frames = [
      ethernet(broadcastMac, mac(1)),
      ethernet(Buffer.from("01005e000001", "hex"), mac(1)),
      ethernet(mac(99), mac(1)),
    ];
    a.send(...frames);
    assert.deepEqual(a.port.take(), []);
    assert.deepEqual(b.port.take(), frames);
    assert.deepEqual(c.port.take(), frames);
  });

  it("sends unicast to the port of the station alone", () => {
    const { a, b, c } = threePorts();
    const frame = ethernet(mac(2), mac(1));
    a.send(frame);
    assert.deepEqual(b.port.take(), [frame]);
    assert.deepEqual(c.port.take(), []);
  });

  it("hands frames over in one call when they stand side by side and go to one port", () => {
    const { a, b, c } = threePorts();
    const [toB, toC, toAll] = [
      ethernet(mac(2), mac(1)),
      ethernet(mac(3), mac(1)),
      ethernet(broadcastMac, mac(1)),
    ];
    a.send(toB, toB, toB, toC, toC, toAll, toB);
    assert.deepEqual(
      b.port.runs.map((run) => run.length),
      [3, 1, 1],
    );
    assert.deepEqual(
      c.port.runs.map((run) => run.length),
      [2, 1],
    );
    assert.deepEqual(b.port.take(), [toB, toB, toB, toAll, toB]);
    assert.deepEqual(c.port.take(), [toC, toC, toAll]);
  });

  it("takes a run from the middle of a buffer", () => {
    const { a, b } = threePorts();
    const frame = ethernet(mac(2), mac(1));
    const blocks = block(frame, frame);
    const buffer = Buffer.concat([Buffer.alloc(7, 0xee), blocks, Buffer.alloc(5, 0xee)]);
    a.attachment.forward(buffer, 7, 7 + blocks.length);
    assert.deepEqual(b.port.runs, [[frame, frame]]);
  });

  it("drops and counts a frame to a station of the port that it comes from", () => {
    const { a, b } = threePorts();
    a.send(ethernet(broadcastMac, mac(11)));
    b.port.take();
    a.send(ethernet(mac(11), mac(1)));
    assert.deepEqual(b.port.take(), []);
    assert.equal(a.attachment.counters.drops.samePort, 1);
  });

  it("drops and counts what is too short for an Ethernet header", () => {
    const { a, b } = threePorts();
    a.send(Buffer.alloc(1), Buffer.alloc(13), ethernet(mac(2), mac(1)));
    assert.equal(b.port.take().length, 1);
    assert.equal(a.attachment.counters.drops.short, 2);
  });

  it("follows a station that moves to another port", () => {
    const { a, b, c } = threePorts();
    const frame = ethernet(mac(2), mac(1));
    a.send(frame);
    assert.equal(b.port.take().length, 1);
    c.send(ethernet(broadcastMac, mac(2)));
    b.port.take();
    a.send(frame);
    assert.equal(b.port.take().length, 0);
    assert.equal(c.port.take().length, 1);
  });

  it("forgets a station after ten minutes of silence", () => {
    const { test, a, b, c } = threePorts();
    test.advance(599_000);
    a.send(ethernet(mac(2), mac(1)));
    assert.deepEqual([b.port.take().length, c.port.take().length], [1, 0]);
    test.advance(1_000);
    a.send(ethernet(mac(2), mac(1)));
    assert.deepEqual([b.port.take().length, c.port.take().length], [1, 1]);
    assert.deepEqual(
      [...test.hub.macTable()].map(({ mac }) => mac),
      ["5E-00-00-00-00-01"],
    );
  });

  it("forgets the stations of a port that is unplugged, and ignores what it forwards later", () => {
    const { test, a, b, c } = threePorts();
    b.attachment.detach();
    b.attachment.detach();
    b.send(ethernet(mac(1), mac(2)));
    a.send(ethernet(mac(2), mac(1)));
    assert.equal(a.port.take().length, 0);
    assert.equal(b.port.take().length, 0);
    assert.equal(c.port.take().length, 1);
    assert.deepEqual(
      [...test.hub.ports()].map(({ port }) => port.name),
      ["SID-A-1", "SID-C-1"],
    );
  });

  it("does not take a new port for the one whose place it has", () => {
    const { test, a, b } = threePorts();
    a.send(ethernet(mac(2), mac(1)));
    b.attachment.detach();
    const d = test.plug("d");
    a.send(ethernet(mac(2), mac(1)));
    assert.equal(d.port.take().length, 1, "flooded");
    assert.deepEqual([...test.hub.macTable()].map(({ port }) => port).sort(), ["SID-A-1", "SID-C-1"]);
  });

  it("gives a monitor a copy of every frame and takes none from it", () => {
    const { test, a, b } = threePorts();
    const monitor = test.plug("m", { monitor: true });
    const frames = [ethernet(mac(2), mac(1)), ethernet(broadcastMac, mac(1))];
    a.send(...frames);
    assert.deepEqual(monitor.port.take(), frames);
    b.port.take();
    monitor.send(ethernet(broadcastMac, mac(50)));
    assert.equal(b.port.take().length, 0);
    assert.equal(monitor.attachment.counters.drops.monitor, 1);
  });

  it("counts frames and bytes both ways", () => {
    const { a, b } = threePorts();
    const before = structuredClone({ a: a.attachment.counters, b: b.attachment.counters });
    a.send(ethernet(mac(2), mac(1)), ethernet(mac(2), mac(1)), ethernet(broadcastMac, mac(1)));
    const { received } = a.attachment.counters;
    const { sent } = b.attachment.counters;
    assert.deepEqual(
      [
        received.unicastFrames - before.a.received.unicastFrames,
        received.unicastBytes - before.a.received.unicastBytes,
        received.broadcastFrames - before.a.received.broadcastFrames,
        received.broadcastBytes - before.a.received.broadcastBytes,
      ],
      [2, 120, 1, 60],
    );
    assert.deepEqual(
      [
        sent.unicastFrames - before.b.sent.unicastFrames,
        sent.unicastBytes - before.b.sent.unicastBytes,
        sent.broadcastFrames - before.b.sent.broadcastFrames,
        sent.broadcastBytes - before.b.sent.broadcastBytes,
      ],
      [2, 120, 1, 60],
    );
  });
});
