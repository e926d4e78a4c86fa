import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readStatistics, withStatistics } from "../../../server/config/sections/statistics-config.ts";
import { changesBetween, withChanges, type ConfigChange } from "../../../server/config/text/config-change.ts";
import { formatConfig } from "../../../server/config/text/config-format.ts";
import {
  findFolder,
  findItem,
  named,
  withChildren,
  type ConfigDocument,
  type ConfigFolder,
  type ConfigNode,
} from "../../../server/config/text/config-node.ts";
import { parseConfig } from "../../../server/config/text/config-text.ts";
import { mostPlainEntries, TextFolder } from "../../../server/config/text/text-folder.ts";
import { atOnce } from "../../../server/turns.ts";
import { arbitraryFolder } from "./arbitrary-folder.ts";

const documentOf = (...children: readonly ConfigNode[]): ConfigDocument => ({
  header: [],
  root: { kind: "folder", name: "root", children },
});

/** The same as a tree of nothing but objects. */
function plain(folder: ConfigFolder): ConfigFolder {
  const children = folder.children.map((child) => (child.kind === "folder" ? plain(child) : child));
  return { kind: "folder", name: folder.name, children };
}

/** As it is after its way over the disk. */
function reread(document: ConfigDocument): ConfigDocument {
  return parseConfig(formatConfig(document));
}

/** The same change of a tree of objects. */
function ofPlain(change: ConfigChange): ConfigChange {
  return "put" in change && change.put.kind === "folder" ? { ...change, put: plain(change.put) } : change;
}

function texts(list: ConfigFolder): TextFolder[] {
  return list.children.filter((child) => child instanceof TextFolder);
}

function listOf(folders: readonly ConfigFolder[], entries: number): ConfigFolder {
  const children = Array.from({ length: entries }, (_, index) =>
    named(
      folders[index % folders.length] as ConfigFolder,
      `entry ${index} ${"of the list".repeat(index % 3)}`,
    ),
  );
  return { kind: "folder", name: "List", children };
}

const listed = fc.array(arbitraryFolder, { minLength: 1, maxLength: 4 });
const item = (name: string, value: string) => ({ kind: "item", type: "string", name, value }) as const;
const user = (name: string, note = "") => withChildren({ name }, [item("Note", note)]);
const users = (count: number) => Array.from({ length: count }, (_, index) => user(`user${index}`));

