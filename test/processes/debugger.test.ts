import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { accepts, removeShared, TryServer, workerOf } from "./try-server.ts";

after(removeShared);

test("SIGUSR1 opens a debugger in no process of a server, and ends none", async (t) => {
  const server = await TryServer.create();
  t.after(() => server.dispose());
  const status = await server.start();
  const pids = [status.supervisor.pid, workerOf(status)];
  for (const pid of pids) {
    // A process that has no handler of its own hands the signal to the runtime; SigCgt is the mask of those with one (proc(5)).
    const [, caught = "0"] =
      /^SigCgt:\s+([0-9a-f]+)$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
    assert.equal((BigInt(`0x${caught}`) >> 9n) & 1n, 1n, `process ${pid} would end by it`);
    process.kill(pid, "SIGUSR1");
  }
  // A debugger opens its port while the command starts.
  const { stdout } = await server.run("status");
  for (const pid of pids) assert.match(stdout, new RegExp(`process ${pid}\\b`));
  assert.ok(!/Debugger listening/.test(await server.log()));
  assert.equal(await accepts(9229), false);
});
