import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

test("after a reboot of the host the service is back by itself, with the same certificate", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));
  assertSucceeded(await deployment.stack.up());
  const before = await deployment.server("alpha");

  await host.reboot();

  assert.equal((await host.run("systemctl is-active vpnserver")).stdout.trim(), "active");
  assert.equal((await serverProcesses(host)).length, 2);
  const up = await deployment.stack.up();
  assertSucceeded(up);
  assert.doesNotMatch(up.stdout, /starting it again/);
  assert.equal((await deployment.server("alpha")).tlsFingerprint, before.tlsFingerprint);
});
