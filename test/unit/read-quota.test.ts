import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readQuotaLimits } from "../../server/limits.ts";
import { ReadQuota } from "../../server/read-quota.ts";

const { readBytes } = readQuotaLimits;

describe("what is read in a turn", () => {
  test("is bounded for all together, and the others follow in their order", () => {
    const turns: (() => void)[] = [];
    const quota = new ReadQuota({ bytes: 4 * readBytes, nextTurn: (callback) => turns.push(callback) });
    const read: number[] = [];
    const peers = Array.from({ length: 30 }, (_, index) => index);
    const held = new Set<number>();
    const readFrom = (peer: number) => {
      read.push(peer);
      if (quota.exceeds(readBytes, () => held.delete(peer) && readFrom(peer))) held.add(peer);
    };
    // In the first turn all bring something, since nobody was asked to wait.
    for (const peer of peers) readFrom(peer);
    for (let turn = 0; turn < 20; turn++) {
      const before = read.length;
      for (const callback of turns.splice(0)) callback();
      assert.ok(read.length - before <= 4, `${read.length - before} in turn ${turn}`);
    }
    assert.deepEqual(read.slice(30, 30 + 26), peers.slice(4));
  });

  test("asks nobody to wait who brings little", () => {
    const quota = new ReadQuota({ bytes: 4 * readBytes, nextTurn: (callback) => callback() });
    for (let count = 0; count < 1_000; count++) {
      assert.equal(
        quota.exceeds(1_000, () => {}),
        false,
      );
    }
  });
});
