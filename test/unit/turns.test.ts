import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { workLimits } from "../../server/limits.ts";
import { atOnce, mapped, serverWork, Turns, type Steps } from "../../server/turns.ts";

/** A loop whose turns come when they are called for. */
function createTurns() {
  let now = 0;
  const waiting: (() => void)[] = [];
  const done: string[] = [];
  const turns = new Turns({ now: () => now, nextTurn: (callback) => waiting.push(callback) });
  function* work(name: string, steps: number): Steps<string> {
    for (let step = 1; step <= steps; step++) {
      now += 1;
      done.push(name);
      if (step < steps) yield;
    }
    return name;
  }
  const nextTurn = () => {
    done.length = 0;
    for (const callback of waiting.splice(0)) callback();
    return [...done];
  };
  return { turns, work, done, nextTurn };
}

describe("Turns", () => {
  test("does what is short at once, and no more in a turn than its time", async () => {
    const { turns, work, done, nextTurn } = createTurns();
    assert.equal(await turns.run(work("short", 2)), "short");
    const long = turns.run(work("long", 2 * workLimits.turnMs));
    assert.equal(done.length, workLimits.turnMs);
    assert.equal(nextTurn().length, workLimits.turnMs);
    assert.deepEqual(nextTurn(), Array(2).fill("long"));
    assert.equal(await long, "long");
    assert.deepEqual(nextTurn(), []);
  });

  test("lets owners take turns, however many jobs one has, and gives every other turn to the server", async () => {
    const { turns, work, nextTurn } = createTurns();
    const steps = workLimits.turnMs;
    const jobs = Array.from({ length: 64 }, () => turns.run(work("hub", 100 * steps), "hub"));
    const others = [
      turns.run(work("other", steps), "other"),
      turns.run(work("server", 2 * steps), serverWork),
    ];
    const order = Array.from({ length: 5 }, () => [...new Set(nextTurn())]);
    assert.deepEqual(order, [["server"], ["hub"], ["server"], ["other"], ["hub"]]);
    assert.deepEqual(await Promise.all(others), ["other", "server"]);
    assert.equal(jobs.length, 64);
  });

  test("keeps nobody who administers waiting for what the server does by itself", () => {
    const { turns, work, nextTurn } = createTurns();
    void turns.run(work("own", 100 * workLimits.turnMs));
    void turns.run(work("server", 1), serverWork);
    assert.ok(nextTurn().includes("server"));
  });

  test("begins few things in a turn whose length it does not know", async () => {
    const { turns, nextTurn } = createTurns();
    let begun = 0;
    for (let count = 0; count < 1_000; count++) void turns.begin("hub").then(() => begun++);
    await Promise.resolve();
    await Promise.resolve();
    const most = workLimits.turnMs / workLimits.beginMs;
    assert.ok(begun > 0 && begun <= most, `${begun} at once`);
    const before = begun;
    nextTurn();
    await Promise.resolve();
    await Promise.resolve();
    assert.ok(begun > before && begun - before <= most, `${begun - before} in a turn`);
  });

  test("fails with what a step throws, and goes on with the others", async () => {
    const { turns, work } = createTurns();
    function* fault(): Steps<never> {
      yield;
      throw new Error("fault");
    }
    await assert.rejects(turns.run(fault()), /fault/);
    assert.equal(await turns.run(work("next", 1)), "next");
  });

  test("gives the same in steps as at once", () => {
    const numbers = Array.from({ length: 1_000 }, (_, index) => index);
    assert.deepEqual(
      atOnce(mapped(numbers, (number) => number * 2)),
      numbers.map((number) => number * 2),
    );
  });
});
