import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AddressTable } from "../../../server/hub/address-table.ts";

const enter = (table: AddressTable, address: number, owner: number, now: number) =>
  table.add(0, address, 0, -address | 0, owner, now);
const find = (table: AddressTable, address: number) => table.find(0, address, 0, -address | 0);
const addressesOf = (table: AddressTable) => [...table.entries()].map(({ words }) => words[1]);

describe("table of addresses", () => {
  it("holds what a map holds, through adding, moving, removing and making room", () => {
    const operation = fc.record({
      action: fc.constantFrom("add", "add", "add", "move", "refresh", "remove-owner", "expire", "delete"),
      address: fc.integer({ min: 0, max: 300 }),
      owner: fc.integer({ min: 0, max: 5 }),
    });
    const limit = 100;
    fc.assert(
      fc.property(fc.integer(), fc.array(operation, { maxLength: 900, size: "max" }), (seed, operations) => {
        const table = new AddressTable({ limit, seed });
        const expected = new Map<number, { owner: number; updatedAt: number }>();
        const countOf = (owner: number) =>
          [...expected.values()].filter((each) => each.owner === owner).length;
        operations.forEach(({ action, address, owner }, now) => {
          const slot = find(table, address);
          assert.equal(slot !== -1, expected.has(address));
          if (action === "add" && slot === -1) {
            enter(table, address, owner, now);
            if (expected.size === limit) {
              const left = new Set(addressesOf(table));
              const gone = [...expected].filter(([key]) => !left.has(key));
              assert.equal(gone.length, 1);
              const most = Math.max(...[0, 1, 2, 3, 4, 5].map(countOf));
              assert.ok(countOf(gone[0]?.[1].owner ?? -1) >= most - Math.ceil(most / 16) - 1);
              expected.delete(gone[0]?.[0] ?? -1);
            }
            expected.set(address, { owner, updatedAt: now });
          } else if (action === "move" && slot !== -1) {
            table.move(slot, owner, now);
            expected.set(address, { owner, updatedAt: now });
          } else if (action === "refresh" && slot !== -1) {
            table.refresh(slot, now);
            expected.set(address, { owner: table.owner(slot), updatedAt: now });
          } else if (action === "remove-owner" && address < 30) {
            table.removeOwner(owner);
            for (const [key, each] of expected) if (each.owner === owner) expected.delete(key);
          } else if (action === "expire" && address < 20) {
            while (!table.removeAged(now, 50, 50, 3));
            for (const [key, each] of expected) if (now - each.updatedAt >= 50) expected.delete(key);
          } else if (action === "delete") {
            table.delete([0, address, 0, -address | 0]);
            expected.delete(address);
          }
          assert.equal(table.ownedBy(owner), countOf(owner));
        });
        assert.equal(table.size, expected.size);
        for (const [address, { owner, updatedAt }] of expected) {
          const slot = find(table, address);
          assert.deepEqual([table.owner(slot), table.updatedAt(slot)], [owner, updatedAt]);
        }
        assert.deepEqual(
          addressesOf(table).sort((a, b) => a - b),
          [...expected.keys()].sort((a, b) => a - b),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps what the owner of most uses, and what the others have", () => {
    const table = new AddressTable({ limit: 1_000, seed: 7 });
    for (let address = 0; address < 20; address++) enter(table, address, 1, 0);
    enter(table, 100, 0, 0);
    for (let address = 1_000; address < 9_000; address++) {
      table.refresh(find(table, 100), address);
      enter(table, address, 0, address);
    }
    for (let address = 0; address < 20; address++) assert.notEqual(find(table, address), -1);
    assert.notEqual(find(table, 100), -1, "the one that is in use");
    assert.equal(find(table, 8_000), -1, "those that are not go in the order in which they came");
    assert.equal(
      [...Array(979).keys()].every((index) => find(table, 8_999 - index) !== -1),
      true,
    );
  });

  it("makes equal shares of a full table for those that want more", () => {
    const table = new AddressTable({ limit: 6_000, seed: 7 });
    for (let address = 0; address < 60_000; address++) enter(table, address, 0, address);
    for (let address = 60_000; address < 90_000; address++) enter(table, address, 1 + (address & 1), address);
    for (const owner of [0, 1, 2]) assert.ok(Math.abs(table.ownedBy(owner) - 2_000) < 200);
  });
});
