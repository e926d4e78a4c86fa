import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readCounts } from "../../../tools/checks/run-group.ts";
import { filesOf, filesWithoutGroup } from "../../../tools/checks/test-groups.ts";

describe("test groups", () => {
  let root: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "test-groups-"));
    for (const file of [
      "test/unit/deep/down/a.test.ts",
      "test/unit/helper.ts",
      "test/odd/b.test.ts",
      "test/c.test.mjs",
    ]) {
      await mkdir(join(root, file, ".."), { recursive: true });
      await writeFile(join(root, file), "");
    }
  });

  after(() => rm(root, { recursive: true, force: true }));

  test("find their files at any depth, and nothing that is no test", () => {
    assert.deepEqual(filesOf("unit", root), [join(root, "test/unit/deep/down/a.test.ts")]);
  });

  test("fail when there is no file, which would check nothing", () => {
    assert.throws(() => filesOf("e2e", root), /no file matches test\/e2e\/.*would check nothing/);
  });

  test("tell tests that no group would run", () => {
    assert.deepEqual(filesWithoutGroup(root).sort(), ["test/c.test.mjs", "test/odd/b.test.ts"]);
  });
});

describe("readCounts", () => {
  const closing =
    "ℹ tests 7\nℹ suites 1\nℹ pass 3\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\nℹ todo 1\nℹ duration_ms 4\n";

  test("reads what node's test runner closes with, in colour too", () => {
    const counts = { passed: 3, failed: 2, skipped: 2 };
    assert.deepEqual(readCounts(`✔ a test\n${closing}`), counts);
    assert.deepEqual(readCounts(closing.replaceAll(/^(.*)$/gm, "\u001b[34m$1\u001b[39m")), counts);
  });

  test("reads the last ones, since a test may print the closing lines of a runner that it ran", () => {
    assert.equal(readCounts(`ℹ pass 99\nℹ fail 0\n${closing}`)?.passed, 3);
  });

  test("knows none when the runner never got to its end", () => {
    assert.equal(readCounts("✔ a test\n"), undefined);
  });
});
