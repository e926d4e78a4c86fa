import assert from "node:assert/strict";
import { test } from "node:test";
import { pemIdentity } from "../unit/components/pem-identity.ts";
import { assertSucceeded, Deployment, entryOf } from "./support/deployment.ts";
import { ImportedClient, iperf3 } from "./support/imported-client.ts";

const megabyte = 1024 * 1024;

test("unmodified VPN clients import the .vpn files of up, connect, ping and pass iperf3 through either mode", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [alpha, bravo, one, two] = await Promise.all([
    lab.host("alpha", { firewall: "nftables" }),
    lab.host("bravo", { users: [{ name: "carol", sudo: "none" }] }),
    ImportedClient.start(lab, "one", "10.9.0.1/24"),
    ImportedClient.start(lab, "two", "10.9.0.2/24"),
  ]);
  const { certificate, privateKey } = await pemIdentity("CN=bob");
  await deployment.configure(entryOf(alpha), entryOf(bravo, { user: "carol" }));
  await deployment.configureHubs({
    name: "Office 1",
    users: [
      { name: "alice", password: "a pass word of Alice's, ümläut" },
      { name: "bob", certificate, privateKey },
    ],
  });

  assertSucceeded(await stack.up());

  const servers = await deployment.servers();
  for (const [host, mode, port] of [
    [alpha, "service", 443],
    [bravo, "user", 5555],
  ] as const) {
    const server = servers[host.name];
    assert.equal(server?.mode, mode);
    assert.match(server.certificate ?? "", /^-----BEGIN CERTIFICATE-----/);
    const account = (user: string) => `${user}@${host.address}/Office 1`;
    assert.deepEqual(
      server.connections,
      ["alice", "bob"].map((user) => ({
        hub: "Office 1",
        user,
        host: host.address,
        port,
        account: account(user),
      })),
    );
    await one.import(await deployment.vpnFile(host.name, "Office 1", "alice"));
    await two.import(await deployment.vpnFile(host.name, "Office 1", "bob"));
    await Promise.all([one.connect(account("alice")), two.connect(account("bob"))]);
    assert.equal((await one.client.status(account("alice"))).get("Server Name"), host.address);
    assert.ok(await one.client.reaches("10.9.0.2"), `no ping through ${host.name}`);
    assert.equal(await two.client.ping("10.9.0.1", 20), 20);
    for (const received of [await iperf3(one, two, "10.9.0.2"), await iperf3(two, one, "10.9.0.1")]) {
      assert.ok(received > 8 * megabyte, `only ${received} bytes came through ${host.name}`);
    }
    await Promise.all([one.disconnect(account("alice")), two.disconnect(account("bob"))]);
  }
});

test("a client does not take another server for the one whose certificate its .vpn file holds", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [alpha, bravo, one] = await Promise.all([
    lab.host("alpha"),
    lab.host("bravo"),
    ImportedClient.start(lab, "one", "10.9.0.1/24"),
  ]);
  await deployment.configure(entryOf(alpha), entryOf(bravo));
  await deployment.configureHubs({ name: "DEFAULT", users: [{ name: "alice", password: "secret" }] });
  assertSucceeded(await stack.up());

  const text = await deployment.vpnFile("alpha", "DEFAULT", "alice");
  await one.import(text.replace(`Hostname ${alpha.address}`, `Hostname ${bravo.address}`));
  await one.client.command("AccountConnect", `alice@${alpha.address}/DEFAULT`);

  await one.client.until("the client to refuse", async () => (await one.client.failures()).length > 0);
  // ERR_CERT_NOT_TRUSTED
  assert.deepEqual(await one.client.failures(), [85]);
});
