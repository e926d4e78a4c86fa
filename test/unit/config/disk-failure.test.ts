import assert from "node:assert/strict";
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { describe, test } from "node:test";
import { ServerError } from "../../../server/errors.ts";
import { FailingDisk } from "./failing-disk.ts";
import {
  scenesForEachTest,
  scene,
  add,
  names,
  say,
  messageOf,
  open,
  linesOf,
  found,
  type Scene,
} from "./killed-server.ts";

scenesForEachTest();

describe("a disk that fails", () => {
  for (const code of ["ENOSPC", "EIO"]) {
    for (const written of [0, 30]) {
      test(`with ${code} after ${written} bytes of a record leaves no trace of the change, which is refused`, async () => {
        const paths = await scene();
        const disk = new FailingDisk();
        const store = await open(paths, { disk });
        await store.create();
        await store.updateHubs(say("one"));
        disk.fail("write", { code, after: written });
        await assert.rejects(store.updateHubs(say("two")), isWriteError(code));
        assert.equal(messageOf(store), "one");
        assert.deepEqual(await foundAsKilled(paths), { message: "one", warnings: [] });
        disk.mend();
        await store.updateHubs(say("three"));
        assert.deepEqual(await foundAsKilled(paths), { message: "three", warnings: [] });
      });
    }
  }

  test("even to cut off the rest of a record takes no change until that is done", async () => {
    const paths = await scene();
    const disk = new FailingDisk();
    const store = await open(paths, { disk });
    await store.create();
    await store.updateHubs(say("one"));
    disk.fail("write", { code: "EIO", after: 30 });
    disk.fail("truncate", { code: "EIO" });
    await assert.rejects(store.updateHubs(say("two, which is longer than others")), isWriteError("EIO"));
    disk.mend("write");
    await assert.rejects(store.updateHubs(say("three")), isWriteError("EIO"));
    assert.deepEqual(await foundAsKilled(paths), { message: "one", warnings: [] });
    disk.mend();
    await store.updateHubs(say("4"));
    assert.deepEqual(await foundAsKilled(paths), { message: "4", warnings: [] });
  });

  test("with no room to write ahead takes a change for which there is room", async () => {
    const paths = await scene();
    const disk = new FailingDisk();
    const store = await open(paths, { disk });
    await store.create();
    disk.fail("write", { code: "ENOSPC", largerThan: 10_000 });
    for (const message of ["one", "two"]) await store.updateHubs(say(message));
    assert.deepEqual(await foundAsKilled(paths), { message: "two", warnings: [] });
    assert.equal((await stat(paths.journalFile)).size, (await linesOf(paths)).length);
  });

  for (const code of ["ENOSPC", "EIO"]) {
    test(`with ${code} while the file is written keeps the journal, and goes on with it`, async () => {
      const paths = await scene();
      const disk = new FailingDisk();
      const store = await open(paths, { disk });
      await store.create();
      await store.updateHubs(say("one"));
      disk.fail("file", { code });
      await assert.rejects(store.flush(), isWriteError(code));
      await store.updateHubs(say("two"));
      assert.deepEqual(await foundAsKilled(paths), { message: "two", warnings: [] });
      disk.mend();
      await store.flush();
      assert.deepEqual(await foundAsKilled(paths), { message: "two", warnings: [] });
      assert.match(await readFile(paths.configFile, "utf8"), /MessageText two/);
    });
  }
});

/** What the next server finds, were this one killed now. */
async function foundAsKilled(paths: Scene) {
  const [config, journal] = await Promise.all([
    readFile(paths.configFile),
    readFile(paths.journalFile).catch(() => undefined),
  ]);
  const { message, warnings } = await found({ config, ...(journal && { journal }) });
  return { message, warnings };
}

const isWriteError = (code: string) => (error: unknown) =>
  error instanceof ServerError && error.code === "STATE_INVALID" && error.message.includes(code);

describe("a journal that cannot be written", () => {
  test("refuses the change, which is not there then, and takes the next one", async () => {
    const paths = await scene();
    const store = await open(paths);
    await store.create();
    await mkdir(paths.journalFile);
    for (const name of ["A", "B"]) {
      await assert.rejects(
        store.updateHubs(add(name)),
        (error) => error instanceof ServerError && error.message.includes("cannot write"),
      );
    }
    assert.deepEqual(names(store), ["DEFAULT"]);
    await rm(paths.journalFile, { recursive: true });
    await store.updateHubs(add("C"));
    assert.deepEqual(names(store), ["DEFAULT", "C"]);
    assert.deepEqual(names(await open(paths)), ["DEFAULT", "C"]);
  });
});
