import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { identifyProcess, isRunning, signalProcess } from "../../../server/platform/process-identity.ts";

const self = identifyProcess(process.pid);
assert.ok(self);

describe("a process's identity", () => {
  test("lasts as long as the process", async () => {
    const child = spawn("sleep", ["60"]);
    assert.ok(child.pid);
    const identity = identifyProcess(child.pid);
    assert.ok(identity);
    assert.equal(isRunning(identity), true);
    const ended = once(child, "exit");
    assert.equal(signalProcess(identity, "SIGKILL"), true);
    await ended;
    assert.equal(isRunning(identity), false);
    assert.equal(signalProcess(identity, "SIGKILL"), false);
  });

  test("is not that of another process with the same process id", () => {
    const earlier = { ...self, started: self.started.replace(/\d+$/, "1") };
    assert.equal(isRunning(earlier), false);
    // It would end this very process.
    assert.equal(signalProcess(earlier, "SIGKILL"), false);
  });

  test("survives a name with spaces and parentheses", () => {
    const title = process.title;
    try {
      process.title = "a) S 1 (b";
      assert.deepEqual(identifyProcess(process.pid), self);
    } finally {
      process.title = title;
    }
  });

  test("a process that waits to be collected by its parent is gone", async () => {
    // The shell becomes a program that never collects its child.
    const parent = spawn("sh", ["-c", "sleep 0.01 & echo $!; exec sleep 60"]);
    try {
      const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(chunk.toString());
      while (identifyProcess(pid) !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(process.kill(pid, 0), true);
    } finally {
      parent.kill("SIGKILL");
    }
  });
});
