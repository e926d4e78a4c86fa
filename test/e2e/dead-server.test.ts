import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

for (const [mode, kill] of [
  ["service", "systemctl stop vpnserver"],
  ["user", "kill -KILL $(ps -e -o pid=,args= | grep '[v]pnserver execsvc' | awk '{ print $1 }')"],
] as const) {
  test(`the next up says that a server in ${mode} mode is dead, and brings it back`, async () => {
    await using deployment = await Deployment.create();
    const host = await deployment.lab.host("alpha");
    await deployment.configure(entryOf(host, { mode }));
    assertSucceeded(await deployment.stack.up());
    await host.run(kill);
    assert.deepEqual(await serverProcesses(host), []);

    const up = await deployment.stack.up();

    assertSucceeded(up);
    assert.match(up.stdout, /does not run.*putting it right/s);
    assert.equal((await deployment.server("alpha")).passedLastCheck, true);
    assertSucceeded(await deployment.stack.up({ expectNoChanges: true }));
    assert.equal((await serverProcesses(host)).length, 2);
  });
}

test("a host that has lost the server altogether gets it again, with its hubs, and outputs the new certificate", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha", { users: [{ name: "alice", sudo: "none" }] });
  await deployment.configure(entryOf(host, { user: "alice" }));
  await deployment.configureHubs({ name: "DEFAULT", users: [{ name: "dora", anonymous: true }] });
  assertSucceeded(await deployment.stack.up());
  const { certificate } = await deployment.server("alpha");
  await host.run("~/vpnserver/current/vpnserver stop && rm -rf ~/vpnserver", { user: "alice" });

  const up = await deployment.stack.up();

  assertSucceeded(up);
  assert.match(up.stdout, /the server has another certificate than before/);
  assert.equal((await serverProcesses(host)).length, 2);
  const { certificate: now = "", tlsFingerprint } = await deployment.server("alpha");
  assert.notEqual(now, certificate);
  assert.equal(tlsFingerprint, new X509Certificate(now).fingerprint256);
  const text = await deployment.vpnFile("alpha", "DEFAULT", "dora");
  assert.ok(
    text.includes(new X509Certificate(now).raw.toString("base64")),
    "the .vpn file holds the former one",
  );
});

test("a host that has lost the server gets it again, also when its hubs change in the same up", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));
  await deployment.configureHubs({ name: "DEFAULT", users: [{ name: "dora", anonymous: true }] });
  assertSucceeded(await deployment.stack.up());
  await host.run(
    "systemctl stop vpnserver && rm -rf /opt/vpnserver /var/lib/vpnserver /etc/systemd/system/vpnserver.service",
  );

  await deployment.configureHubs({ name: "DEFAULT", users: [{ name: "emil", anonymous: true }] });
  assertSucceeded(await deployment.stack.up());

  assert.equal((await serverProcesses(host)).length, 2);
  assert.ok(await deployment.vpnFile("alpha", "DEFAULT", "emil"));
  assertSucceeded(await deployment.stack.up({ expectNoChanges: true }));
});
