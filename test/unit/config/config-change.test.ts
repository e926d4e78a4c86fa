import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { changesBetween, withChanges } from "../../../server/config/text/config-change.ts";
import type { ConfigDocument, ConfigFolder, ConfigNode } from "../../../server/config/text/config-node.ts";

/** Few names, so that some come twice. */
const name = fc.constantFrom("a", "b", "c", "A", "#");
const leaf: fc.Arbitrary<ConfigNode> = fc.oneof(
  fc
    .tuple(fc.constantFrom("uint", "string"), name, fc.constantFrom("0", "1"))
    .map(([type, itemName, value]): ConfigNode => ({ kind: "item", type, name: itemName, value })),
  name.map((text): ConfigNode => ({ kind: "comment", text })),
);
const { folder } = fc.letrec<{ folder: ConfigFolder }>((tie) => ({
  folder: fc
    .tuple(name, fc.array(fc.oneof({ depthSize: "small" }, leaf, tie("folder")), { maxLength: 6 }))
    .map(([folderName, children]): ConfigFolder => ({ kind: "folder", name: folderName, children })),
}));

const documentOf = (children: readonly ConfigNode[]): ConfigDocument => ({
  header: [],
  root: { kind: "folder", name: "root", children },
});
const users = (count: number, changed: Readonly<Record<number, string>> = {}): ConfigNode[] =>
  Array.from({ length: count }, (_, index) => user(`user${index}`, changed[index]));
const cache = new Map<string, ConfigFolder>();
/** The same object for the same user. */
function user(userName: string, note = ""): ConfigFolder {
  const key = `${userName} ${note}`;
  const made: ConfigFolder = {
    kind: "folder",
    name: userName,
    children: [{ kind: "item", type: "string", name: "Note", value: note }],
  };
  cache.set(key, cache.get(key) ?? made);
  return cache.get(key) as ConfigFolder;
}

describe("the changes between two configurations", () => {
  test("make the one of the other, wherever they can be said", () => {
    let said = 0;
    const pairs = fc.tuple(
      fc.array(folder, { maxLength: 5 }),
      fc.array(folder, { maxLength: 5 }),
      fc.nat(5),
      fc.nat(5),
    );
    fc.assert(
      fc.property(pairs, ([one, other, start, end]) => {
        // Of two that share most of what is in them, as of two that share nothing.
        const shared = [...one.slice(0, start), ...other, ...one.slice(Math.max(start, one.length - end))];
        for (const next of [other, shared]) {
          const changes = changesBetween(documentOf(one), documentOf(next));
          if (changes === undefined) continue;
          said += 1;
          assert.deepEqual(withChanges(documentOf(one), changes), documentOf(next));
        }
      }),
      { numRuns: 2_000 },
    );
    assert.ok(said > 1_000, String(said));
  });

  test("are none where nothing differs", () => {
    fc.assert(
      fc.property(fc.array(folder, { maxLength: 5 }), (children) => {
        const changes = changesBetween(documentOf(children), documentOf([...children]));
        assert.deepEqual(changes, []);
      }),
    );
  });

  test("of one among many are one", () => {
    const many = documentOf(users(1_000));
    const note = { kind: "item", type: "string", name: "Note", value: "new" };
    assert.deepEqual(changesBetween(many, documentOf(users(1_000, { 500: "new" }))), [
      { path: ["user500"], put: note },
    ]);
    assert.deepEqual(changesBetween(many, documentOf(users(1_001))), [{ path: [], put: user("user1000") }]);
    assert.deepEqual(changesBetween(many, documentOf(users(1_000).toSpliced(7, 1))), [
      { path: [], remove: { kind: "folder", name: "user7" } },
    ]);
  });

  test("cannot be said of a name that is there twice, also far from what differs", () => {
    const twice = [user("user5"), ...users(10)];
    assert.equal(
      changesBetween(documentOf(twice), documentOf([user("user5"), ...users(10, { 5: "new" })])),
      undefined,
    );
    assert.equal(
      changesBetween(documentOf(users(10)), documentOf([...users(10), user("user3", "x")])),
      undefined,
    );
  });

  test("cannot be said of something new in the middle", () => {
    const next = documentOf(users(10).toSpliced(5, 0, user("new")));
    assert.equal(changesBetween(documentOf(users(10)), next), undefined);
  });
});
