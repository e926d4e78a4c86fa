import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LayeredMap } from "../../../server/settings/layered-map.ts";

const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
const change = fc.oneof(
  fc.record({ put: key, value: fc.object() }),
  fc.record({ remove: key }),
  // Many of them, so that the layers become one.
  fc.record({ putMany: fc.integer({ min: 1, max: 80 }) }),
);

test("a map made by changes is what a Map is after the same, in its order, and its former ones stay as they were", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.object())), fc.array(change), (start, changes) => {
      const expected = new Map<string, object>(start);
      let map: ReadonlyMap<string, object> = new Map(start);
      for (const each of changes) {
        const former = map;
        const before = [...former];
        if ("remove" in each) {
          expected.delete(each.remove);
          map = LayeredMap.without(map, each.remove);
        } else {
          const many = "putMany" in each ? Array.from({ length: each.putMany }, (_, n) => `many-${n}`) : [];
          const put =
            "put" in each ? [[each.put, each.value] as const] : many.map((name) => [name, {}] as const);
          for (const [name, value] of put) {
            // A replaced one keeps its place, as in a Map.
            expected.set(name, value);
            map = LayeredMap.with(map, name, value);
          }
        }
        assert.deepEqual([...map], [...expected]);
        assert.deepEqual([...former], before);
        assert.deepEqual(
          [[...map.keys()], [...map.values()]],
          [[...expected.keys()], [...expected.values()]],
        );
        assert.equal(map.size, expected.size);
        for (const name of ["a", "b", "c", "many-1", "none"]) {
          assert.equal(map.get(name), expected.get(name));
          assert.equal(map.has(name), expected.has(name));
        }
        const seen: unknown[] = [];
        map.forEach((value, name) => seen.push([name, value]));
        assert.deepEqual(seen, [...expected]);
        const changed = LayeredMap.changedKeys(former, map);
        if (changed !== undefined) {
          const names = new Set([...former.keys(), ...map.keys()]);
          assert.deepEqual(
            [...changed].sort(),
            [...names].filter((name) => former.get(name) !== map.get(name)).sort(),
          );
        }
      }
    }),
  );
});
