import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { readCounts } from "../../tools/checks/run-group.ts";
import { modulesOf } from "../../tools/checks/shared-process.ts";

describe("test files that share a process", () => {
  let root: string;

  beforeEach(async () => (root = await mkdtemp(join(tmpdir(), "shared-process-"))));
  afterEach(() => rm(root, { recursive: true, force: true }));

  /** Runs test files, given by their paths below `test/unit`. */
  async function run(files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) {
      const path = join(root, "test/unit", `${name}.test.ts`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `import { before, mock, test } from "node:test";\n${text}`);
    }
    await writeFile(join(root, "package.json"), '{ "type": "module" }');
    const modules = modulesOf("unit", root, root);
    // Else the runner takes itself for a part of this one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout } = spawnSync(
      process.execPath,
      ["--test", "--test-reporter=spec", "--test-timeout=1000", ...modules],
      { env, encoding: "utf8" },
    );
    return { status, stdout, counts: readCounts(stdout) };
  }

  const passing = 'test("passes", () => {});';

  test("are those of a folder, with all that is in it", async () => {
    const text = "test(`in process ${process.pid}.`, () => {});";
    const { status, stdout, counts } = await run({
      "hub/a": text,
      "hub/deep/b": text,
      "wire/c": text,
      d: text,
    });
    assert.deepEqual({ status, counts }, { status: 0, counts: { passed: 4, failed: 0, skipped: 0 } });
    const processes = [...stdout.matchAll(/in process (\d+)\./g)].map(([, id]) => id);
    assert.equal(processes.length, 4);
    assert.equal(new Set(processes).size, 3);
  });

  test("have their hooks for themselves", async () => {
    const hook = 'before(() => { throw new Error("only here"); });';
    const { status, counts } = await run({ "hub/a": hook + passing, "hub/b": passing });
    assert.equal(status, 1);
    assert.equal(counts?.passed, 1);
  });

  test("are named when they fail, and the others run", async () => {
    const { status, stdout, counts } = await run({
      "hub/at-import": 'throw new Error("not imported");',
      "hub/endless": 'test("waits for nothing", () => new Promise(() => {}));',
      "hub/environment": 'test("changes", () => { process.env.LEFT = "1"; });',
      "hub/clock": 'test("stops the clock", () => mock.timers.enable());',
      "hub/fine": passing,
    });
    assert.equal(status, 1);
    assert.equal(counts?.passed, 3);
    for (const name of ["at-import", "endless", "environment", "clock"]) {
      assert.match(stdout, new RegExp(`^✖ test/unit/hub/${name}.test.ts`, "m"));
    }
    assert.match(stdout, /✖ waits for nothing/);
    assert.match(stdout, /changed for the files after it: \$LEFT/);
    assert.match(stdout, /changed for the files after it: setTimeout, Date/);
    assert.match(stdout, /^✔ test\/unit\/hub\/fine.test.ts/m);
  });

  test("do not pass when one of them ends the process", async () => {
    const { status, stdout } = await run({ "hub/a": "process.exit(0);", "hub/b": passing });
    assert.equal(status, 1);
    assert.match(stdout, /the process ended within test\/unit\/hub\/a.test.ts/);
  });
});
