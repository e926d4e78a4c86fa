import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { defaultDirectoryOf, Workspace } from "../../../tools/quickstart/workspace.ts";

describe("quickstart's folder", () => {
  let parent: string;

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), "workspace-"));
  });

  after(() => rm(parent, { recursive: true, force: true }));

  test("is private to the user, and remembers from run to run", async () => {
    const directory = join(parent, "fresh");
    const workspace = new Workspace(directory);
    assert.deepEqual(await workspace.recall(), {});
    await workspace.create();
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    await workspace.remember({ sshPort: 2222 });
    await workspace.remember({ listeners: [5555] });
    await workspace.create();
    assert.deepEqual(await new Workspace(directory).recall(), { sshPort: 2222, listeners: [5555] });
    assert.equal(new Workspace(directory).isOurs(), true);
  });

  test("may be an empty folder, and never one with somebody else's files", async () => {
    const empty = join(parent, "empty");
    await mkdir(empty);
    await new Workspace(empty).create();
    const foreign = join(parent, "foreign");
    await mkdir(foreign);
    await writeFile(join(foreign, "thesis.txt"), "");
    assert.equal(new Workspace(foreign).isOurs(), false);
    await assert.rejects(new Workspace(foreign).create(), /is not empty and not a folder of quickstart/);
  });

  test("names itself and the way out where it cannot be made", async () => {
    await writeFile(join(parent, "file"), "");
    const directory = join(parent, "file", "work");
    await assert.rejects(
      new Workspace(directory).create(),
      new RegExp(`cannot work in ${directory}: ENOTDIR.*--directory`),
    );
  });

  test("has a path that OpenSSH's configuration can carry", () => {
    for (const name of ["a b", 'a"b', "a%b", "a\\b", "a\tb", "a'b", "a#b", "a$b", "a*b", "a\nb"]) {
      assert.throws(() => new Workspace(join(parent, name)), /name a folder with --directory/, name);
    }
    for (const name of ["a.b-c_d+e=f@g,h~1", "josé", "東京"]) new Workspace(join(parent, name));
  });

  test("is in the checkout, or in the cache for a checkout whose path cannot be carried", () => {
    assert.equal(defaultDirectoryOf("/home/a/checkout", "/home/a/.cache"), "/home/a/checkout/.quickstart");
    const [one, two] = ["/home/a/my checkout", "/home/a/it's"].map((checkout) =>
      defaultDirectoryOf(checkout, "/home/a/.cache"),
    );
    assert.match(one ?? "", /^\/home\/a\/\.cache\/quickstart-[0-9a-f]{12}$/);
    assert.notEqual(one, two);
  });
});
