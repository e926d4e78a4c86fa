import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { DueQueue, type Due } from "../../../server/secure-nat/due-queue.ts";

describe("a queue of what is due", () => {
  test("has the first one first, whatever is entered, moved and taken out", () => {
    const change = fc.record({ entry: fc.nat(15), dueAt: fc.nat(20), isDeleted: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200, size: "max" }), (changes) => {
        const queue = new DueQueue<Due>();
        const entries = Array.from({ length: 16 }, (): Due => ({ dueAt: 0, dueIndex: -1 }));
        const expected = new Map<Due, number>();
        for (const { entry: index, dueAt, isDeleted } of changes) {
          const entry = entries[index] ?? assert.fail();
          if (isDeleted) {
            queue.delete(entry);
            expected.delete(entry);
          } else {
            queue.set(entry, dueAt);
            expected.set(entry, dueAt);
          }
          const first = Math.min(...expected.values());
          assert.equal(queue.first?.dueAt ?? Infinity, first);
        }
        const taken: number[] = [];
        for (let { first } = queue; first !== undefined; { first } = queue) {
          taken.push(first.dueAt);
          queue.delete(first);
        }
        assert.deepEqual(
          taken,
          [...expected.values()].sort((one, other) => one - other),
        );
      }),
    );
  });

  test("looks at a few however many there are", () => {
    let looks = 0;
    const queue = new DueQueue<Due>();
    const entries = Array.from({ length: 8_192 }, () => {
      let dueAt = Infinity;
      return {
        dueIndex: -1,
        get dueAt() {
          looks++;
          return dueAt;
        },
        set dueAt(value: number) {
          dueAt = value;
        },
      };
    });
    const most = 4 * Math.log2(entries.length);
    const step = (act: () => void) => {
      looks = 0;
      act();
      assert.ok(looks <= most, `${looks} looks`);
    };
    for (const [index, entry] of entries.entries()) step(() => queue.set(entry, (index * 7_919) % 8_192));
    for (const entry of entries) step(() => queue.set(entry, 10_000 - entry.dueIndex));
    for (const entry of entries) step(() => queue.delete(entry));
  });
});
