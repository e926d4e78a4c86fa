import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { resolveStatePaths, type StatePaths } from "../../../server/state-paths.ts";
import { identifyProcess, isRunning, signalProcess } from "../../../server/platform/process-identity.ts";
import { readRunFiles, removeRunFiles, writeRunFiles } from "../../../server/supervisor/run-files.ts";

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

describe("the record of a server's processes", () => {
  let paths: StatePaths;
  beforeEach(async () => {
    const directory = await mkdtemp(join(tmpdir(), "vpnserver-run-"));
    paths = resolveStatePaths({ env: {}, uid: 0, home: "/", stateDirectory: directory });
    paths = {
      ...paths,
      processesFile: join(directory, "processes.json"),
      pidFile: join(directory, "vpnserver.pid"),
    };
  });
  afterEach(() => rm(paths.stateDirectory, { recursive: true, force: true }));

  test("is read as it was written, and gone when removed", () => {
    assert.equal(readRunFiles(paths), undefined);
    const worker = { pid: 12, started: "boot/34" };
    writeRunFiles(paths, { supervisor: self, worker });
    assert.deepEqual(readRunFiles(paths), { supervisor: self, worker });
    writeRunFiles(paths, { supervisor: self, worker: undefined });
    assert.deepEqual(readRunFiles(paths), { supervisor: self });
    removeRunFiles(paths);
    removeRunFiles(paths);
    assert.equal(readRunFiles(paths), undefined);
  });

  test("damaged, it names no process", async () => {
    for (const content of [
      "",
      "null",
      "7",
      "{}",
      '{"supervisor":{"pid":1,"started":"x"}}',
      '{"supervisor":{"pid":-5,"started":"x"}}',
      '{"supervisor":{"pid":5}}',
    ]) {
      await writeFile(paths.processesFile, content);
      assert.equal(readRunFiles(paths), undefined, content);
    }
  });
});
