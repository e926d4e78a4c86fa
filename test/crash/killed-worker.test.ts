import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseConfig } from "../../server/config/text/config-text.ts";
import { spawnWorkerProcess } from "../../server/supervisor/worker-process.ts";
import { removeShared, TryServer } from "../processes/try-server.ts";
import { RpcClient } from "./rpc-client.ts";
import { UserLane } from "./user-lane.ts";

/** How often the worker is killed; `npm run test:crash` does it 1,000 times. */
const rounds = Number(process.env["VPNSERVER_CRASH_ROUNDS"] ?? 20);
const lanes = 4;
const longestRoundMs = 150;

let server: TryServer;
before(async () => (server = await TryServer.create()));
after(async () => {
  await server?.dispose();
  await removeShared();
});

/** A worker as the supervisor starts it; fails with what it said when it does not get ready. */
async function startWorker() {
  const lines: string[] = [];
  const ended = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  const worker = spawnWorkerProcess(
    server.paths,
    {
      onMessage: (message) => {
        if (message.type === "ready") ready.resolve();
        if (message.type === "failed") ready.reject(new Error(message.failure.message));
      },
      onEnd: () => {
        ended.resolve();
        ready.reject(new Error(`the worker ended: ${lines.join("")}`));
      },
    },
    (line) => lines.push(line),
  );
  await ready.promise;
  return {
    /** What the worker logged. */
    lines,
    kill: async () => {
      worker.kill();
      await ended.promise;
    },
    end: async () => {
      worker.askToEnd();
      await ended.promise;
    },
  };
}

test(`a worker that is killed at ${rounds} random moments loses no change that it acknowledged, and reads none in part`, async (t) => {
  const users = Array.from({ length: lanes }, (_, index) => new UserLane(index));
  let changes = 0;
  for (let round = 0; round < rounds; round++) {
    const worker = await startWorker();
    const client = new RpcClient(server.ports[0] ?? 0);
    try {
      const found = await client.users("DEFAULT");
      for (const lane of users) lane.check(found, `before round ${round}`);
      const complaints = worker.lines.filter((line) =>
        /cannot be used|not applied|damaged|unusable/.test(line),
      );
      assert.deepEqual(complaints, []);
      const killed = new AbortController();
      const working = users.map((lane) => lane.change(client, killed.signal));
      // So that the file itself is written at some of the moments too.
      const flushing = (async () => {
        while (!killed.signal.aborted) {
          await sleep(Math.random() * longestRoundMs);
          await client.call("Flush", {}).catch(() => {});
        }
      })();
      await sleep(Math.random() * longestRoundMs);
      await worker.kill();
      killed.abort();
      changes += (await Promise.all(working)).reduce((sum, count) => sum + count, 0);
      await flushing;
      // Whatever the moment was, the file itself is whole.
      parseConfig(await readFile(server.paths.configFile));
    } finally {
      client.close();
      await worker.kill();
    }
  }
  const worker = await startWorker();
  const client = new RpcClient(server.ports[0] ?? 0);
  try {
    const found = await client.users("DEFAULT");
    for (const lane of users) lane.check(found, "at the end");
  } finally {
    client.close();
    await worker.end();
  }
  t.diagnostic(`${changes} changes were acknowledged in ${rounds} rounds`);
  assert.ok(changes > rounds, "the rounds were too short for changes");
});
