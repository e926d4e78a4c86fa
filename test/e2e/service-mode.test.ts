import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

test("first up as root installs a service that is enabled, listens on 443, 992 and 5555, and answers", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));

  assertSucceeded(await deployment.stack.up());

  const server = await deployment.server("alpha");
  assert.equal(server.mode, "service");
  assert.equal(server.passedLastCheck, true);
  assert.deepEqual(
    server.endpoints,
    [443, 992, 5555].map((port) => `${host.address}:${port}`),
  );
  assert.deepEqual(
    server.lastCheck?.listeners.map(({ port, answers }) => [port, answers]),
    [
      [443, true],
      [992, true],
      [5555, true],
    ],
  );
  assert.equal((await host.run("systemctl is-active vpnserver")).stdout.trim(), "active");
  assert.equal((await host.run("systemctl is-enabled vpnserver")).stdout.trim(), "enabled");
  assert.equal((await serverProcesses(host)).length, 2);
});

test("a user with passwordless sudo gets service mode too", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha", { users: [{ name: "admin", sudo: "passwordless" }] });
  await deployment.configure(entryOf(host, { user: "admin" }));

  assertSucceeded(await deployment.stack.up());

  assert.equal((await deployment.server("alpha")).mode, "service");
  assert.equal((await host.run("systemctl is-active vpnserver")).stdout.trim(), "active");
});
