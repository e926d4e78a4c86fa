import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { engineVersion } from "../../tools/setup/versions.ts";
import { userEnvironment } from "./user-environment.ts";

const repository = join(import.meta.dirname, "../..");
const readme = readFileSync(join(repository, "README.md"), "utf8");

/** The line of README.md that gives a shell its `pulumi`. */
function documented(pattern: RegExp): string {
  const line = pattern.exec(readme)?.[1];
  assert.ok(line, `README.md has no line ${pattern.source}`);
  return line;
}

describe("the line of README.md that gives a shell its pulumi", () => {
  for (const [shell, pattern] of [
    ["sh", /^ {4}(eval ".*--env\)")/m],
    ["bash", /^ {4}(eval ".*--env\)")/m],
    ["fish", /`(npm run [^`]*\| source)`/],
  ] as const) {
    test(`does so in ${shell}, also the second time, with the language hosts for TypeScript and YAML`, async (t) => {
      const home = await mkdtemp(join(tmpdir(), "shell-test-"));
      t.after(() => rm(home, { recursive: true, force: true }));
      const line = documented(pattern);
      const look = ["pulumi version", "command -v pulumi-language-nodejs", "command -v pulumi-language-yaml"];
      const script = [line, line, ...look].join("\n");
      const { stdout } = await promisify(execFile)(shell, ["-c", script], {
        cwd: repository,
        // Where fish and Pulumi leave files; the toolchain is in the cache.
        env: {
          ...userEnvironment(),
          XDG_CONFIG_HOME: home,
          XDG_DATA_HOME: home,
          PULUMI_CREDENTIALS_PATH: home,
        },
      });
      const [version, nodejs, yaml] = stdout.trim().split("\n");
      assert.equal(version, `v${engineVersion}`);
      assert.match(nodejs ?? "", /\/pulumi-language-nodejs$/);
      assert.match(yaml ?? "", /\/pulumi-language-yaml$/);
    });
  }
});
