import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { slabLimits } from "../../../../server/limits.ts";
import { SlabPool } from "../../../../server/protocols/softether/slab-pool.ts";

describe("slab pool", () => {
  test("gives a used buffer to the next that asks", () => {
    const pool = new SlabPool();
    const slab = pool.take();
    pool.release(slab);
    assert.equal(pool.take(), slab);
    assert.equal(slab.length, slabLimits.bytes);
  });

  test("frees the memory of buffers beyond what it keeps as they come back", () => {
    const pool = new SlabPool();
    const slabs = Array.from({ length: slabLimits.kept + 10 }, () => pool.take());
    assert.equal(pool.lent, slabs.length);
    for (const slab of slabs) pool.release(slab);
    assert.equal(pool.lent, 0);
    assert.equal(pool.kept, slabLimits.kept);
    assert.deepEqual(
      slabs.map(({ buffer }) => buffer.detached),
      slabs.map((_, index) => index >= slabLimits.kept),
    );
  });

  test("frees what was not needed from one look to the next, and keeps what was", () => {
    const pool = new SlabPool();
    const many = Array.from({ length: 50 }, () => pool.take());
    for (const slab of many) pool.release(slab);
    pool.trim();
    assert.equal(pool.kept, 50, "all were needed");
    const few = Array.from({ length: 3 }, () => pool.take());
    for (const slab of few) pool.release(slab);
    pool.trim();
    assert.equal(pool.kept, 3);
    assert.equal(many.filter(({ buffer }) => buffer.detached).length, 47);
    pool.trim();
    assert.equal(pool.kept, 0);
    assert.equal(pool.take().length, slabLimits.bytes);
  });
});
