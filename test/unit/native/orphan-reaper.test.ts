import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mock, test } from "node:test";
import { OrphanReaper } from "../../../server/native/orphan-reaper.ts";

/** Looks as often as a pause has gone by. */
async function pauses(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    mock.timers.tick(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("an orphan is taken notice of when it is still there a look later, and a child of the runtime is not", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const listeners = process.listeners("SIGCHLD");
  try {
    let ended: number[] = [];
    const reaped: number[] = [];
    const reap = (pid: number) => {
      reaped.push(pid);
      ended = ended.filter((other) => other !== pid);
    };
    new OrphanReaper({ reap, ended: () => ended }).start();
    ended = [11, 12];
    await pauses(1);
    assert.deepEqual(reaped, []);
    // The runtime has taken notice of its own.
    ended = [11];
    await pauses(1);
    assert.deepEqual(reaped, [11]);
    // Nothing is looked for until another child ends.
    ended = [13];
    await pauses(3);
    assert.deepEqual(reaped, [11]);
    process.emit("SIGCHLD", "SIGCHLD");
    await pauses(2);
    assert.deepEqual(reaped, [11, 13]);
  } finally {
    mock.timers.reset();
    for (const listener of process.listeners("SIGCHLD")) {
      if (!listeners.includes(listener)) process.off("SIGCHLD", listener);
    }
  }
});

test("what the runtime has started ends as ever, and a child that is gone is no failure", async () => {
  const listeners = process.listeners("SIGCHLD");
  const reap = () => {
    throw new Error("ECHILD");
  };
  try {
    new OrphanReaper({ reap, ended: () => [99] }).start();
    const child = spawn("sh", ["-c", "exit 7"]);
    assert.deepEqual(await once(child, "exit"), [7, null]);
  } finally {
    for (const listener of process.listeners("SIGCHLD")) {
      if (!listeners.includes(listener)) process.off("SIGCHLD", listener);
    }
  }
});
