import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { shellSettings } from "../../../tools/setup/shell-settings.ts";
import { shellWord } from "../../../tools/setup/shell-word.ts";

describe("the toolchain's settings for a shell", () => {
  let folder: string;
  let engine: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "shell-settings-"));
    engine = join(folder, "it's a $folder");
    await mkdir(engine);
    await writeFile(join(engine, "pulumi"), "#!/bin/sh\necho v1.2.3\n");
    await chmod(join(engine, "pulumi"), 0o755);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const shell of ["sh", "bash"]) {
    test(`put the toolchain before what ${shell} has in PATH, and set variables as they are`, () => {
      const settings = shellSettings(
        { folders: [engine, "/b"], env: { PATH: "/not/this", PULUMI_HOME: "/it's\\ $HOME" } },
        { HOME: "/home/a" },
      );
      const script = `set -eu; ${settings}\npulumi; echo "$PATH"; env`;
      const { stdout, stderr } = spawnSync(shell, ["-c", script], {
        // Where it is a socket, bash takes the user for one who logs in.
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: "/usr/bin:/bin" },
        encoding: "utf8",
      });
      assert.equal(stderr, "");
      const [version, path, ...environment] = stdout.split("\n");
      assert.equal(version, "v1.2.3");
      assert.equal(path, `${engine}:/b:/usr/bin:/bin`);
      assert.ok(environment.includes("PULUMI_HOME=/it's\\ $HOME"));
      assert.ok(environment.includes("PULUMI_CREDENTIALS_PATH=/home/a/.pulumi"));
    });
  }

  test("leave the user's login to Pulumi where it is", () => {
    const credentials = (environment: NodeJS.ProcessEnv) =>
      /PULUMI_CREDENTIALS_PATH='(.*)'/.exec(shellSettings({ folders: ["/a"], env: {} }, environment))?.[1];
    assert.equal(credentials({ HOME: "/home/a" }), "/home/a/.pulumi");
    assert.equal(credentials({ HOME: "/home/a", PULUMI_HOME: "/p" }), "/p");
    // Of the same line, the first time.
    assert.equal(credentials({ PULUMI_HOME: "/p", PULUMI_CREDENTIALS_PATH: "/c" }), "/c");
  });
});

test("a word for the shell is quoted only where it has to be", () => {
  assert.equal(shellWord("/a/b-c_d.e"), "/a/b-c_d.e");
  for (const text of ["", "a b", "it's", "$HOME", "a\\b", "*", "a;b", '"']) {
    const { stdout } = spawnSync("sh", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" });
    assert.equal(stdout, text);
  }
});
