import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AddressTable } from "../../../server/hub/address-table.ts";

describe("table of addresses", () => {
  it("holds what a map holds, through adding, moving and removing", () => {
    const operation = fc.record({
      action: fc.constantFrom("add", "move", "remove-owner", "expire"),
      address: fc.integer({ min: 0, max: 300 }),
      owner: fc.integer({ min: 0, max: 5 }),
    });
    fc.assert(
      fc.property(fc.integer(), fc.array(operation, { maxLength: 600, size: "max" }), (seed, operations) => {
        const table = new AddressTable({ limit: 150, seed });
        const expected = new Map<number, { owner: number; updatedAt: number }>();
        operations.forEach(({ action, address, owner }, now) => {
          const slot = table.find(0, address, 0, -address | 0);
          assert.equal(slot !== -1, expected.has(address));
          if (action === "add" && slot === -1) {
            const added = table.add(0, address, 0, -address | 0, owner, now);
            assert.equal(added === -1, expected.size >= 150);
            if (added !== -1) expected.set(address, { owner, updatedAt: now });
          } else if (action === "move" && slot !== -1) {
            table.move(slot, owner, now);
            expected.set(address, { owner, updatedAt: now });
          } else if (action === "remove-owner") {
            table.removeWhere((each) => each === owner);
            for (const [key, each] of expected) if (each.owner === owner) expected.delete(key);
          } else if (action === "expire" && address < 20) {
            table.removeWhere((_owner, updatedAt) => updatedAt < now - 50);
            for (const [key, each] of expected) if (each.updatedAt < now - 50) expected.delete(key);
          }
        });
        assert.equal(table.size, expected.size);
        for (const [address, { owner, updatedAt }] of expected) {
          const slot = table.find(0, address, 0, -address | 0);
          assert.deepEqual([table.owner(slot), table.updatedAt(slot)], [owner, updatedAt]);
        }
        assert.deepEqual(
          [...table.entries()].map(({ words }) => words[1]).sort((a, b) => a - b),
          [...expected.keys()].sort((a, b) => a - b),
        );
      }),
      { numRuns: 100 },
    );
  });
});
