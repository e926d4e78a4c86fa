import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { packProtocolLimits } from "../../../../server/limits.ts";
import { enumHubs } from "../../../../server/protocols/softether/enum-hubs.ts";
import { decodePack, encodePack } from "../../../../server/wire/pack.ts";
import { hubOf } from "../../access/login-fixture.ts";

function listed(...hubs: Parameters<typeof hubOf>[0][]): string[] {
  const pack = decodePack(encodePack(enumHubs(hubs.map(hubOf))), packProtocolLimits);
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
    const pack = enumHubs([hubOf({ options: { NoEnum: true } })]);
    assert.equal(pack.has("HubName"), false);
    assert.ok(pack.has("NumHub"));
  });
});
