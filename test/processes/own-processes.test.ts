import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { processesBelow } from "../../tools/quickstart/own-processes.ts";

test("processesBelow finds processes by their executable, also when that has been removed", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "processes-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await copyFile("/bin/sleep", join(directory, "sleep"));
  const child = spawn(join(directory, "sleep"), ["60"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  await rm(join(directory, "sleep"));
  assert.deepEqual(
    (await processesBelow(directory)).map(({ pid }) => pid),
    [child.pid],
  );
  assert.deepEqual(await processesBelow(`${directory}-other`), []);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  assert.deepEqual(await processesBelow(directory), []);
});
