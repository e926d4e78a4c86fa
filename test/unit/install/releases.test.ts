import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { layoutOf, type Layout } from "../../../server/install/layout.ts";
import { ReleaseStore, sha256OfFile } from "../../../server/install/releases.ts";

let directory: string;
let layout: Layout;
let store: ReleaseStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-releases-"));
  layout = layoutOf(join(directory, "vpnserver"));
  await mkdir(layout.prefix);
  store = new ReleaseStore(layout, { mode: 0o755 });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function stage(content: string): Promise<string> {
  const file = join(directory, "executable");
  await writeFile(file, content, { mode: 0o700 });
  const sha256 = createHash("sha256").update(content).digest("hex");
  await store.stage(file, sha256);
  return sha256;
}

describe("stage", () => {
  test("puts a copy where its SHA-256 says, for every user to run, and nothing else", async () => {
    const sha256 = await stage("one");
    assert.deepEqual(await readdir(layout.releases), [sha256]);
    assert.equal(await readFile(store.executableOf(sha256), "utf8"), "one");
    assert.equal((await stat(store.executableOf(sha256))).mode & 0o777, 0o755);
  });

  test("leaves one alone that is there", async () => {
    const sha256 = await stage("one");
    const before = await stat(store.executableOf(sha256));
    await stage("one");
    assert.equal((await stat(store.executableOf(sha256))).ino, before.ino);
  });

  test("replaces one that is damaged", async () => {
    const sha256 = await stage("one");
    await writeFile(store.executableOf(sha256), "damaged");
    await stage("one");
    assert.equal(await sha256OfFile(store.executableOf(sha256)), sha256);
  });

  test("leaves nothing behind when the file is not what it was said to be", async () => {
    const file = join(directory, "executable");
    await writeFile(file, "other");
    await assert.rejects(store.stage(file, "0".repeat(64)), /changed while it was copied/);
    assert.deepEqual(await readdir(layout.releases), []);
  });

  test("names the folder when there is no room for it", async () => {
    await writeFile(layout.releases, "a file");
    await assert.rejects(stage("one"), new RegExp(`cannot put the release into .*/releases`));
  });
});

describe("tryOut", () => {
  const fails = (code: string) => () => Promise.reject(Object.assign(new Error(`spawn ${code}`), { code }));
  const ends =
    (code: number | undefined, stderr = "") =>
    () =>
      Promise.resolve({ code, stdout: "", stderr });

  test("is content with a release that says its version", async () => {
    let words: readonly string[] = [];
    await store.tryOut("a", async (program, args) => {
      words = [program, ...args];
      return { code: 0, stdout: "1.2.3\n", stderr: "" };
    });
    assert.deepEqual(words, [store.executableOf("a"), "version"]);
  });

  for (const [what, run, problem] of [
    ["may not run", fails("EACCES"), /does not let programs run \(spawn EACCES\).*noexec.*--prefix$/],
    ["cannot be run", fails("ENOMEM"), /vpnserver cannot be run: spawn ENOMEM$/],
    ["has no loader", () => Promise.resolve(undefined), /does not run on this host: its loader/],
    ["fails", ends(127, "no libc"), /does not run on this host: no libc$/],
    ["ends without a word", ends(undefined), /does not run on this host: it was killed, or/],
  ] as const) {
    test(`refuses one that ${what}, with the reason`, async () => {
      await assert.rejects(store.tryOut("a", run), problem);
    });
  }
});

describe("the link to the release in use", () => {
  test("points current to the release, relative to the folder", async () => {
    const sha256 = await stage("one");
    await store.current.point(sha256);
    assert.equal(await readlink(layout.current), `releases/${sha256}`);
    assert.equal(await store.current.read(), sha256);
    assert.equal(await readFile(layout.executable, "utf8"), "one");
  });

  test("leaves current there at every moment, and no other link", async () => {
    const [one, two] = [await stage("one"), await stage("two")];
    await store.current.point(one);
    let misses = 0;
    let done = false;
    const looking = (async () => {
      while (!done) await readFile(layout.executable).catch(() => misses++);
    })();
    for (let round = 0; round < 20; round++) await store.current.point(round % 2 === 0 ? two : one);
    done = true;
    await looking;
    assert.equal(misses, 0);
    assert.deepEqual((await readdir(layout.prefix)).sort(), ["current", "releases"]);
  });
});

describe("what bears the link's name", () => {
  test("is checked, content with no link and with one of ours", async () => {
    await store.current.check();
    await store.current.point(await stage("one"));
    await store.current.check();
  });

  for (const [what, make] of [
    ["a folder", () => mkdir(layout.current)],
    ["a file", () => writeFile(layout.current, "")],
    ["a link to elsewhere", () => symlink("/usr/bin", layout.current)],
  ] as const) {
    test(`refuses ${what} of that name`, async () => {
      await make();
      await assert.rejects(store.current.check(), /was not made by an installation: move it away/);
    });
  }
});

describe("prune", () => {
  test("takes away every release but those that are kept, what broke off, and nothing else", async () => {
    const [one, two, three] = [await stage("one"), await stage("two"), await stage("three")];
    await mkdir(join(layout.releases, ".staging-0123456789ab"));
    await mkdir(join(layout.releases, "notes"));
    await store.prune([one, three, undefined]);
    assert.deepEqual((await readdir(layout.releases)).sort(), [one, three, "notes"].sort());
    assert.deepEqual((await store.list()).sort(), [one, three].sort());
    assert.equal(await store.has(two), false);
  });
});

describe("remove", () => {
  test("takes away releases and link", async () => {
    await store.current.point(await stage("one"));
    await symlink("releases/x", `${layout.current}.0123456789ab.tmp`);
    await store.remove();
    assert.deepEqual(await readdir(layout.prefix), []);
  });

  test("leaves a link that is not ours, and is content with nothing", async () => {
    await symlink("/usr/bin", layout.current);
    await store.remove();
    await store.remove();
    assert.deepEqual(await readdir(layout.prefix), ["current"]);
  });
});
