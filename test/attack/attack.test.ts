import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { attacks } from "../../attack/attacks.ts";
import { Arena } from "../../attack/support/arena.ts";
import { detailsOf, looseBounds } from "../../attack/support/verdict.ts";

const seconds = 3;

describe("under attack others are served", () => {
  let arena: Arena;
  before(async () => {
    arena = await Arena.create();
  });
  after(() => arena.dispose());

  for (const [name, attack] of Object.entries(attacks)) {
    test(`${name}: ${attack.about}`, async (t) => {
      const verdict = await arena.fight(name, attack, { seconds, restSeconds: 0, bounds: looseBounds });
      for (const line of detailsOf(verdict)) t.diagnostic(line.trim());
      assert.deepEqual(verdict.faults, []);
    });
  }
});
