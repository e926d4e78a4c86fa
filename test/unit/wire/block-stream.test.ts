import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { blockLimits } from "../../../server/limits.ts";
import { BlockDecoder, encodeKeepAlive, readUint32 } from "../../../server/wire/block-stream.ts";

interface Seen {
  readonly frames: string[];
  calls: number;
  alive: number;
  oversized: number;
}

function decoder(frameBytes: number = blockLimits.frameBytes) {
  const seen: Seen = { frames: [], calls: 0, alive: 0, oversized: 0 };
  const blocks = new BlockDecoder({
    frameBytes,
    sink: {
      alive: () => seen.alive++,
      oversized: () => seen.oversized++,
      blocks: (buffer, start, end, frames) => {
        seen.calls++;
        let counted = 0;
        for (let at = start; at < end; counted++) {
          const size = readUint32(buffer, at);
          seen.frames.push(buffer.toString("hex", at + 4, at + 4 + size));
          at += 4 + size;
        }
        assert.equal(counted, frames);
      },
    },
  });
  return { blocks, seen };
}

function u32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

type Item =
  | { readonly kind: "batch"; readonly blocks: readonly Uint8Array[] }
  | { readonly kind: "keep-alive"; readonly filling: Uint8Array };

/** What the reference says that a stream of these items looks like. */
function encode(items: readonly Item[]): Buffer {
  return Buffer.concat(
    items.flatMap((item) =>
      item.kind === "batch"
        ? [u32(item.blocks.length), ...item.blocks.flatMap((block) => [u32(block.length), block])]
        : [encodeKeepAlive(item.filling)],
    ),
  );
}

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({
    kind: fc.constant("batch" as const),
    blocks: fc.array(
      fc.oneof(
        { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1590, max: 1610 }).map((size) => new Uint8Array(size)) },
        { weight: 1, arbitrary: fc.constant(new Uint8Array(blockLimits.blockBytes)) },
      ),
      { maxLength: 12 },
    ),
  }),
  fc.record({
    kind: fc.constant("keep-alive" as const),
    filling: fc.uint8Array({ maxLength: blockLimits.keepAliveBytes }),
  }),
);

function expected(items: readonly Item[]) {
  const blocks = items.flatMap((each) => (each.kind === "batch" ? each.blocks : []));
  return {
    frames: blocks
      .filter(({ length }) => length > 0 && length <= blockLimits.frameBytes)
      .map((block) => Buffer.from(block).toString("hex")),
    oversized: blocks.filter(({ length }) => length > blockLimits.frameBytes).length,
  };
}

