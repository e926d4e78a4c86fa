import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { LogFile, readLastLogLines } from "../../../server/supervisor/log-file.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-log-"));
  path = join(directory, "server.log");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("LogFile", () => {
  test("appends to what is there, for the owner alone", async () => {
    for (const line of ["one\n", "two\n"]) {
      const log = new LogFile(path);
      log.write(line);
      log.close();
    }
    assert.equal(await readFile(path, "utf8"), "one\ntwo\n");
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  test("keeps the newest lines in a few files, none beyond its size", async () => {
    const log = new LogFile(path, { bytes: 100, files: 3 });
    for (let number = 0; number < 100; number++) log.write(`line ${number}\n`);
    log.close();
    assert.deepEqual((await readdir(directory)).sort(), ["server.log", "server.log.1", "server.log.2"]);
    const contents = await Promise.all(
      [`${path}.2`, `${path}.1`, path].map((file) => readFile(file, "utf8")),
    );
    for (const content of contents) assert.ok(content.length <= 100);
    const lines = contents.join("").trimEnd().split("\n");
    assert.ok(lines.length >= 20);
    assert.deepEqual(
      lines,
      Array.from({ length: lines.length }, (_, index) => `line ${100 - lines.length + index}`),
    );
  });

  test("sets a file aside that was too large from the beginning", async () => {
    await writeFile(path, "x".repeat(200));
    const log = new LogFile(path, { bytes: 100, files: 2 });
    log.write("new\n");
    log.close();
    assert.equal(await readFile(path, "utf8"), "new\n");
    assert.equal((await stat(`${path}.1`)).size, 200);
  });

  test("goes on when its directory is gone: the server matters more", async () => {
    const log = new LogFile(path, { bytes: 10, files: 2 });
    await rm(directory, { recursive: true });
    for (let number = 0; number < 5; number++) log.write("a line that is too long\n");
    log.close();
  });
});

describe("readLastLogLines", () => {
  test("gives the newest lines, the newest last", async () => {
    await writeFile(path, "one\ntwo\n\nthree\n");
    assert.deepEqual(readLastLogLines(path, 2), ["two", "three"]);
    assert.deepEqual(readLastLogLines(path, 9), ["one", "two", "three"]);
  });

  test("gives whole lines of a large file", async () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index}`);
    await writeFile(path, `${lines.join("\n")}\n`);
    const last = readLastLogLines(path, 10_000);
    assert.ok(last.length > 100 && last.length < 5_000);
    assert.deepEqual(last, lines.slice(-last.length));
  });

  test("is empty where there is no log", () => {
    assert.deepEqual(readLastLogLines(path, 5), []);
  });
});
