import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { withFileLock } from "../../../tools/setup/file-lock.ts";

const module = join(import.meta.dirname, "../../../tools/setup/file-lock.ts");
const generous = { timeoutMs: 20_000 };

describe("withFileLock", () => {
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "file-lock-"));
  });

  after(() => rm(directory, { recursive: true, force: true }));

  test("lets one at a time work, tells who waits, and hands on the result", async () => {
    const path = join(directory, "one");
    const steps: string[] = [];
    const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = withFileLock(path, generous, async () => {
      steps.push("first begins");
      held.resolve();
      await release.promise;
      steps.push("first ends");
      return 1;
    });
    await held.promise;
    const onWait = () => {
      steps.push("second waits");
      release.resolve();
    };
    const second = withFileLock(path, { ...generous, onWait }, async () => {
      steps.push("second begins");
      return 2;
    });
    assert.deepEqual(await Promise.all([first, second]), [1, 2]);
    assert.deepEqual(steps, ["first begins", "second waits", "first ends", "second begins"]);
  });

  test("is free again after work that failed", async () => {
    const path = join(directory, "two");
    await assert.rejects(
      withFileLock(path, generous, () => Promise.reject(new Error("broken"))),
      /broken/,
    );
    assert.equal(await withFileLock(path, generous, async () => "done"), "done");
  });

  test("is free again when its holder is killed", async () => {
    const path = join(directory, "three");
    const holder = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { withFileLock } from ${JSON.stringify(module)};
         await withFileLock(${JSON.stringify(path)}, { timeoutMs: 1000 }, () => {
           console.log("held");
           return new Promise((resolve) => setTimeout(resolve, 60_000));
         });`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await once(holder.stdout, "data");
    await assert.rejects(
      withFileLock(path, { timeoutMs: 300 }, async () => {}),
      /another process has held .* for 0\.3 s/,
    );
    holder.kill("SIGKILL");
    await once(holder, "exit");
    assert.equal(await withFileLock(path, generous, async () => "done"), "done");
  });
});