describe("a folder of a long list", () => {
  test("is kept as text, and those of a short list are not", () => {
    for (const [entries, kept] of [
      [mostPlainEntries, 0],
      [mostPlainEntries + 1, mostPlainEntries + 1],
    ] as const) {
      const list = findFolder(
        reread(documentOf(withChildren({ name: "List" }, users(entries)))).root,
        "List",
      );
      assert.ok(list);
      assert.equal(texts(list).length, kept);
    }
  });

  test("that is long itself is not, so that nobody reads much for a little of it", () => {
    const long = user("long", "x".repeat(10_000));
    const list = findFolder(
      reread(documentOf(withChildren({ name: "List" }, [long, ...users(100)]))).root,
      "List",
    );
    assert.ok(list);
    assert.equal(texts(list).length, 100);
    assert.deepEqual(plain(list).children[0], long);
  });

  test("holds the same as a tree, and becomes the same bytes", () => {
    fc.assert(
      fc.property(listed, fc.integer({ min: 60, max: 70 }), (folders, entries) => {
        const document = documentOf(item("before", "1"), listOf(folders, entries), item("after", "2"));
        const bytes = formatConfig(document);
        const read = parseConfig(bytes);
        assert.deepEqual(plain(read.root), document.root);
        assert.deepEqual(formatConfig(read), bytes);
        // Where it is kept is another place now.
        assert.deepEqual(formatConfig(read), bytes);
        assert.deepEqual(plain(read.root), document.root);
      }),
      { numRuns: 100 },
    );
  });

  test("holds the same in a file of many pieces", () => {
    const list = withChildren(
      { name: "List" },
      Array.from({ length: 5_000 }, (_, index) => user(`user ${index}`, `お${"$ ".repeat(index % 200)}`)),
    );
    const bytes = formatConfig(documentOf(list));
    assert.ok(bytes.length > 1_000_000);
    const read = parseConfig(bytes);
    assert.deepEqual(plain(read.root), documentOf(list).root);
    assert.deepEqual(formatConfig(read), bytes);
    assert.deepEqual(plain(read.root), documentOf(list).root);
  });

  test("stays what it is by another name and at another depth", () => {
    fc.assert(
      fc.property(listed, (folders) => {
        const list = listOf(folders, mostPlainEntries + 1);
        const read = findFolder(reread(documentOf(list)).root, "List") as ConfigFolder;
        const deeper = (each: ConfigFolder) =>
          documentOf(withChildren({ name: "Deeper" }, [named(each, "Renamed"), ...each.children]));
        assert.deepEqual(formatConfig(deeper(read)), formatConfig(deeper(list)));
        const renamed = read.children.map((child) => (child.kind === "folder" ? named(child, "new") : child));
        const expected = list.children.map((child) =>
          child.kind === "folder" ? named(child, "new") : child,
        );
        assert.deepEqual(plain(withChildren(read, renamed)), withChildren(list, expected));
      }),
      { numRuns: 50 },
    );
  });

  test("differs by what differs in it, and takes changes", () => {
    fc.assert(
      fc.property(listed, arbitraryFolder, fc.nat(64), (folders, other, at) => {
        const list = listOf(folders, mostPlainEntries + 1);
        const name = (list.children[at] as ConfigFolder).name;
        const next = withChildren(list, list.children.with(at, named(other, name)));
        const [before, after] = [reread(documentOf(list)), reread(documentOf(next))];
        const changes = changesBetween(before, after);
        assert.ok(changes);
        assert.deepEqual(changes.map(ofPlain), changesBetween(documentOf(list), documentOf(next)));
        const changed = withChanges(before, changes);
        assert.deepEqual(plain(changed.root), documentOf(next).root);
        assert.deepEqual(formatConfig(changed), formatConfig(documentOf(next)));
        assert.equal(texts(findFolder(changed.root, "List") as ConfigFolder).length, mostPlainEntries + 1);
      }),
      { numRuns: 100 },
    );
  });
});

test("statistics come into the folders of long lists, of hubs and of users", () => {
  const traffic = {
    received: { broadcastBytes: 1, broadcastCount: 2, unicastBytes: 3, unicastCount: 4 },
    sent: { broadcastBytes: 5, broadcastCount: 6, unicastBytes: 7, unicastCount: 8 },
  };
  const account = { logins: 9, lastLoginAt: 1_700_000_000_000, traffic };
  const hub = (name: string, of: readonly ConfigFolder[]) =>
    withChildren({ name }, [
      withChildren({ name: "SecurityAccountDatabase" }, [withChildren({ name: "UserList" }, of)]),
    ]);
  const small = Array.from({ length: 100 }, (_, index) => hub(`hub${index}`, users(2)));
  const document = reread(
    documentOf(withChildren({ name: "VirtualHUB" }, [...small, hub("large", users(200))])),
  );
  const counted = (name: string) => ({
    createdAt: 0,
    lastCommunicationAt: 1_800_000_000_000,
    ...account,
    users: new Map([[name, account]]),
    groups: new Map(),
  });
  const source = new Map([
    ["hub7", counted("user1")],
    ["large", counted("user150")],
  ]);
  const changed = atOnce(withStatistics(document, source));
  const read = readStatistics(reread(changed));
  for (const [name, { users: expected, logins, lastCommunicationAt }] of source) {
    assert.deepEqual(read.get(name)?.users, expected);
    assert.equal(read.get(name)?.logins, logins);
    assert.equal(read.get(name)?.lastCommunicationAt, lastCommunicationAt);
  }
  assert.equal(read.get("hub8")?.users.size, 0);
  assert.equal(atOnce(withStatistics(changed, source)), changed);
  const list = findFolder(changed.root, "VirtualHUB") as ConfigFolder;
  assert.equal(texts(list).length, 100);
  const database = findFolder(findFolder(list, "large") as ConfigFolder, "SecurityAccountDatabase");
  const userList = findFolder(database as ConfigFolder, "UserList") as ConfigFolder;
  assert.equal(texts(userList).length, 200);
  assert.equal(findItem(findFolder(userList, "user150") as ConfigFolder, "uint", "NumLogin")?.value, "9");
});
