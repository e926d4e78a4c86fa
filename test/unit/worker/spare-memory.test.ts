import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryLimits } from "../../../server/limits.ts";
import { SpareMemory } from "../../../server/worker/spare-memory.ts";

const MiB = 1024 * 1024;

/** A process with memory in use and garbage. */
function setUp() {
  const world = { used: 60 * MiB, garbage: 0, freed: 0, utilization: 0, now: 0, collections: 0, trims: 0 };
  const spare = new SpareMemory({
    residentBytes: () => world.used + world.garbage + world.freed,
    utilization: () => world.utilization,
    collect: () => {
      // Half of it lies between what is used.
      world.freed += world.garbage / 2;
      world.garbage = 0;
      world.collections++;
      return Promise.resolve();
    },
    trim: () => {
      world.freed = 0;
      world.trims++;
      return Promise.resolve();
    },
    now: () => world.now,
  });
  return {
    world,
    pass: async (ms: number) => {
      for (const until = world.now + ms; world.now < until; world.now += memoryLimits.lookMs)
        await spare.look();
    },
  };
}

describe("memory that nobody uses", () => {
  test("is given back when a rush is over, and not during it", async () => {
    const { world, pass } = setUp();
    Object.assign(world, { garbage: 1000 * MiB, utilization: 0.9 });
    await pass(600_000);
    assert.equal(world.collections, 0);
    world.utilization = 0.01;
    await pass(memoryLimits.lookMs);
    assert.deepEqual([world.garbage, world.freed], [0, 0]);
  });

  test("is left alone in a server that has little", async () => {
    const { world, pass } = setUp();
    world.garbage = 50 * MiB;
    await pass(7_200_000);
    assert.deepEqual([world.collections, world.trims], [0, 0]);
  });

  test("is given back too when it was in use at the last look", async () => {
    const { world, pass } = setUp();
    world.used = 1000 * MiB;
    await pass(60_000);
    assert.equal(world.collections, 1);
    Object.assign(world, { used: 60 * MiB, garbage: 940 * MiB });
    await pass(2 * memoryLimits.leastPatienceMs + memoryLimits.lookMs);
    assert.equal(world.garbage, 0);
  });

  test("is looked for ever less often in a server that needs what it has", async () => {
    const { world, pass } = setUp();
    world.used = 1000 * MiB;
    await pass(24 * 3_600_000);
    assert.ok(world.collections < 35, `${world.collections} times in a day`);
  });
});
