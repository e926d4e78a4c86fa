import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { outsideLimits } from "../../../server/limits.ts";
import { SocketTurns } from "../../../server/outside/socket-turns.ts";

const { openedInTurn } = outsideLimits;

function setUp() {
  const turns: (() => void)[] = [];
  const opened: string[] = [];
  const opening = new SocketTurns({ inTurn: openedInTurn, nextTurn: (callback) => turns.push(callback) });
  return {
    opened,
    open: (owner: number, name: string) => opening.take(owner, () => opened.push(name)),
    /** What is opened in the next turn. */
    turn: () => {
      opened.length = 0;
      for (const callback of turns.splice(0)) callback();
      return [...opened];
    },
    isIdle: () => turns.length === 0,
  };
}

describe("turns of sockets", () => {
  test("open at once what there is room for, and the rest in later turns", () => {
    const { open, opened, turn, isIdle } = setUp();
    for (let index = 0; index < 2.5 * openedInTurn; index++) open(1, `${index}`);
    assert.equal(opened.length, openedInTurn);
    assert.equal(turn().length, openedInTurn);
    assert.equal(turn().length, openedInTurn / 2);
    turn();
    assert.ok(isIdle());
    open(1, "later");
    assert.deepEqual(opened, ["later"]);
  });

  test("go around among hubs, so that none waits for the flood of another", () => {
    const { open, turn } = setUp();
    for (let index = 0; index < 10 * openedInTurn; index++) open(1, "flood");
    open(2, "other");
    open(3, "third");
    assert.deepEqual(turn().slice(0, 4), ["flood", "other", "third", "flood"]);
    // Nobody gets before those who wait, even at the beginning of a turn.
    open(2, "again");
    assert.ok(turn().includes("again"));
  });

  test("open nothing that was called off", () => {
    const { open, opened, turn, isIdle } = setUp();
    const all = Array.from({ length: 3 * openedInTurn }, (_, index) => open(index % 2, `${index}`));
    for (const callOff of all) callOff();
    for (const callOff of all) callOff();
    assert.equal(opened.length, openedInTurn);
    assert.deepEqual(turn(), []);
    assert.ok(isIdle());
  });
});
