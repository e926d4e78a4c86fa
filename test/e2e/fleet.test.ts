import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFailed, assertSucceeded, Deployment, entryOf } from "./support/deployment.ts";

test("in a fleet of four hosts in both modes, the one that is broken is named and the others serve", async () => {
  await using deployment = await Deployment.create();
  const { lab } = deployment;
  const alice = { users: [{ name: "alice", sudo: "none" as const }] };
  const [alpha, bravo, charlie, delta] = await Promise.all([
    lab.host("alpha"),
    lab.host("bravo", alice),
    lab.host("charlie"),
    lab.host("delta", alice),
  ]);
  await charlie.powerOff();
  const entries = (more: Record<string, unknown>) => [
    entryOf(alpha),
    entryOf(bravo, { user: "alice" }),
    entryOf(charlie, { connectTimeoutSeconds: 2, ...more }),
    entryOf(delta, { user: "alice", mode: "user" }),
  ];
  await deployment.configure(...entries({}));

  assertFailed(await deployment.stack.up(), /VpnServer "fleet-charlie": .*cannot be reached/);

  const servers = await deployment.servers();
  assert.deepEqual(
    Object.entries(servers).map(([name, { passedLastCheck, mode }]) => [name, passedLastCheck, mode]),
    [
      ["alpha", true, "service"],
      ["bravo", true, "user"],
      ["charlie", false, undefined],
      ["delta", true, "user"],
    ],
  );
  assert.match(servers["charlie"]?.problem ?? "", /cannot be reached/);

  // Without the broken host the rest of the fleet is as it should be.
  await deployment.configure(...entries({}).filter(({ name }) => name !== "charlie"));
  assertSucceeded(await deployment.stack.up());
});
