import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../lab/host.ts";
import { assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

for (const user of ["root", "alice"]) {
  test(`destroy leaves a clean host behind a server of ${user} when the state is to go too`, async () => {
    await using deployment = await Deployment.create();
    const host = await deployment.lab.host("alpha", {
      firewall: "nftables",
      users: [{ name: "alice", sudo: "none" }],
    });
    await deployment.configure(entryOf(host, { user, purgeStateOnDestroy: true }));
    const before = [await files(host), await rules(host)];
    assertSucceeded(await deployment.stack.up());
    assert.equal((await serverProcesses(host)).length, 2);

    assertSucceeded(await deployment.stack.destroy());

    assert.deepEqual(await serverProcesses(host), []);
    assert.deepEqual([await files(host), await rules(host)], before);
  });
}

test("destroy keeps configuration, certificate and key unless it is told otherwise", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));
  const before = await files(host);
  assertSucceeded(await deployment.stack.up());

  assertSucceeded(await deployment.stack.destroy());

  assert.deepEqual(await serverProcesses(host), []);
  const left = (await files(host)).filter((file) => !before.includes(file));
  for (const name of ["vpn_server.config", "server.crt", "server.key"]) {
    assert.ok(left.includes(`/var/lib/vpnserver/${name}`), `${name} is gone`);
  }
  assert.deepEqual(
    left.filter((file) => !/^\/var\/lib\/vpnserver(\/|$)/.test(file)),
    [],
  );
});

test("a server may stay when its stack is destroyed", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host, { uninstallOnDestroy: false }));
  assertSucceeded(await deployment.stack.up());

  assertSucceeded(await deployment.stack.destroy());

  assert.equal((await serverProcesses(host)).length, 2);
});

/** Every file of the host, but for what the system itself writes all the time. */
async function files(host: Host): Promise<string[]> {
  const { stdout } = await host.run(
    "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log/journal -o -path /var/tmp " +
      "-o -path /var/lib/systemd -o -path /var/cache \\) -prune -o -print | sort",
  );
  return stdout.trim().split("\n");
}

async function rules(host: Host): Promise<string> {
  return (await host.run("nft list ruleset; cat /etc/nftables.conf")).stdout;
}
