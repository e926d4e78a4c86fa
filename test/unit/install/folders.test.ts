import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { makeFolders, removeIfEmpty } from "../../../server/install/folders.ts";

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), "vpnserver-folders-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("makeFolders", () => {
  test("tells which folders it made, the topmost first, whatever the umask is", async () => {
    const former = process.umask(0o077);
    try {
      const path = join(directory, "a", "b", "c");
      assert.deepEqual(await makeFolders(path, 0o755), [
        join(directory, "a"),
        join(directory, "a", "b"),
        path,
      ]);
      assert.equal((await stat(path)).mode & 0o777, 0o755);
      assert.deepEqual(await makeFolders(path, 0o755), []);
    } finally {
      process.umask(former);
    }
  });

  test("makes none when it cannot make all", async () => {
    await writeFile(join(directory, "file"), "");
    await assert.rejects(makeFolders(join(directory, "file", "a"), 0o700), { code: "EEXIST" });
    await assert.rejects(makeFolders(join(directory, "a", "b", "n".repeat(300), "c"), 0o700), {
      code: "ENAMETOOLONG",
    });
    assert.deepEqual(await readdir(directory), ["file"]);
  });

  test("leaves the mode of folders that were there", async () => {
    await chmod(directory, 0o711);
    await makeFolders(join(directory, "x"), 0o700);
    assert.equal((await stat(directory)).mode & 0o777, 0o711);
  });
});

test("removeIfEmpty takes away an empty folder and nothing else", async () => {
  const folder = join(directory, "folder");
  assert.equal(await removeIfEmpty(folder), true);
  await mkdir(folder);
  await writeFile(join(folder, "file"), "");
  assert.equal(await removeIfEmpty(folder), false);
  assert.equal(await removeIfEmpty(join(folder, "file")), false);
  assert.deepEqual(await readdir(folder), ["file"]);
  await rm(join(folder, "file"));
  assert.equal(await removeIfEmpty(folder), true);
  assert.deepEqual(await readdir(directory), []);
});
