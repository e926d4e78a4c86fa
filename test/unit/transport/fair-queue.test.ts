import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FairQueue } from "../../../server/transport/fair-queue.ts";

function drain<Item>(queue: FairQueue<Item>): Item[] {
  const items: Item[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
}

describe("fair queue", () => {
  test("lets owners take turns, each in the order of his items", () => {
    const queue = new FairQueue<string>();
    for (const item of ["a1", "a2", "a3", "b1", "c1", "c2"]) queue.push(item, item[0] ?? "", false);
    assert.deepEqual(drain(queue), ["a1", "b1", "c1", "a2", "c2", "a3"]);
  });

  test("gives urgent items first, in their order", () => {
    const queue = new FairQueue<string>();
    queue.push("a1", "a", false);
    queue.push("u1", "a", true);
    queue.push("u2", "b", true);
    assert.deepEqual(drain(queue), ["u1", "u2", "a1"]);
  });

  test("takes out an item wherever it stands, and leaves the others", () => {
    const queue = new FairQueue<string>();
    for (const item of ["a1", "a2", "b1"]) queue.push(item, item[0] ?? "", false);
    queue.push("u1", "u", true);
    queue.remove("u1", "u", true);
    queue.remove("a2", "a", false);
    queue.remove("b1", "b", false);
    queue.remove("b1", "b", false);
    queue.remove("z1", "z", false);
    assert.equal(queue.size, 1);
    assert.deepEqual(drain(queue), ["a1"]);
  });

  test("loses nothing, gives nothing twice, and lets nobody wait for more than one item of each other owner", () => {
    const owners = fc.constantFrom("a", "b", "c", "d");
    fc.assert(
      fc.property(fc.array(owners, { maxLength: 40 }), (pushed) => {
        const queue = new FairQueue<{ owner: string; number: number }>();
        const items = pushed.map((owner, number) => ({ owner, number }));
        for (const item of items) queue.push(item, item.owner, false);
        const drained = drain(queue);
        assert.equal(queue.size, 0);
        assert.deepEqual(
          drained.toSorted((one, other) => one.number - other.number),
          items,
        );
        const seen = new Map<string, number>();
        for (const { owner } of drained) {
          const before = seen.get(owner) ?? 0;
          seen.set(owner, before + 1);
          for (const other of seen.values()) assert.ok(other <= before + 1 || hasNoMore(owner, before + 1));
        }
        function hasNoMore(owner: string, count: number): boolean {
          return pushed.filter((each) => each === owner).length <= count;
        }
      }),
    );
  });
});
