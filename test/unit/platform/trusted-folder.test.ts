import assert from "node:assert/strict";
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { ServerError } from "../../../server/errors.ts";
import { checkTrustedFolder, type LookAt } from "../../../server/platform/trusted-folder.ts";
import { makeStateDirectories, statePathsOf } from "../../../server/state-paths.ts";
import { writeRunFiles } from "../../../server/supervisor/run-files.ts";
import { InstanceLock } from "../../../server/platform/instance-lock.ts";
import { LogFile } from "../../../server/supervisor/log-file.ts";

type Entry = { readonly uid?: number; readonly gid?: number; readonly mode?: number };

/** Folders by path; root's and closed where nothing else is said. */
function folders(entries: Readonly<Record<string, Entry | undefined>>): LookAt {
  return (path) => {
    const entry = path === "/" ? (entries["/"] ?? {}) : entries[path];
    if (entry === undefined) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
    const { uid = 0, gid = 0, mode = 0o755 } = entry;
    return { uid, gid, mode, isSymbolicLink: () => false, isDirectory: () => true };
  };
}

function problemOf(path: string, lookAt: LookAt, uid = 0): string | undefined {
  try {
    checkTrustedFolder(path, "state directory", "--state-dir", { uid, lookAt });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ServerError && error.code === "NOT_PERMITTED");
    return error.message;
  }
}

describe("a folder that root uses", () => {
  const cases: readonly (readonly [
    what: string,
    entries: Parameters<typeof folders>[0],
    RegExp | undefined,
  ])[] = [
    ["root's", { "/a": {}, "/a/b": { mode: 0o700 } }, undefined],
    ["not there yet", { "/a": {} }, undefined],
    ["below a sticky one", { "/a": { mode: 0o1777 }, "/a/b": { mode: 0o700 } }, undefined],
    ["of root's group", { "/a": { mode: 0o775 }, "/a/b": { mode: 0o770 } }, undefined],
    [
      "another user's",
      { "/a": {}, "/a/b": { uid: 65534 } },
      /: it belongs to another user \(id 65534\).*chown root:root \/a\/b/,
    ],
    [
      "below another user's",
      { "/a": { uid: 1000 }, "/a/b": {} },
      /: \/a, on the way to it, belongs to another user \(id 1000\)/,
    ],
    [
      "below one that all write to",
      { "/a": { mode: 0o777 }, "/a/b": {} },
      /\/a, on the way to it, can be written by every user/,
    ],
    [
      "one that a group writes to",
      { "/a": {}, "/a/b": { mode: 0o775, gid: 50 } },
      /it can be written by the group of id 50/,
    ],
    ["sticky itself", { "/a": {}, "/a/b": { mode: 0o1777 } }, /it can be written by every user/],
    [
      "below a sticky one of another user",
      { "/a": { uid: 1000, mode: 0o1777 }, "/a/b": {} },
      /\/a, on the way/,
    ],
    ["of the owner of the root folder", { "/": { uid: 65534 }, "/a": { uid: 65534 }, "/a/b": {} }, undefined],
  ];
  for (const [what, entries, expected] of cases) {
    test(`is ${expected === undefined ? "taken" : "refused"} where it is ${what}`, () => {
      const problem = problemOf("/a/b", folders(entries));
      if (expected === undefined) assert.equal(problem, undefined);
      else assert.match(problem ?? "", expected);
      assert.equal(problemOf("/a/b", folders(entries), 1000), undefined, "another user is not asked");
    });
  }

  test("is judged where links lead to, and by whose links they are", (t) => {
    const directory = makeFolder(t);
    mkdirSync(join(directory, "open"), { mode: 0o700 });
    symlinkSync("open", join(directory, "link"));
    const lookAt: LookAt = (path) => {
      const stats = lstatSync(path);
      return path.endsWith("/open") ? Object.assign(stats, { uid: 1000 }) : Object.assign(stats, { uid: 0 });
    };
    assert.match(
      problemOf(join(directory, "link", "state"), lookAt) ?? "",
      /\/open, on the way to it, belongs/,
    );
    symlinkSync("round", join(directory, "round"));
    assert.match(
      problemOf(join(directory, "round"), (path) => Object.assign(lstatSync(path), { uid: 0 })) ?? "",
      /too many links/,
    );
  });
});

describe("a link that somebody put into a state directory", () => {
  test("is not followed by what writes there", async (t) => {
    const directory = makeFolder(t);
    const target = join(directory, "target");
    writeFileSync(target, "as it was");
    const paths = statePathsOf(join(directory, "state"));
    await makeStateDirectories(paths);
    symlinkSync(target, `${paths.processesFile}.new`);
    writeRunFiles(paths, { supervisor: { pid: process.pid, started: "x" } });
    symlinkSync(target, paths.lockFile);
    assert.throws(() => InstanceLock.acquire(paths.lockFile), /is a link/);
    symlinkSync(target, paths.logFile);
    assert.throws(() => new LogFile(paths.logFile), { code: "ELOOP" });
    assert.equal(readFileSync(target, "utf8"), "as it was");
    assert.equal(lstatSync(paths.processesFile).isFile(), true);
  });

  test("gets no mode in the place of a folder", async (t) => {
    const directory = makeFolder(t);
    const target = join(directory, "target");
    mkdirSync(target, { mode: 0o755 });
    const paths = statePathsOf(join(directory, "state"));
    mkdirSync(paths.stateDirectory, { mode: 0o700 });
    symlinkSync(target, paths.logDirectory);
    await assert.rejects(makeStateDirectories(paths), { code: "STATE_INVALID" });
    assert.equal(lstatSync(target).mode & 0o777, 0o755);
  });
});

function makeFolder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "vpnserver-trust-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