describe("block stream", () => {
  test("gives the frames of any stream, wherever it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 4000 }), { maxLength: 30 }),
        (items, cuts) => {
          const { blocks, seen } = decoder();
          const stream = encode(items);
          let at = 0;
          for (const cut of [...cuts, stream.length]) {
            assert.equal(blocks.receive(stream.subarray(at, at + cut)), undefined);
            at += cut;
          }
          const { frames, oversized } = expected(items);
          assert.deepEqual(seen.frames, frames);
          assert.equal(seen.oversized, oversized);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("gives the same for every split point of a stream, and byte by byte", () => {
    const items: Item[] = [
      { kind: "batch", blocks: [Buffer.from("first"), Buffer.alloc(0), Buffer.from("second")] },
      { kind: "keep-alive", filling: Buffer.alloc(7) },
      { kind: "batch", blocks: [] },
      { kind: "batch", blocks: [Buffer.alloc(1601), Buffer.from("third")] },
    ];
    const stream = encode(items);
    const { frames } = expected(items);
    for (let split = 0; split <= stream.length; split++) {
      const { blocks, seen } = decoder();
      assert.equal(blocks.receive(stream.subarray(0, split)), undefined);
      assert.equal(blocks.receive(stream.subarray(split)), undefined);
      assert.deepEqual(seen.frames, frames, `split at ${split}`);
    }
    const { blocks, seen } = decoder();
    for (const byte of stream) assert.equal(blocks.receive(Buffer.of(byte)), undefined);
    assert.deepEqual(seen.frames, frames);
  });

  test("hands over the blocks of a chunk in one call, and one that two chunks share in another", () => {
    const { blocks, seen } = decoder();
    const stream = encode([{ kind: "batch", blocks: Array.from({ length: 20 }, () => Buffer.alloc(1514)) }]);
    blocks.receive(stream.subarray(0, 16_384));
    assert.equal(seen.calls, 1);
    blocks.receive(stream.subarray(16_384));
    assert.equal(seen.calls, 3);
    assert.equal(seen.frames.length, 20);
  });

  test("tells of life at frames and keep-alives, and not at their first bytes", () => {
    const { blocks, seen } = decoder();
    blocks.receive(encodeKeepAlive(Buffer.alloc(0)).subarray(0, 7));
    assert.equal(seen.alive, 0);
    blocks.receive(Buffer.of(0));
    assert.equal(seen.alive, 1);
    blocks.receive(u32(3));
    assert.equal(seen.alive, 1);
    blocks.receive(Buffer.concat([u32(1), Buffer.of(9)]));
    assert.equal(seen.alive, 2);
  });

  test("takes a keep-alive of 512 bytes and gives up at one of 513", () => {
    const { blocks } = decoder();
    assert.equal(blocks.receive(encodeKeepAlive(Buffer.alloc(512))), undefined);
    assert.equal(blocks.receive(Buffer.concat([u32(0xffff_ffff), u32(513)])), "keep-alive-too-long");
    assert.throws(() => encodeKeepAlive(Buffer.alloc(513)), /at most 512/);
  });

  test("leaves out a block of 3200 bytes and gives up at one of 3201, however it is cut", () => {
    for (const chunks of [[1, 4], [5], [1, 1, 1, 1, 1, 1, 1, 1]]) {
      const { blocks, seen } = decoder();
      assert.equal(blocks.receive(Buffer.concat([u32(1), u32(3200), Buffer.alloc(3200)])), undefined);
      assert.equal(seen.oversized, 1);
      const bad = Buffer.concat([u32(1), u32(3201)]);
      let fault: string | undefined;
      let at = 0;
      for (const size of [...chunks, 8]) {
        fault ??= blocks.receive(bad.subarray(at, at + size));
        at += size;
      }
      assert.equal(fault, "block-too-long");
    }
  });

  test("takes blocks of up to 3200 bytes where they are compressed", () => {
    const { blocks, seen } = decoder(blockLimits.blockBytes);
    blocks.receive(Buffer.concat([u32(1), u32(3200), Buffer.alloc(3200)]));
    assert.equal(seen.frames.length, 1);
  });

  test("survives any bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (chunks) => {
        const { blocks } = decoder();
        for (const chunk of chunks) if (blocks.receive(Buffer.from(chunk)) !== undefined) return;
      }),
    );
  });

  test("goes on where whoever takes the blocks had no time for more, wherever that is", () => {
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
        fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
        (items, taken, cuts) => {
          const frames: string[] = [];
          const blocks = new BlockDecoder({
            frameBytes: blockLimits.frameBytes,
            sink: {
              alive: () => {},
              oversized: () => {},
              blocks: (buffer, start, end) => {
                let at = start;
                for (let count = taken.next().value as number; count > 0 && at < end; count--) {
                  const size = readUint32(buffer, at);
                  frames.push(buffer.toString("hex", at + 4, at + 4 + size));
                  at += 4 + size;
                }
                return at;
              },
            },
          });
          const stream = encode(items);
          for (let at = 0; at < stream.length;) {
            const chunk = stream.subarray(at, at + (cuts.next().value as number));
            at += chunk.length;
            for (let from = 0; from < chunk.length; from = blocks.position) {
              assert.equal(blocks.receive(chunk, from), undefined);
            }
          }
          const whole = decoder();
          assert.equal(whole.blocks.receive(stream), undefined);
          assert.deepEqual(frames, whole.seen.frames);
        },
      ),
    );
  });
});
