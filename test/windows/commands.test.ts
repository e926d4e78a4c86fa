import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Lab } from "../lab/lab.ts";
import { WindowsHost } from "./support/windows-host.ts";

const root = join(import.meta.dirname, "../..");

describe("a command on Windows", () => {
  let lab: Lab;
  let host: WindowsHost;
  let version: string;

  before(async () => {
    ({ version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string });
    lab = await Lab.create();
    host = await WindowsHost.create(lab, "windows");
  });
  after(async () => {
    await host?.dispose();
    await lab?.dispose();
  });

  test("tells its version", async () => {
    const { code, stdout, stderr } = await host.vpnserver(["version"]);
    assert.deepEqual([code, stdout, stderr], [0, `${version}\n`, ""]);
  });

  test("tells its commands, and where the state is on this system", async () => {
    const { code, stdout } = await host.vpnserver(["--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: vpnserver/);
    for (const command of ["start", "stop", "status", "check", "apply", "install", "uninstall", "version"]) {
      assert.match(stdout, new RegExp(`^ {2}${command}\\b`, "m"));
    }
    assert.match(stdout, /%ProgramData%\\vpnserver for administrators/);
  });

  test("ends with the exit code of a mistake", async () => {
    const { code, stderr } = await host.vpnserver(["begin"]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /unknown command 'begin'/);
  });

  test("says that what is for Linux alone is not there, and what is", async () => {
    const { code, stderr } = await host.vpnserver(["install", "--import", "C:\\SoftEther"]);
    assert.equal(code, 10, stderr);
    assert.match(stderr, /--import is not there on Windows: .*copy its vpn_server\.config/);
  });
});
