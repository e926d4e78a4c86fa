import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { Deadline } from "../../../server/transport/deadline.ts";

describe("deadline", () => {
  test("does not count what passes while it is stopped", () => {
    let now = 0;
    mock.timers.enable({ apis: ["setTimeout"] });
    const clock = mock.method(performance, "now", () => now);
    const pass = (ms: number) => {
      now += ms;
      mock.timers.tick(ms);
    };
    try {
      let expired = 0;
      const deadline = new Deadline(100, () => expired++);
      pass(60);
      deadline.pause();
      deadline.pause();
      pass(1000);
      deadline.resume();
      deadline.resume();
      pass(39);
      assert.equal(expired, 0);
      pass(1);
      assert.equal(expired, 1);
    } finally {
      clock.mock.restore();
      mock.timers.reset();
    }
  });
});
