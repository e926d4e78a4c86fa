import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  inOrderOfPriority,
  isDeniedSource,
  type SourceAddressRule,
} from "../../../server/settings/source-address-rule.ts";
import { parseAddress } from "../../../server/ethernet/ip-address.ts";

const bytesOf = (text: string) => parseAddress(text) ?? assert.fail(text);
const rule = (
  action: SourceAddressRule["action"],
  priority: number,
  address: string,
  mask?: string,
): SourceAddressRule => ({
  action,
  priority,
  address: bytesOf(address),
  mask: mask === undefined ? undefined : bytesOf(mask),
});
const isDenied = (rules: readonly SourceAddressRule[], address: string) =>
  isDeniedSource(inOrderOfPriority(rules), bytesOf(address));

describe("the source addresses of a hub", () => {
  test("let everybody in while there is no rule that holds", () => {
    assert.equal(isDenied([], "192.0.2.1"), false);
    assert.equal(isDenied([rule("deny", 1, "192.0.2.2")], "192.0.2.1"), false);
  });

  test("keep out one address, or a network", () => {
    const rules = [rule("deny", 1, "192.0.2.7"), rule("deny", 1, "2001:db8:1::", "ffff:ffff:ffff::")];
    assert.equal(isDenied(rules, "192.0.2.7"), true);
    assert.equal(isDenied(rules, "192.0.2.8"), false);
    assert.equal(isDenied(rules, "2001:db8:1:2::3"), true);
    assert.equal(isDenied(rules, "2001:db8:2::"), false);
  });

  test("follow the rule with the least number, and allow where two of the same contradict each other", () => {
    const all = rule("deny", 10, "0.0.0.0", "0.0.0.0");
    assert.equal(isDenied([all, rule("allow", 9, "10.0.0.0", "255.0.0.0")], "10.1.2.3"), false);
    assert.equal(isDenied([all, rule("allow", 11, "10.0.0.0", "255.0.0.0")], "10.1.2.3"), true);
    assert.equal(isDenied([all, rule("allow", 10, "10.0.0.0", "255.0.0.0")], "10.1.2.3"), false);
    assert.equal(isDenied([all, rule("allow", 10, "10.0.0.0", "255.0.0.0")], "11.1.2.3"), true);
  });

  test("hold for addresses of their own kind alone", () => {
    assert.equal(isDenied([rule("deny", 1, "::", "::")], "192.0.2.1"), false);
    assert.equal(isDenied([rule("deny", 1, "0.0.0.0", "0.0.0.0")], "2001:db8::1"), false);
  });

  test("compare exactly the bits of the mask, whatever the others are", () => {
    const bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(bytes, bytes, bytes, (address, mask, source) => {
        const number = (of: Uint8Array) => Buffer.from(of).readUInt32BE();
        const same = ((number(address) ^ number(source)) & number(mask)) === 0;
        const rules = [{ action: "deny" as const, priority: 1, address, mask }];
        assert.equal(isDeniedSource(rules, source), same);
      }),
    );
  });
});
