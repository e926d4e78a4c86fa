import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { pieces } from "../../../server/tcp/piece-pool.ts";
import { Ranges } from "../../../server/tcp/ranges.ts";
import { Reassembly } from "../../../server/tcp/reassembly.ts";
import { IncomingSegment, writeSegmentHeader, type SegmentHeader } from "../../../server/tcp/segment.ts";
import { SendQueue } from "../../../server/tcp/send-queue.ts";
import { positionOf, sequenceOf } from "../../../server/tcp/sequence.ts";

const size = 60;
const span = fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.integer({ min: 1, max: 15 }));

describe("positions", () => {
  test("are told by their lower half, and found again from anywhere near", () => {
    const position = fc.integer({ min: 0, max: 2 ** 45 });
    fc.assert(
      fc.property(position, fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), (near, distance) => {
        fc.pre(near + distance >= 0);
        assert.equal(positionOf(sequenceOf(near + distance), near), near + distance);
      }),
      { numRuns: 500 },
    );
  });
});

describe("ranges", () => {
  test("hold what was added, in order, one with what it touches", () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), fc.integer({ min: 0, max: size }), (spans, below) => {
        const ranges = new Ranges(100);
        const model = new Set<number>();
        for (const [start, length] of spans) {
          assert.ok(ranges.add(start, start + length));
          for (let at = start; at < start + length; at++) model.add(at);
        }
        ranges.removeBelow(below);
        for (const at of model) if (at < below) model.delete(at);
        const held: number[] = [];
        for (let index = 0; index < ranges.count; index++) {
          if (index > 0) assert.ok(ranges.start(index) > ranges.end(index - 1));
          for (let at = ranges.start(index); at < ranges.end(index); at++) held.push(at);
        }
        assert.deepEqual(
          held,
          [...model].sort((one, other) => one - other),
        );
        assert.equal(ranges.bytes, model.size);
        const missing = Array.from({ length: size }, (_none, at) => at).filter(
          (at) => at >= 10 && at < 40 && !model.has(at),
        );
        assert.equal(ranges.missing(10, 40), missing.length);
      }),
      { numRuns: 300 },
    );
  });

  test("are no more than they may be", () => {
    const ranges = new Ranges(2);
    assert.deepEqual(
      [ranges.add(0, 1), ranges.add(4, 5), ranges.add(8, 9), ranges.add(1, 4)],
      [true, true, false, true],
    );
    assert.deepEqual([ranges.count, ranges.bytes, ranges.last], [1, 5, 5]);
  });
});

describe("bytes beyond a gap", () => {
  test("come out once, in order and as they went in", () => {
    const stream = Buffer.from(Array.from({ length: size + 20 }, (_none, at) => at));
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 30 }), (spans) => {
        const reassembly = new Reassembly({ pieces: 100, ranges: 100 });
        let next = 0;
        const taken: Buffer[] = [];
        const known = new Set<number>();
        for (const [start, length] of spans) {
          for (let at = start; at < start + length; at++) known.add(at);
          reassembly.add(start, stream, start, start + length);
          next = reassembly.take(next, (bytes) => taken.push(Buffer.from(bytes)));
        }
        let expected = 0;
        while (known.has(expected)) expected++;
        assert.equal(next, expected);
        assert.ok(Buffer.concat(taken).equals(stream.subarray(0, expected)));
        const blocks = reassembly.blocks(3);
        assert.ok(blocks.length <= 6 && blocks.length % 2 === 0);
        for (const edge of blocks) assert.ok(edge > next);
      }),
      { numRuns: 300 },
    );
  });

  test("take little more memory than there are, and give it back when they are handed over or let go of", (t) => {
    const segments = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 1_460 }), gap: fc.boolean() }), {
      maxLength: 200,
    });
    const stream = Buffer.alloc(1_460);
    const take = t.mock.method(pieces, "take");
    const release = t.mock.method(pieces, "release");
    fc.assert(
      fc.property(segments, fc.boolean(), (all, isHandedOver) => {
        take.mock.resetCalls();
        release.mock.resetCalls();
        const reassembly = new Reassembly({ pieces: 300, ranges: 300 });
        let at = 1;
        for (const { bytes, gap } of all) {
          at += gap ? 1 : 0;
          reassembly.add(at, stream, 0, bytes);
          at += bytes;
        }
        const memory = take.mock.calls.reduce((sum, { result }) => sum + (result?.length ?? 0), 0);
        assert.ok(memory <= 2 * reassembly.ranges.bytes, `${memory} for ${reassembly.ranges.bytes}`);
        if (isHandedOver) {
          while (reassembly.ranges.count > 0) reassembly.take(reassembly.ranges.start(0), () => {});
        } else reassembly.clear();
        assert.equal(release.mock.callCount(), take.mock.callCount());
        assert.equal(reassembly.ranges.bytes, 0);
      }),
      { numRuns: 100 },
    );
  });

  test("may be let go of by who is handed them", () => {
    const reassembly = new Reassembly({ pieces: 100, ranges: 100 });
    for (const at of [10, 20, 30, 50]) reassembly.add(at, Buffer.alloc(10, at), 0, 10);
    const taken: number[] = [];
    const end = reassembly.take(10, (bytes) => {
      taken.push(...bytes);
      reassembly.clear();
    });
    assert.equal(end, 40);
    assert.deepEqual(
      taken,
      [10, 20, 30].flatMap((byte) => Array.from({ length: 10 }, () => byte)),
    );
    assert.equal(reassembly.ranges.count, 0);
  });
});

