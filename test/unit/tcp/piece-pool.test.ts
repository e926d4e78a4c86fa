import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { pieceLimits } from "../../../server/limits.ts";
import { PiecePool } from "../../../server/tcp/piece-pool.ts";

const { leastBytes, mostBytes, kept } = pieceLimits;

describe("buffers of streams", () => {
  test("have room for what they are for, up to the largest, and less than twice that", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 * mostBytes }), (bytes) => {
        const { length } = new PiecePool().take(bytes);
        assert.ok(length >= Math.min(bytes, mostBytes) && length <= mostBytes);
        assert.ok(length <= 2 * bytes, `${length} bytes for ${bytes}`);
      }),
    );
  });

  test("come back to those that ask for as many bytes", () => {
    const pool = new PiecePool();
    const [small, large] = [pool.take(leastBytes), pool.take(mostBytes)];
    pool.release(small);
    pool.release(large);
    assert.equal(pool.take(mostBytes - 1), large);
    assert.equal(pool.take(leastBytes - 1), small);
    assert.equal(pool.kept, 0);
  });

  test("are kept up to a bound, and freed at once beyond it and when nobody needs them", () => {
    const pool = new PiecePool();
    const all = Array.from({ length: kept + 1 }, () => pool.take(mostBytes));
    for (const buffer of all) pool.release(buffer);
    assert.equal(pool.kept, kept);
    assert.equal(all.at(-1)?.length, 0);
    pool.clear();
    assert.equal(pool.kept, 0);
    assert.ok(all.every(({ length }) => length === 0));
  });

  test("of another size are left to the runtime", () => {
    const pool = new PiecePool();
    pool.release(pool.take(100));
    pool.release(Buffer.alloc(mostBytes + 1));
    assert.equal(pool.kept, 0);
  });
});
