import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { logLimits } from "../../../server/limits.ts";
import { LineBudget } from "../../../server/logs/line-budget.ts";

function setUp() {
  const clock = { ms: 0 };
  const told: string[] = [];
  return {
    clock,
    told,
    budget: new LineBudget(
      () => clock.ms,
      (text) => told.push(text),
    ),
  };
}

describe("lines about a peer", () => {
  test("are bounded in a minute, and those beyond are told by their number", () => {
    const { clock, told, budget } = setUp();
    let admitted = 0;
    for (let count = 0; count < 20_000; count++) if (budget.admits("192.0.2.1")) admitted++;
    assert.equal(admitted, logLimits.peerLines);
    budget.look();
    assert.deepEqual(told, []);
    clock.ms += 60_000;
    budget.look();
    assert.deepEqual(told, [
      `${20_000 - logLimits.peerLines} lines more about 192.0.2.1 within a minute are left out.`,
    ]);
    assert.equal(budget.admits("192.0.2.1"), true);
  });

  test("of another network are none of them, and those of a /64 of IPv6 are of one", () => {
    const { budget } = setUp();
    for (let count = 0; count < 1_000; count++) budget.admits("192.0.2.1");
    assert.equal(budget.admits("192.0.2.2"), true);
    for (let count = 0; count < 1_000; count++) budget.admits(`2001:db8::${count.toString(16)}`);
    assert.equal(budget.admits("2001:db8::ffff:1"), false);
    assert.equal(budget.admits("2001:db8:0:1::1"), true);
  });

  test("are told of too when more networks come than are counted", () => {
    const { told, budget } = setUp();
    for (let count = 0; count <= logLimits.peerLines; count++) budget.admits("192.0.2.1");
    for (let count = 0; count < logLimits.networks; count++) {
      budget.admits(`10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`);
    }
    assert.equal(told.length, 1);
  });
});
