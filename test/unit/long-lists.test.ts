import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { sortedInSteps } from "../../server/long-lists.ts";
import { atOnce } from "../../server/turns.ts";

interface Numbered {
  readonly key: number;
  readonly place: number;
}

const byKey = (one: Numbered, other: Numbered) => one.key - other.key;
const numbered = (keys: readonly number[]): Numbered[] => keys.map((key, place) => ({ key, place }));

describe("a list that is sorted in steps", () => {
  test("is what the runtime makes of it, those of one key in the order in which they came", () => {
    const keys = fc.array(fc.nat({ max: 300 }), { maxLength: 3_000, size: "max" });
    fc.assert(
      fc.property(keys, (list) => {
        const values = numbered(list);
        const given = [...values];
        assert.deepEqual(atOnce(sortedInSteps(values, byKey)), values.toSorted(byKey));
        assert.deepEqual(values, given);
      }),
      { numRuns: 50 },
    );
  });

  test("has few comparisons in each step, however long and in whichever order it is", () => {
    const count = 32_768;
    for (const keyOf of [
      (place: number) => place,
      (place: number) => -place,
      (place: number) => (place * 7_919) % count,
      () => 1,
    ]) {
      const values = numbered(Array.from({ length: count }, (_, place) => keyOf(place)));
      let comparisons = 0;
      let most = 0;
      const steps = sortedInSteps(values, (one, other) => {
        comparisons++;
        return byKey(one, other);
      });
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) {
        most = Math.max(most, comparisons);
        comparisons = 0;
      }
      assert.ok(Math.max(most, comparisons) <= 4_096, `${most} in a step`);
      assert.deepEqual(step.value, values.toSorted(byKey));
    }
  });
});
