import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decodeTime, encodeTime } from "../../../server/wire/pack-time.ts";

describe("time of a PACK", () => {
  // Configuration and JSON of one official server, reference/softether/transport.md, section 3.
  test("is nine hours behind", () => {
    assert.equal(encodeTime(Date.parse("2026-11-22T11:17:27.141Z")), 1795313847141n);
    assert.equal(decodeTime(1795313847141n), Date.parse("2026-11-22T11:17:27.141Z"));
  });

  test("of nothing is 0, and 0 is no time", () => {
    assert.equal(encodeTime(undefined), 0n);
    assert.equal(encodeTime(NaN), 0n);
    assert.equal(decodeTime(0n), undefined);
  });

  test("stays within what the official programs take", () => {
    assert.equal(encodeTime(-1), 0n);
    assert.equal(encodeTime(Infinity), 4102243323123n);
    assert.equal(decodeTime(0xffff_ffff_ffff_ffffn), decodeTime(4102243323123n));
  });

  test("comes back as it was", () => {
    fc.assert(
      fc.property(fc.integer({ min: 32_400_001, max: 4_102_243_323_123 + 32_400_000 }), (unixMs) => {
        assert.equal(decodeTime(encodeTime(unixMs)), unixMs);
      }),
    );
  });
});
