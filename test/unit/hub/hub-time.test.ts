import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ThreadTime, type Work } from "../../../server/hub/hub-time.ts";
import { turnLimits } from "../../../server/limits.ts";

/** A thread whose clock goes on by the work that is done. */
function setUp() {
  const clock = { ms: 1_000 };
  const turnEnds: (() => void)[] = [];
  const turns = new ThreadTime({ now: () => clock.ms, nextTurn: (callback) => turnEnds.push(callback) });
  return {
    clock,
    turns,
    turnEnds,
    /** Work of so many steps, which notes when it was called. */
    work: (steps: number, msPerStep: number) => {
      const each = {
        left: steps,
        calls: 0,
        work: (isOver: () => boolean) => {
          each.calls++;
          while (each.left > 0) {
            each.left--;
            clock.ms += msPerStep;
            if (isOver()) break;
          }
          return each.left > 0;
        },
      };
      return each satisfies Work;
    },
    /** The end of a turn, as the event loop has it; gives how long it took. */
    endTurn: () => {
      const began = clock.ms;
      for (const callback of turnEnds.splice(0)) callback();
      return clock.ms - began;
    },
  };
}

describe("the time of hubs", () => {
  test("does a little at once, and asks for no turn but the one that counts anew", () => {
    const { turns, work, turnEnds, endTurn } = setUp();
    const hub = turns.createShare();
    const little = work(1, 0.1);
    hub.begin(little);
    assert.equal(little.left, 0);
    assert.equal(turnEnds.length, 1);
    endTurn();
    assert.deepEqual([little.calls, turnEnds.length], [1, 0]);
  });

  test("bounds what a hub does while sockets are read, and what all do, whatever they bring", () => {
    const { clock, turns, work } = setUp();
    const hubs = Array.from({ length: 20 }, () => turns.createShare());
    const [first] = hubs;
    const began = clock.ms;
    for (let chunk = 0; chunk < 100; chunk++) first?.begin(work(1_000, 0.05));
    const ofOne = clock.ms - began;
    assert.ok(ofOne < turnLimits.atOnceMs + turnLimits.sliceMs, `${ofOne} ms for one hub`);
    for (const hub of hubs) for (let chunk = 0; chunk < 100; chunk++) hub.begin(work(1_000, 0.05));
    const ofAll = clock.ms - began;
    const most = turnLimits.totalMs + turnLimits.atOnceMs + hubs.length * (turnLimits.crowdedMs + 0.05);
    assert.ok(ofAll < most, `${ofAll} ms for all`);
  });

  test("counts what was done before the hub came to see it", () => {
    const { turns, work } = setUp();
    const hub = turns.createShare();
    hub.begin(work(0, 0), turnLimits.atOnceMs);
    const next = work(1, 0.1);
    hub.begin(next);
    assert.equal(next.calls, 0);
  });

  test("leaves some time for what cannot wait, whatever else the hub did", () => {
    const { clock, turns, work } = setUp();
    const hub = turns.createShare();
    hub.begin(work(0, 0), 100 * turnLimits.atOnceMs);
    const began = clock.ms;
    const unwilling = work(1_000, 0.05);
    hub.atOnce(unwilling);
    assert.ok(unwilling.left < 1_000 && clock.ms - began < turnLimits.crowdedMs + 0.1);
  });

  test("has a turn end in time, and goes on in the next one", () => {
    const { turns, work, endTurn } = setUp();
    const hub = turns.createShare();
    const long = work(1_000, 0.1);
    hub.later(long);
    let turnsTaken = 0;
    for (; long.left > 0; turnsTaken++) {
      const ms = endTurn();
      assert.ok(ms <= turnLimits.totalMs + 0.2, `${ms} ms`);
    }
    assert.equal(turnsTaken, Math.ceil(100 / turnLimits.totalMs));
    assert.equal(endTurn(), 0);
  });

  test("takes hubs in turn, whatever one of them has to do", () => {
    const { turns, work, endTurn } = setUp();
    const [busy, quiet] = [turns.createShare(), turns.createShare()];
    for (let count = 0; count < 500; count++) busy.later(work(1_000, 0.1));
    endTurn();
    const little = work(1, 0.1);
    quiet.later(little);
    endTurn();
    assert.equal(little.left, 0);
  });

  test("takes those of a hub in turn", () => {
    const { turns, work, endTurn } = setUp();
    const hub = turns.createShare();
    const greedy = work(1_000, 0.1);
    const modest = Array.from({ length: 5 }, () => work(1, 0.1));
    for (const each of [greedy, ...modest]) hub.later(each);
    endTurn();
    assert.deepEqual(
      modest.map(({ left }) => left),
      [0, 0, 0, 0, 0],
    );
    assert.ok(greedy.left > 0);
  });

  test("does once what is asked for many times, and not what is forgotten", () => {
    const { turns, work, endTurn } = setUp();
    const hub = turns.createShare();
    const [wanted, gone] = [work(1, 0.1), work(1, 0.1)];
    for (let count = 0; count < 3; count++) for (const each of [wanted, gone]) hub.later(each);
    hub.forget(gone);
    endTurn();
    assert.deepEqual([wanted.calls, gone.calls], [1, 0]);
  });

  test("goes on after work that throws", () => {
    const { turns, work, endTurn } = setUp();
    const hub = turns.createShare();
    hub.later({
      work: () => {
        throw new Error("a fault");
      },
    });
    const next = work(1, 0.1);
    hub.later(next);
    assert.throws(endTurn, /a fault/);
    endTurn();
    assert.equal(next.left, 0);
  });
});
