import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { firstConnection, type Connect } from "../../../server/outside/first-connection.ts";
import type { OutsideTcpEvents } from "../../../server/secure-nat/outside.ts";

/** Ends that the test plays, and what is told of the connection. */
function scene(count: number) {
  const tried: OutsideTcpEvents[] = [];
  const calls: string[] = [];
  const told: string[] = [];
  const ends = Array.from({ length: count }, (_, index): Connect => (events) => {
    tried.push(events);
    const called = (what: string) => () => void calls.push(`${index} ${what}`);
    return {
      write: called("write"),
      end: called("end"),
      destroy: called("destroy"),
      pause: called("pause"),
      resume: called("resume"),
    };
  });
  const events = {
    connected: () => void told.push("connected"),
    data: (bytes: Buffer) => void told.push(bytes.toString()),
    ended: () => void told.push("ended"),
    failed: ({ message }: Error) => void told.push(message),
  };
  const connection = firstConnection(ends, events, 2_500);
  return { tried, calls, told, connection };
}

describe("the first of several ends", () => {
  test("that takes the connection has it", () => {
    const { tried, calls, told, connection } = scene(3);
    tried[0]?.failed(new Error("refused"));
    tried[1]?.connected();
    tried[1]?.data(Buffer.from("answer"));
    connection.write(Buffer.alloc(0), () => {});
    connection.end();
    tried[1]?.ended();
    assert.deepEqual(
      [tried.length, told, calls],
      [2, ["connected", "answer", "ended"], ["1 write", "1 end"]],
    );
  });

  test("is not tried again when it fails later", () => {
    const { tried, told } = scene(2);
    tried[0]?.connected();
    tried[0]?.failed(new Error("reset"));
    assert.deepEqual([tried.length, told], [1, ["connected", "reset"]]);
  });

  test("is given up after a while for the next, and the last one is waited for", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { tried, calls, told } = scene(2);
    t.mock.timers.tick(2_499);
    assert.equal(tried.length, 1);
    t.mock.timers.tick(1);
    assert.deepEqual([tried.length, calls], [2, ["0 destroy"]]);
    t.mock.timers.tick(600_000);
    assert.deepEqual(told, []);
    tried[1]?.failed(new Error("ETIMEDOUT"));
    assert.deepEqual(told, ["ETIMEDOUT"]);
  });

  test("is given up with the connection, and no other is tried", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { tried, calls, connection } = scene(2);
    connection.destroy();
    t.mock.timers.tick(10_000);
    assert.deepEqual([tried.length, calls], [1, ["0 destroy"]]);
  });
});
