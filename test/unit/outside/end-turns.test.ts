import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { outsideLimits } from "../../../server/limits.ts";
import { EndTurns, type MayEnd } from "../../../server/outside/end-turns.ts";

const { endedInTurn } = outsideLimits;

/** Connections whose ends have come, and are noticed where they are read; the others stay. */
function setUp(count: number, hasEnded: (index: number) => boolean) {
  const callbacks: (() => void)[] = [];
  const ends = new EndTurns({ nextTurn: (callback) => callbacks.push(callback) });
  const read = new Set<MayEnd>();
  const ended = new Set<MayEnd>();
  for (let index = 0; index < count; index++) {
    const connection: MayEnd = {
      hold: () => void read.delete(connection),
      goOn: () => void read.add(connection),
    };
    read.add(connection);
    ends.add(connection);
    if (hasEnded(index)) ended.add(connection);
  }
  return {
    read,
    ended,
    /** Reads as the runtime does, whoever is read at that moment; how many ended. */
    turn: () => {
      let noticed = 0;
      for (const connection of [...ended]) {
        if (!read.has(connection)) continue;
        ended.delete(connection);
        read.delete(connection);
        ends.ended(connection);
        noticed++;
      }
      for (const callback of callbacks.splice(0)) callback();
      return noticed;
    },
    isIdle: () => callbacks.length === 0,
  };
}

describe("ends of connections from outside", () => {
  test("that come at once are noticed a few in each turn, all of them", () => {
    const { turn, ended, isIdle } = setUp(10_000, () => true);
    let turns = 0;
    for (; ended.size > 0; turns++) assert.ok(turn() <= endedInTurn);
    assert.ok(turns <= Math.ceil(10_000 / endedInTurn) + 1, `${turns} turns`);
    turn();
    assert.ok(isIdle());
  });

  test("hold up the others for some turns only, more of which go on in each", () => {
    const { turn, read, ended, isIdle } = setUp(10_000, (index) => index < 2 * endedInTurn);
    turn();
    let turns = 0;
    while (read.size < 10_000 - 2 * endedInTurn && turns++ < 100) turn();
    assert.equal(ended.size, 0);
    assert.ok(turns < 12, `${turns} turns`);
    turn();
    assert.ok(isIdle());
  });

  test("that are few hold up nobody", () => {
    const { turn, read } = setUp(1_000, (index) => index < endedInTurn - 1);
    assert.equal(turn(), endedInTurn - 1);
    assert.equal(read.size, 1_000 - endedInTurn + 1);
  });
});
