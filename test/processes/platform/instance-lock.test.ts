import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ServerError } from "../../../server/errors.ts";
import { InstanceLock } from "../../../server/platform/instance-lock.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-lock-"));
  path = join(directory, "lock");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Another process that takes the lock; it prints what came of it and waits. */
function another() {
  const module = join(import.meta.dirname, "../../../server/platform/instance-lock.ts");
  const program = `
    const { InstanceLock } = await import(${JSON.stringify(module)});
    const lock = InstanceLock.acquire(${JSON.stringify(path)});
    console.log(lock ? "held" : "refused");
    setInterval(() => lock, 60_000);`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

describe("InstanceLock", () => {
  test("is held by one process, until that is killed, without a warning or a file besides", async () => {
    const holder = another();
    let complaints = "";
    holder.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
    try {
      const [said] = (await once(holder.stdout, "data")) as [Buffer];
      assert.equal(said.toString(), "held\n", complaints);
      assert.equal(InstanceLock.acquire(path), undefined);
      assert.deepEqual(await readdir(directory), ["lock"]);
    } finally {
      holder.kill("SIGKILL");
      await once(holder, "close");
    }
    assert.equal(complaints, "");
    const lock = InstanceLock.acquire(path);
    assert.ok(lock);
    lock.release();
  });

  test("refuses other processes while this one holds it, and not after", async () => {
    const lock = InstanceLock.acquire(path);
    assert.ok(lock);
    for (const expected of ["refused\n", "held\n"]) {
      const other = another();
      const [said] = (await once(other.stdout, "data")) as [Buffer];
      other.kill("SIGKILL");
      await once(other, "close");
      assert.equal(said.toString(), expected);
      if (expected === "refused\n") lock.release();
    }
  });

  test("names a file that cannot be locked", async () => {
    await writeFile(path, "no database at all, but long enough to be taken for one".repeat(100));
    assert.throws(
      () => InstanceLock.acquire(path),
      (error) =>
        error instanceof ServerError && error.code === "STATE_INVALID" && error.message.includes(path),
    );
  });
});
