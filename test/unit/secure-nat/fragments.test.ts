import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Frame } from "../../../server/ethernet/frame.ts";
import { fragmentLimits } from "../../../server/limits.ts";
import { Fragments } from "../../../server/secure-nat/fragments.ts";
import { World } from "./world.ts";

describe("fragments", () => {
  const frameOf = (bytes: Buffer) => {
    const frame = new Frame();
    assert.ok(frame.read(bytes, 0, bytes.length));
    return frame;
  };

  test("that overlap end their packet", () => {
    const [first, second] = new World().datagram("x".repeat(2_000)).map(frameOf);
    assert.ok(first && second);
    const fragments = new Fragments(() => 0);
    assert.equal(fragments.add(first, 1), undefined);
    assert.equal(fragments.add(first, 1), undefined);
    assert.equal(fragments.add(second, 1), undefined);
  });

  test("are kept for a while, and no more than may be", () => {
    let now = 0;
    const world = new World();
    const pairs = Array.from({ length: fragmentLimits.packets + 1 }, () =>
      world.datagram("x".repeat(2_000)).map(frameOf),
    );
    const fragments = new Fragments(() => now);
    for (const [index, [first]] of pairs.entries()) fragments.add(first ?? assert.fail(), 1 + (index % 4));
    assert.equal(fragments.add(pairs[0]?.[1] ?? assert.fail(), 1), undefined);
    assert.ok(fragments.add(pairs[5]?.[1] ?? assert.fail(), 2));
    now = fragmentLimits.ms;
    assert.equal(fragments.add(pairs[6]?.[1] ?? assert.fail(), 3), undefined);
  });
});
