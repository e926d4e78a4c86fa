import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { attacks } from "../../attack/attacks.ts";
import type { Attack } from "../../attack/support/attack.ts";
import { Arena } from "../../attack/support/arena.ts";
import { detailsOf, looseBounds } from "../../attack/support/verdict.ts";

const seconds = 3;
/** Others may use this machine meanwhile: pings may take so many times as long as without an attack. */
const slower = 4;

describe("under attack others are served", () => {
  let arena: Arena;
  let bounds = looseBounds;
  before(async () => {
    arena = await Arena.create();
    const calm = await arena.fight("calm", attacks["calm"] as Attack, { seconds, restSeconds: 0, bounds });
    bounds = { ...bounds, ping99Ms: Math.max(bounds.ping99Ms, slower * calm.ping99Ms) };
  });
  after(() => arena.dispose());

  for (const [name, attack] of Object.entries(attacks)) {
    test(`${name}: ${attack.about}`, async (t) => {
      const verdict = await arena.fight(name, attack, { seconds, restSeconds: 0, bounds });
      for (const line of detailsOf(verdict)) t.diagnostic(line.trim());
      assert.deepEqual(verdict.faults, []);
    });
  }
});
