import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { runtimeOptions, selfCommand } from "../../server/supervisor/self-command.ts";

const run = promisify(execFile);

test("a worker is given the runtime options that it knows and heeds", async () => {
  assert.deepEqual(selfCommand().arguments.slice(0, runtimeOptions.length), runtimeOptions);
  const print = 'console.log(require("v8").getHeapStatistics().heap_size_limit)';
  const limits = await Promise.all(
    [runtimeOptions, []].map(async (options) =>
      Number((await run(process.execPath, [...options, "-e", print])).stdout),
    ),
  );
  assert.ok((limits[0] ?? 0) < (limits[1] ?? 0), `heap limits ${limits.join(" and ")}`);
});
