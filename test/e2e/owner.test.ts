import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFailed, assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";
import { Stack } from "./support/stack.ts";

for (const user of ["root", "alice"]) {
  test(`a server of ${user} that moves to another key of the fleet stays the same server`, async () => {
    await using deployment = await Deployment.create();
    const host = await deployment.lab.host("alpha", { users: [{ name: "alice", sudo: "none" }] });
    await deployment.configureHubs({ name: "DEFAULT", users: [{ name: "dora", password: "a password" }] });
    await deployment.configure(entryOf(host, { user, name: "paris" }));
    assertSucceeded(await deployment.stack.up());
    const before = await deployment.server("paris");
    const vpnFile = await deployment.vpnFile("paris", "DEFAULT", "dora");
    const processes = await serverProcesses(host);

    await deployment.configure(entryOf(host, { user, name: "lyon" }));
    const up = await deployment.stack.up();

    assertSucceeded(up);
    assert.match(up.stdout, /this server was "fleet-paris" of the same stack and is now "fleet-lyon"/);
    assert.match(up.stdout, /belongs to "fleet-lyon" .* now, and stays/);
    assert.deepEqual(await serverProcesses(host), processes, "the server was started again");
    const after = await deployment.server("lyon");
    assert.equal(after.certificate, before.certificate);
    assert.equal(await deployment.vpnFile("lyon", "DEFAULT", "dora"), vpnFile);
    assertSucceeded(await deployment.stack.up({ expectNoChanges: true }));
    assert.deepEqual(await serverProcesses(host), processes);

    assertSucceeded(await deployment.stack.destroy());
    assert.deepEqual(await serverProcesses(host), []);
  });
}

test("a server that comes back after a destroy has its certificate, and its users' files go on working", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));
  assertSucceeded(await deployment.stack.up());
  const { certificate } = await deployment.server("alpha");

  assertSucceeded(await deployment.stack.destroy());
  assert.deepEqual(await serverProcesses(host), []);
  assertSucceeded(await deployment.stack.up());

  assert.equal((await deployment.server("alpha")).certificate, certificate);
});

test("the second of two stacks that manage one host is told, and takes the server over when it says so", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const host = await lab.host("alpha");
  await deployment.configureHubs({ name: "FIRST", users: [{ name: "dora", anonymous: true }] });
  await deployment.configure(entryOf(host));
  assertSucceeded(await stack.up());
  const processes = await serverProcesses(host);
  await using second = await Stack.create({ lab });
  await second.setConfig("vpnserver:hosts", [entryOf(host)]);

  const refused = await second.up();

  assertFailed(refused, /VpnServer "fleet-alpha": the server on this host belongs to .*adopt: true/s);
  assert.deepEqual(await serverProcesses(host), processes);

  await second.setConfig("vpnserver:hosts", [entryOf(host, { adopt: true })]);
  assertSucceeded(await second.up());
  const { stdout } = await host.run("/opt/vpnserver/current/vpnserver status --json");
  assert.match(stdout, /"FIRST"/, "what the first stack made is gone");

  // Now the first one is told, and its destroy leaves the server to the second.
  assertFailed(await stack.up(), /the server on this host belongs to /);
  assertSucceeded(await stack.destroy());
  assert.equal((await serverProcesses(host)).length, 2);
  assertSucceeded(await second.up({ expectNoChanges: true }));
});
