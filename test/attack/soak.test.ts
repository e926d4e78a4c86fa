import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../../attack/support/arena.ts";
import { soak, soakTable } from "../../attack/support/soak.ts";

test("a server is as it was after clients that came, went, died, reconfigured and attacked", async (t) => {
  await using arena = await Arena.create();
  const result = await soak(arena, {
    ...{ minutes: 0.5, attackSeconds: 3, restSeconds: 75 },
    log: () => {},
  });
  for (const line of soakTable(result).split("\n")) t.diagnostic(line);
  assert.deepEqual(result.left, []);
  assert.ok((result.crowd["sessions"] ?? 0) > 10, "hardly anybody came");
  assert.ok((result.crowd["changes"] ?? 0) > 0, "nobody changed anything");
});
