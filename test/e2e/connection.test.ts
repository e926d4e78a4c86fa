import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf } from "./support/deployment.ts";

test("a host behind a bastion is deployed through it, upload, commands and health check alike", async () => {
  await using deployment = await Deployment.create();
  const { lab } = deployment;
  const [bastion, host] = await Promise.all([lab.host("bastion"), lab.host("alpha")]);
  // From here the host is out of reach; the bastion alone gets through.
  await host.run(`nft add table inet only && nft add chain inet only input '{ type filter hook input priority 0; }' &&
    nft add rule inet only input tcp dport 22 ip saddr != ${bastion.address} ct state new reject`);
  const { name: _name, ...way } = entryOf(bastion);
  await deployment.configure(entryOf(host, { bastion: way }));

  assertSucceeded(await deployment.stack.up());

  const server = await deployment.server("alpha");
  assert.equal(server.passedLastCheck, true);
  assert.equal(server.lastCheck?.checkedThrough, "ssh tunnel");
  assertSucceeded(await deployment.stack.destroy());
});

test("where the SSH server forwards no ports, the handshakes are made on the host", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await host.run(
    "echo 'AllowTcpForwarding no' >/etc/ssh/sshd_config.d/forwarding.conf && systemctl reload ssh",
  );
  await deployment.configure(entryOf(host));

  assertSucceeded(await deployment.stack.up());

  const { lastCheck } = await deployment.server("alpha");
  assert.equal(lastCheck?.checkedThrough, "host");
  assert.deepEqual(
    lastCheck?.listeners.map(({ answers }) => answers),
    [true, true, true],
  );
});

test("a private key is in plain text neither in the state nor in what the engine prints", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));

  const up = await deployment.stack.up();

  assertSucceeded(up);
  const key = (await readFile(host.ssh.privateKeyPath, "utf8"))
    .split("\n")
    .filter((line) => /^[\w+/=]{40,}$/.test(line));
  assert.ok(key.length > 1, "the key has no lines to search for");
  const texts = [await deployment.stack.exportState(), up.stdout, up.stderr, JSON.stringify(up.events)];
  for (const text of texts) for (const line of key) assert.equal(text.includes(line), false);
});
