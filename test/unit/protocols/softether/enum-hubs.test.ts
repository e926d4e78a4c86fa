import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { packBeforeLoginLimits } from "../../../../server/limits.ts";
import { HubList } from "../../../../server/protocols/softether/enum-hubs.ts";
import type { HubSettings } from "../../../../server/settings/hub-settings.ts";
import { decodePack, encodePack } from "../../../../server/wire/pack.ts";
import { hubOf } from "../../access/login-fixture.ts";

const all = { ...packBeforeLoginLimits, valuesPerElement: Infinity };

const listOf = (hubs: readonly HubSettings[]) => new HubList(() => hubs).pack();

function listed(...hubs: Parameters<typeof hubOf>[0][]): string[] {
  const pack = decodePack(encodePack(listOf(hubs.map(hubOf))), all);
  assert.equal(pack.int("NumHub"), pack.count("HubName"));
  return Array.from({ length: pack.int("NumHub") }, (_value, index) => pack.str("HubName", index));
}

describe("list of hubs", () => {
  test("has all of them, offline ones too, in their order", () => {
    assert.deepEqual(listed({ name: "B" }, { name: "a", online: false }), ["B", "a"]);
  });

  test("leaves out those that hide", () => {
    assert.deepEqual(listed({ name: "A", options: { NoEnum: true } }, { name: "B" }), ["B"]);
  });

  test("has no names at all where there are none to tell", () => {
    assert.deepEqual(listed(), []);
    const pack = listOf([hubOf({ options: { NoEnum: true } })]);
    assert.equal(pack.has("HubName"), false);
    assert.ok(pack.has("NumHub"));
  });

  test("has the first ones of as many as a client takes, and none of the others is asked for", () => {
    for (const nameOf of [(index: number) => `${index}`, (index: number) => `${index}`.padEnd(255, "ä")]) {
      const asked = new Set<number>();
      const hubs = Array.from({ length: 20_000 }, (_, index) =>
        Object.defineProperty({ ...hubOf({}) }, "name", {
          get: () => (asked.add(index), nameOf(index)),
        }),
      );
      const bytes = encodePack(listOf(hubs));
      assert.ok(bytes.length <= packBeforeLoginLimits.bytes, `${bytes.length} bytes`);
      assert.ok(bytes.length > packBeforeLoginLimits.bytes - 600, `${bytes.length} bytes`);
      const pack = decodePack(bytes, all);
      assert.equal(pack.count("HubName"), asked.size - 1);
      assert.equal(pack.str("HubName", asked.size - 2), nameOf(asked.size - 2));
    }
  });

  test("is put together once for all who ask, until the hubs are others", () => {
    let hubs = [hubOf({ name: "A" })];
    const list = new HubList(() => hubs);
    const first = list.pack();
    assert.equal(list.pack(), first);
    hubs = [...hubs, hubOf({ name: "B" })];
    assert.equal(list.pack().int("NumHub"), 2);
    assert.equal(first.int("NumHub"), 1);
  });
});
