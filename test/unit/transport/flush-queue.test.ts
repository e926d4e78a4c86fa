import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { FlushQueue } from "../../../server/transport/flush-queue.ts";

describe("flush queue", () => {
  test("calls back once each, after the turn in which they asked", async () => {
    const queue = new FlushQueue();
    const calls: string[] = [];
    const a = { flush: () => void calls.push("a") };
    const b = { flush: () => void calls.push("b") };
    queue.request(a);
    queue.request(b);
    queue.request(a);
    await Promise.resolve();
    assert.deepEqual(calls, []);
    await turn();
    assert.deepEqual(calls, ["a", "b"]);
  });

  test("takes those that ask while it calls back to the next turn", async () => {
    const queue = new FlushQueue();
    let calls = 0;
    const again = {
      flush: () => {
        if (++calls < 3) queue.request(again);
      },
    };
    queue.request(again);
    await turn();
    assert.equal(calls, 1);
    await turn();
    await turn();
    assert.equal(calls, 3);
  });
});
