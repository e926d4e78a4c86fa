import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { CurrentRelease } from "../../../server/install/current-release.ts";
import { layoutOf, type Layout } from "../../../server/install/layout.ts";

const [one, two] = ["1".repeat(64), "a".repeat(64)] as const;

describe("the command file of an installation on Windows", () => {
  let layout: Layout;
  let current: CurrentRelease;

  beforeEach(async () => {
    layout = layoutOf(await mkdtemp(join(tmpdir(), "vpnserver-current-")), "win32");
    current = new CurrentRelease(layout);
  });
  afterEach(() => rm(layout.prefix, { recursive: true, force: true }));

  test("runs the release that is in use, with all arguments, and leaves the shell at once", async () => {
    assert.equal(await current.read(), undefined);
    await current.point(one);
    await current.point(two);
    assert.equal(layout.executable, join(layout.prefix, "vpnserver.cmd"));
    const text = await readFile(layout.executable, "utf8");
    assert.match(
      text,
      new RegExp(`\\r\\n@"%~dp0releases\\\\${two}\\\\vpnserver\\.exe" %\\* & exit /b\\r\\n$`),
    );
    assert.equal(await current.read(), two);
    assert.deepEqual(await readdir(layout.prefix), ["vpnserver.cmd"]);
  });

  test("is there at every moment", async () => {
    await current.point(one);
    let misses = 0;
    let done = false;
    const looking = (async () => {
      while (!done) if ((await current.read().catch(() => undefined)) === undefined) misses++;
    })();
    for (let round = 0; round < 20; round++) await current.point(round % 2 === 0 ? two : one);
    done = true;
    await looking;
    assert.equal(misses, 0);
  });

  for (const [what, make] of [
    ["a folder", () => mkdir(layout.current)],
    ["an empty file", () => writeFile(layout.current, "")],
    ["another command file", () => writeFile(layout.current, "@echo off\r\n")],
    [
      "one of ours that somebody has changed",
      async () => {
        await current.point(one);
        await writeFile(layout.current, `${await readFile(layout.current, "utf8")}del x\r\n`);
      },
    ],
    ["a file without end", () => writeFile(layout.current, "@rem ".repeat(100_000))],
  ] as const) {
    test(`is not taken for ${what}, which stays`, async () => {
      await make();
      await assert.rejects(current.check(), /was not made by an installation: move it away/);
      await current.remove();
      assert.deepEqual(await readdir(layout.prefix), ["vpnserver.cmd"]);
    });
  }

  test("goes with what a write left that broke off, and nothing else", async () => {
    await current.point(one);
    await current.check();
    await writeFile(`${layout.current}.0123456789ab.tmp`, "");
    await writeFile(`${layout.current}.mine.tmp`, "");
    await current.remove();
    assert.deepEqual(await readdir(layout.prefix), ["vpnserver.cmd.mine.tmp"]);
  });
});
