import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";

const bootstrap = join(import.meta.dirname, "../../../tools/bootstrap.mjs");
const lock = (version: string, extra: object = {}) =>
  JSON.stringify({
    packages: {
      "": { name: "sample" },
      "node_modules/sample": { version, integrity: `sha512-${version}` },
      "node_modules/other-platform": { version: "1.0.0", integrity: "sha512-x", optional: true },
      ...extra,
    },
  });

/** Does what npm does, as far as anyone can see, and notes that it was called. */
const npm = `#!/bin/sh
echo "$*" >> calls
if [ -e refuse ]; then
  echo "npm error code EUSAGE" >&2
  exit 1
fi
sleep 0.2
mkdir -p node_modules/.bin
ln -sf ${process.execPath} node_modules/.bin/node
cp installed.json node_modules/.package-lock.json
`;

/** The Node.js that a user of this machine has, which may be older than the one that is pinned here. */
function machineNode(): string {
  const folders = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => !/node_modules/.test(folder));
  return folders.map((folder) => join(folder, "node")).find((path) => existsSync(path)) ?? process.execPath;
}

describe("bootstrap", () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "bootstrap-"));
    await mkdir(join(root, "tools"));
    await mkdir(join(root, "bin"));
    await copyFile(bootstrap, join(root, "tools/bootstrap.mjs"));
    await writeFile(join(root, "bin/npm"), npm);
    await chmod(join(root, "bin/npm"), 0o755);
    await writeFile(join(root, "package-lock.json"), lock("1.0.0"));
    await writeFile(join(root, "installed.json"), lock("1.0.0"));
    await writeFile(join(root, "script.mjs"), 'console.log("ran", ...process.argv.slice(2));');
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  function run(
    script: string,
    ...args: string[]
  ): Promise<{ code: unknown; stdout: string; stderr: string }> {
    const env = { ...process.env, PATH: `${join(root, "bin")}:/usr/bin:/bin` };
    return new Promise((resolve) => {
      execFile(
        machineNode(),
        ["tools/bootstrap.mjs", script, ...args],
        { cwd: root, env, timeout: 20_000 },
        (error, stdout, stderr) => resolve({ code: error?.signal ?? error?.code ?? 0, stdout, stderr }),
      );
    });
  }

  async function calls(): Promise<string[]> {
    const text = await readFile(join(root, "calls"), "utf8").catch(() => "");
    return text.split("\n").filter(Boolean);
  }

  test("installs once, without scripts of packages, and is silent after that", async () => {
    const first = await run("script.mjs", "a", "b c");
    assert.equal(first.code, 0, first.stderr);
    assert.equal(first.stdout, "ran a b c\n");
    assert.match(first.stderr, /installing the node modules/);
    assert.match((await calls())[0] ?? "", /^ci --ignore-scripts/);
    const second = await run("script.mjs");
    assert.deepEqual(second, { code: 0, stdout: "ran\n", stderr: "" });
    assert.equal((await calls()).length, 1);
  });

  test("installs again when the lock file names another version", async () => {
    await run("script.mjs");
    await writeFile(join(root, "package-lock.json"), lock("2.0.0"));
    await writeFile(join(root, "installed.json"), lock("2.0.0"));
    await run("script.mjs");
    assert.equal((await calls()).length, 2);
  });

  test("installs again when a package is there that the lock file does not name", async () => {
    await run("script.mjs");
    const extra = { "node_modules/stray": { version: "1.0.0" } };
    await writeFile(join(root, "node_modules/.package-lock.json"), lock("1.0.0", extra));
    await run("script.mjs");
    assert.equal((await calls()).length, 2);
  });

  test("installs again after an installation that was broken off", async () => {
    await run("script.mjs");
    await rm(join(root, "node_modules/.package-lock.json"));
    await run("script.mjs");
    assert.equal((await calls()).length, 2);
  });

  test("installs once when two begin at the same time", async () => {
    const results = await Promise.all([run("script.mjs", "1"), run("script.mjs", "2")]);
    assert.deepEqual(
      results.map(({ stdout }) => stdout),
      ["ran 1\n", "ran 2\n"],
    );
    assert.equal((await calls()).length, 1);
  });

  test("says what npm said when it fails, and runs nothing", async () => {
    await writeFile(join(root, "refuse"), "");
    const { code, stdout, stderr } = await run("script.mjs");
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /npm ci --ignore-scripts.*ended with 1/);
    assert.match(stderr, /EUSAGE/);
    assert.match(stderr, /run the same command again/);
  });

  test("fails when npm ends well but the modules are not those of the lock file", async () => {
    await writeFile(join(root, "installed.json"), lock("0.9.0"));
    const { code, stderr } = await run("script.mjs");
    assert.equal(code, 1);
    assert.match(stderr, /could not be installed/);
  });

  test("says that the checkout is incomplete without a lock file", async () => {
    await rm(join(root, "package-lock.json"));
    const { code, stderr } = await run("script.mjs");
    assert.equal(code, 1);
    assert.match(stderr, /package-lock\.json is missing or no JSON/);
  });

  test("ends with the script's exit code", async () => {
    await writeFile(join(root, "script.mjs"), "process.exit(7);");
    assert.equal((await run("script.mjs")).code, 7);
  });

  test("ends by the signal that ended the script", async () => {
    await writeFile(
      join(root, "script.mjs"),
      'process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000);',
    );
    assert.equal((await run("script.mjs")).code, "SIGTERM");
  });

  test("passes a signal on to the script", async () => {
    await run("script.mjs");
    await writeFile(
      join(root, "script.mjs"),
      'process.on("SIGTERM", () => process.exit(9)); setInterval(() => {}, 1000); process.kill(process.ppid, "SIGTERM");',
    );
    assert.equal((await run("script.mjs")).code, 9);
  });
});
