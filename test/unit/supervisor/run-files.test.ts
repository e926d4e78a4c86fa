import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { resolveStatePaths, type StatePaths } from "../../../server/state-paths.ts";
import { identifyProcess } from "../../../server/platform/process-identity.ts";
import { readRunFiles, removeRunFiles, writeRunFiles } from "../../../server/supervisor/run-files.ts";

const self = identifyProcess(process.pid);
assert.ok(self);

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
      '{"supervisor":{"pid":0,"started":"x"}}',
      '{"supervisor":{"pid":-5,"started":"x"}}',
      '{"supervisor":{"pid":5}}',
    ]) {
      await writeFile(paths.processesFile, content);
      assert.equal(readRunFiles(paths), undefined, content);
    }
  });
});
