import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { BlockQueue } from "../../../server/hub/block-queue.ts";
import { answeringPortLimits, blockLimits } from "../../../server/limits.ts";
import { block } from "./hub-fixture.ts";

const { chunkBytes } = answeringPortLimits;
const frame = fc.record({ bytes: fc.integer({ min: 1, max: blockLimits.frameBytes }), fill: fc.nat(255) });
const action = fc.oneof(
  fc.record({ push: fc.array(frame, { minLength: 1, maxLength: 30 }) }),
  fc.record({ take: fc.integer({ min: 1, max: 40 }) }),
);

function taken(queue: BlockQueue): Buffer {
  queue.take();
  return Buffer.from(queue.buffer.subarray(queue.frameStart, queue.frameEnd));
}

describe("blocks that wait for a port", () => {
  test("come out one by one, in order and as they went in", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 20 }), (actions) => {
        const queue = new BlockQueue();
        const expected: Buffer[] = [];
        for (const step of actions) {
          if ("push" in step) {
            const frames = step.push.map(({ bytes, fill }) => Buffer.alloc(bytes, fill));
            const blocks = Buffer.concat([Buffer.of(1, 2, 3), ...frames.map((each) => block(each))]);
            queue.push(blocks, 3, blocks.length);
            expected.push(...frames);
          } else {
            for (let left = step.take; left > 0 && queue.bytes > 0; left--)
              assert.deepEqual(taken(queue), expected.shift());
          }
          assert.equal(
            queue.bytes,
            expected.reduce((sum, { length }) => sum + 4 + length, 0),
          );
        }
        queue.clear();
        assert.equal(queue.bytes, 0);
      }),
      { numRuns: 300 },
    );
  });

  test("take no new memory, however long it is that some wait, and leave theirs to others", () => {
    const blocks = block(Buffer.alloc(1_500));
    const memory = new Set<ArrayBufferLike>();
    for (let queues = 0; queues < 3; queues++) {
      const queue = new BlockQueue();
      for (let bytes = 0; bytes < 100 * chunkBytes; bytes += blocks.length) {
        queue.push(blocks, 0, blocks.length);
        if (bytes < 3 * chunkBytes) continue;
        taken(queue);
        memory.add(queue.buffer.buffer);
      }
      queue.clear();
    }
    assert.ok(memory.size <= 6, `${memory.size} pieces of memory`);
  });

  test("are refused when one is longer than any of a hub", () => {
    const blocks = block(Buffer.alloc(chunkBytes));
    assert.throws(() => new BlockQueue().push(blocks, 0, blocks.length), RangeError);
  });
});
