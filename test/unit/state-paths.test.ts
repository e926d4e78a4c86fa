import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  defaultStateDirectory,
  makeStateDirectories,
  installationOf,
  releaseOf,
  resolveStatePaths,
} from "../../server/state-paths.ts";
import { ServerError } from "../../server/errors.ts";

const sha256 = "0f".repeat(32);

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), "vpnserver-paths-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("resolveStatePaths", () => {
  const user = { env: {}, uid: 1000, home: "/home/alice" };
  const installed = () => join(directory, "releases", sha256, "vpnserver");
  const record = (content: string) => writeFile(join(directory, "install.json"), content);

  test("takes /var/lib/vpnserver for root, ~/vpnserver/state for others", () => {
    assert.equal(resolveStatePaths({ ...user, uid: 0 }).stateDirectory, "/var/lib/vpnserver");
    assert.equal(resolveStatePaths(user).stateDirectory, "/home/alice/vpnserver/state");
  });

  test("takes ProgramData for administrators of Windows, and the own profile for others", () => {
    const env = { ProgramData: "D:\\Data", LOCALAPPDATA: "D:\\alice\\Local" };
    const home = "C:\\Users\\alice";
    const of = (uid: number, its: NodeJS.ProcessEnv) =>
      defaultStateDirectory({ uid, home, env: its }, "win32");
    assert.equal(of(0, env), "D:\\Data\\vpnserver");
    assert.equal(of(0, {}), "C:\\ProgramData\\vpnserver");
    assert.equal(of(1, env), "D:\\alice\\Local\\vpnserver");
    assert.equal(of(1, {}), "C:\\Users\\alice\\AppData\\Local\\vpnserver");
  });

  test("prefers the option to the environment, and that to the installation", async () => {
    await record('{"mode":"service","stateDirectory":"/srv/vpn"}');
    const options = { ...user, executable: installed() };
    assert.equal(resolveStatePaths(options).stateDirectory, "/srv/vpn");
    const env = { VPNSERVER_STATE_DIR: "/from/env" };
    assert.equal(resolveStatePaths({ ...options, env }).stateDirectory, "/from/env");
    assert.equal(
      resolveStatePaths({ ...options, env, stateDirectory: "/from/option" }).stateDirectory,
      "/from/option",
    );
  });

  test("makes a relative directory absolute, and takes an empty variable for none", () => {
    assert.equal(
      resolveStatePaths({ ...user, stateDirectory: "try" }).stateDirectory,
      join(process.cwd(), "try"),
    );
    assert.equal(
      resolveStatePaths({ ...user, env: { VPNSERVER_STATE_DIR: "" } }).stateDirectory,
      "/home/alice/vpnserver/state",
    );
  });

  test("an executable of releases/ without a record belongs to no installation yet", () => {
    assert.equal(
      resolveStatePaths({ ...user, executable: installed() }).stateDirectory,
      "/home/alice/vpnserver/state",
    );
  });

  for (const content of ["{", "{}", "null", '{"stateDirectory":7}']) {
    test(`does not guess when the installation's record is ${content}`, async () => {
      await record(content);
      assert.throws(
        () => resolveStatePaths({ ...user, executable: installed() }),
        (error) =>
          error instanceof ServerError &&
          error.code === "STATE_INVALID" &&
          error.message.includes(join(directory, "install.json")),
      );
    });
  }
});

describe("releaseOf", () => {
  test("is the folder of an installed executable, null elsewhere", () => {
    assert.equal(releaseOf(`/opt/vpnserver/releases/${sha256}/vpnserver`), sha256);
    assert.equal(releaseOf(`/opt/vpnserver/releases/${sha256}/other`), null);
    assert.equal(releaseOf("/opt/vpnserver/releases/current/vpnserver"), null);
    assert.equal(releaseOf("/root/vpnserver"), null);
  });

  test("is found on Windows in whichever case and with whichever separators the path was typed", () => {
    const found = (path: string) => installationOf(path, "win32");
    const expected = { prefix: "C:\\Program Files\\vpnserver", sha256 };
    const path = `C:\\Program Files\\vpnserver\\releases\\${sha256}\\vpnserver.exe`;
    assert.deepEqual(found(path), expected);
    assert.equal(found(path.toUpperCase())?.sha256, sha256);
    assert.deepEqual(found(`D:/vpn/releases/${sha256}/vpnserver.exe`), { prefix: "D:/vpn", sha256 });
    assert.equal(found("C:\\Program Files\\vpnserver\\vpnserver.exe"), undefined);
    assert.equal(found(path.replace(".exe", "")), undefined);
  });
});

describe("makeStateDirectories", () => {
  const paths = () =>
    resolveStatePaths({ env: {}, uid: 0, home: "/", stateDirectory: join(directory, "a", "b") });

  test("makes them private, and a second time changes nothing", async () => {
    for (let time = 0; time < 2; time++) {
      await makeStateDirectories(paths());
      for (const made of [paths().stateDirectory, paths().logDirectory, paths().runDirectory]) {
        assert.equal((await stat(made)).mode & 0o777, 0o700, made);
      }
    }
  });

  test("makes the run directory private that was not", async () => {
    await mkdir(paths().runDirectory, { recursive: true });
    await chmod(paths().runDirectory, 0o777);
    await makeStateDirectories(paths());
    assert.equal((await stat(paths().runDirectory)).mode & 0o777, 0o700);
  });

  test("says which directory cannot be used, and the way out", async () => {
    await writeFile(join(directory, "a"), "");
    await assert.rejects(
      makeStateDirectories(paths()),
      (error) =>
        error instanceof ServerError &&
        error.code === "STATE_INVALID" &&
        error.message.includes(join(directory, "a", "b")) &&
        error.message.includes("--state-dir"),
    );
  });
});
