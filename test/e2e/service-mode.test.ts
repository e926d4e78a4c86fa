import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckReport, VpnConnection } from "../../components/index.ts";
import { Lab } from "../lab/lab.ts";
import { assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";
import { configOf, exampleStack } from "./support/example.ts";

interface Outputs {
  readonly endpoints: readonly string[];
  readonly connections: readonly VpnConnection[];
  readonly lastCheck: CheckReport;
}

test("first up as root installs a service that is enabled, listens on 443, 992 and 5555, and answers", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  const { config, secrets } = configOf(host);
  await using stack = await exampleStack("one-server", {
    ...{ lab, config },
    secrets: { ...secrets, bobPassword: "of bob" },
  });

  assertSucceeded(await stack.up());

  const { endpoints, connections, lastCheck } = (await stack.outputs()) as unknown as Outputs;
  assert.deepEqual(
    endpoints,
    [443, 992, 5555].map((port) => `${host.address}:${port}`),
  );
  assert.deepEqual(
    lastCheck.listeners.map(({ port, answers }) => [port, answers]),
    [
      [443, true],
      [992, true],
      [5555, true],
    ],
  );
  assert.deepEqual(
    connections.map(({ user, port }) => [user, port]),
    [
      ["alice", 443],
      ["bob", 443],
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
