import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { errorCodes } from "../../server/errors.ts";
import { version } from "../../server/version.ts";
import { bundledServer, removeShared } from "./try-server.ts";

let directory: string;
let entry: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-cli-"));
  ({ entry } = await bundledServer());
});
after(async () => {
  await rm(directory, { recursive: true, force: true });
  await removeShared();
});

function vpnserver(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [entry, ...words],
      { env: { ...process.env, VPNSERVER_STATE_DIR: directory, ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

describe("the command line", () => {
  test("prints its version, as a line or as JSON", async () => {
    assert.deepEqual(await vpnserver(["version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
    const { stdout } = await vpnserver(["version", "--json"]);
    assert.deepEqual(JSON.parse(stdout), { format: 1, version, release: null });
  });

  test("helps with commands, examples, the state directory's rules and every exit code", async () => {
    const { code, stdout, stderr } = await vpnserver(["--help"]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    for (const command of [
      "start",
      "stop",
      "status",
      "check",
      "install",
      "uninstall",
      "firewall",
      "version",
      "execsvc",
    ]) {
      assert.match(stdout, new RegExp(`^  ${command} `, "m"));
    }
    for (const { exitCode, meaning } of Object.values(errorCodes)) {
      assert.match(stdout, new RegExp(`^ +${exitCode}  `, "m"));
      assert.ok(stdout.includes(meaning), meaning);
    }
    for (const part of ["Examples:", "VPNSERVER_STATE_DIR", "/var/lib/vpnserver", "~/vpnserver/state"]) {
      assert.ok(stdout.includes(part), part);
    }
  });

  test("helps with one command", async () => {
    const { code, stdout } = await vpnserver(["check", "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /--port <port\.\.\.>/);
  });

  test("without a command prints the usage as an error", async () => {
    const { code, stdout, stderr } = await vpnserver([]);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^Usage: vpnserver \[options\] <command>/);
  });

  for (const [words, problem] of [
    [["restart"], "unknown command 'restart'"],
    [["/install"], "unknown command '/install'"],
    [["stat"], "unknown command 'stat'"],
    [["start", "--background"], "unknown option '--background'"],
    [["start", "now"], "too many arguments"],
    [["check", "--port", "0"], "A port is a number between 1 and 65535."],
    [["check", "--port", "https"], "A port is a number between 1 and 65535."],
    [["--state-dir"], "argument missing"],
  ] as const) {
    test(`refuses \`vpnserver ${words.join(" ")}\` and shows the way to the help`, async () => {
      const { code, stdout, stderr } = await vpnserver(words);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.ok(stderr.startsWith("vpnserver: "), stderr);
      assert.ok(stderr.includes(problem), stderr);
      assert.ok(stderr.includes("vpnserver --help"), stderr);
    });
  }

  test("takes --state-dir before and after the command, and before the environment", async () => {
    const chosen = join(directory, "chosen");
    for (const words of [
      ["--state-dir", chosen, "status"],
      ["status", "--state-dir", chosen],
    ]) {
      const { code, stderr } = await vpnserver(words);
      assert.equal(code, errorCodes.NOT_RUNNING.exitCode);
      assert.ok(stderr.includes(`(state directory ${chosen})`), stderr);
    }
  });

  test("says what is wrong in one line, and where it comes from only when asked", async () => {
    const file = join(directory, "a file");
    await writeFile(file, "");
    const words = ["--state-dir", join(file, "state"), "start"];
    const { code, stderr } = await vpnserver(words);
    assert.equal(code, errorCodes.STATE_INVALID.exitCode);
    assert.match(
      stderr,
      /^vpnserver: cannot use .* as state directory: a part of that path is a file .*ENOTDIR.*--state-dir\n$/,
    );
    const { stderr: withStack } = await vpnserver(words, { VPNSERVER_DEBUG: "1" });
    assert.match(withStack, /\n +at makeStateDirectories /);
  });
});