describe("a queue of bytes to send", () => {
  test("gives any of them until they are dropped", () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(pieces, fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat())), (lengths, reads) => {
        const start = 1_000;
        const queue = new SendQueue(start);
        const all = Buffer.from(
          Array.from({ length: lengths.reduce((sum, bytes) => sum + bytes, 0) }, (_none, at) => at * 7),
        );
        let at = 0;
        for (const bytes of lengths) queue.append(all.subarray(at, (at += bytes)));
        for (const [drop, from, length] of reads) {
          queue.drop(queue.start + (drop % 50));
          const position = queue.start + (from % (queue.end - queue.start + 1));
          const bytes = Math.min(length % 100, queue.end - position);
          const target = Buffer.alloc(bytes);
          queue.copy(position, bytes, target, 0);
          assert.ok(target.equals(all.subarray(position - start, position - start + bytes)));
        }
        assert.throws(() => queue.copy(queue.end, 1, Buffer.alloc(1), 0), RangeError);
      }),
      { numRuns: 200 },
    );
  });
});

describe("queues that share their buffers", () => {
  test("each give their own bytes, while others take what one has dropped", () => {
    const step = fc.record({
      queue: fc.nat(2),
      bytes: fc.integer({ min: 1, max: 150_000 }),
      dropped: fc.nat(200_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queues = [11, 101, 199].map((factor) => ({ queue: new SendQueue(0), factor }));
        const byteAt = (position: number, factor: number) => (position * factor + (position >> 8)) & 0xff;
        for (const { queue: index, bytes, dropped } of steps) {
          const { queue, factor } = queues[index] ?? assert.fail();
          const { end } = queue;
          queue.append(
            Buffer.from(Uint8Array.from({ length: bytes }, (_none, at) => byteAt(end + at, factor))),
          );
          queue.drop(queue.start + dropped);
          for (const { queue: each, factor: own } of queues) {
            const target = Buffer.alloc(each.end - each.start);
            each.copy(each.start, target.length, target, 0);
            for (let at = 0; at < target.length; at += 251)
              assert.equal(target[at], byteAt(each.start + at, own));
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("a segment", () => {
  test("is read as it was written", () => {
    const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const header = fc.record<SegmentHeader>({
      sequence: u32,
      acknowledgment: u32,
      flags: fc.integer({ min: 0, max: 63 }),
      window: fc.integer({ min: 0, max: 0xffff }),
      mss: fc.integer({ min: 0, max: 0xffff }),
      windowScale: fc.integer({ min: -1, max: 14 }),
      sackPermitted: fc.boolean(),
      sackEdges: fc
        .constantFrom(0, 2, 4)
        .chain((count) => fc.array(u32, { minLength: count, maxLength: count })),
    });
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 20 }), (written, payload) => {
        const buffer = Buffer.alloc(100);
        const payloadAt = writeSegmentHeader(buffer, 7, 443, 50_000, written);
        buffer.set(payload, payloadAt);
        const segment = new IncomingSegment();
        assert.ok(segment.read(buffer, 7, payloadAt + payload.length));
        const { sequence, acknowledgment, flags, window, mss, windowScale, sackPermitted } = segment;
        const sackEdges = [...segment.sackEdges.subarray(0, 2 * segment.sackBlocks)];
        assert.deepEqual(
          { sequence, acknowledgment, flags, window, mss, windowScale, sackPermitted, sackEdges },
          { ...written },
        );
        assert.deepEqual([segment.payloadAt, segment.payloadEnd], [payloadAt, payloadAt + payload.length]);
        assert.deepEqual([buffer.readUInt16BE(7), buffer.readUInt16BE(9)], [443, 50_000]);
      }),
      { numRuns: 300 },
    );
  });

  test("that is cut off is refused, and noise is read within its bounds", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        const buffer = Buffer.from(noise);
        const segment = new IncomingSegment();
        if (!segment.read(buffer, 0, buffer.length)) return;
        assert.ok(buffer.length >= 20 && segment.payloadAt >= 20 && segment.payloadAt <= buffer.length);
        assert.ok(segment.sackBlocks <= 4 && segment.windowScale <= 14);
      }),
      { numRuns: 500 },
    );
  });
});
