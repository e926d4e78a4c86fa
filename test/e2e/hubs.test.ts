import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../lab/host.ts";
import { assertFailed, assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";
import { ImportedClient } from "./support/imported-client.ts";

const [alice, bob] = [
  { name: "alice", password: "first of alice" },
  { name: "bob", password: "of bob" },
];

test("another password ends that user's session and no other, and a user taken out is gone", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [host, one, two] = await Promise.all([
    lab.host("alpha"),
    ImportedClient.start(lab, "one", "10.9.0.1/24"),
    ImportedClient.start(lab, "two", "10.9.0.2/24"),
  ]);
  await deployment.configure(entryOf(host));
  await deployment.configureHubs({ name: "DEFAULT", users: [alice, bob] });
  assertSucceeded(await stack.up());
  const [aliceAccount, bobAccount] = [`alice@${host.address}/DEFAULT`, `bob@${host.address}/DEFAULT`];
  await one.import(await deployment.vpnFile("alpha", "DEFAULT", "alice"));
  await two.import(await deployment.vpnFile("alpha", "DEFAULT", "bob"));
  await Promise.all([one.connect(aliceAccount), two.connect(bobAccount)]);
  const [session, processes] = [
    (await two.client.status(bobAccount)).get("Session Name"),
    await serverProcesses(host),
  ];

  await deployment.configureHubs({
    name: "DEFAULT",
    users: [{ name: "alice", password: "second of alice" }, bob],
  });
  const changed = await stack.up();

  assertSucceeded(changed);
  assert.equal(changed.changes["update"], 1);
  assert.deepEqual(await serverProcesses(host), processes);
  await one.client.until("alice's session to end", async () => {
    const { hubs } = await statusOfServer(host);
    return hubs.find(({ name }) => name === "DEFAULT")?.sessions === 1;
  });
  assert.equal((await two.client.status(bobAccount)).get("Session Name"), session);
  assert.equal((await two.client.status(bobAccount)).get("Number of Established Sessions"), "1 Times");

  await deployment.configureHubs({ name: "DEFAULT", users: [bob] });
  assertSucceeded(await stack.up());
  assert.deepEqual(
    (await deployment.server("alpha")).connections?.map(({ user }) => user),
    ["bob"],
  );
  assert.deepEqual(await usersOf(host), ["bob"]);

  await stack.removeConfig("vpnserver:hubs");
  assertSucceeded(await stack.up());
  assert.deepEqual(await usersOf(host), []);
});

test("hubs that were changed by hand are as declared again after the next up, and the one after it is unchanged", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));
  await deployment.configureHubs({ name: "Own", users: [alice] });
  assertSucceeded(await deployment.stack.up());
  assertSucceeded(await deployment.stack.preview({ expectNoChanges: true }));

  await host.run("/opt/vpnserver/current/vpnserver apply", { input: '{"hubs":[]}' });
  assert.deepEqual(await usersOf(host), []);
  const again = await deployment.stack.up();

  assertSucceeded(again);
  assert.match(
    again.stdout + again.stderr,
    /no longer as declared.*hub Own: created; hub Own: SecureNAT on; hub Own: user alice created/,
  );
  assert.deepEqual(await usersOf(host), ["alice"]);
  assertSucceeded(await deployment.stack.up({ expectNoChanges: true }));
});

test("a mistake in the hubs is named before anything is deployed", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));
  await deployment.configureHubs({ name: "DEFAULT", users: [alice, { name: "carol" }] });

  const result = await deployment.stack.up();

  assertFailed(result, /hubs\[0\]\.users\[1\] \(user "carol" of hub "DEFAULT"\): nothing tells how/);
  assert.deepEqual(await serverProcesses(host), []);
});

interface ServerStatus {
  readonly hubs: readonly { readonly name: string; readonly sessions: number }[];
}

async function statusOfServer(host: Host): Promise<ServerStatus> {
  const { stdout } = await host.run("/opt/vpnserver/current/vpnserver status --json");
  return JSON.parse(stdout) as ServerStatus;
}

/** Names of the users that `apply` made, by the record that the server keeps of it. */
async function usersOf(host: Host): Promise<string[]> {
  const { stdout } = await host.run("cat /var/lib/vpnserver/vpn_server.config");
  const [, users = ""] = /declare UserList\s*\{([\s\S]*)/.exec(stdout) ?? [];
  return ["alice", "bob"].filter((name) => new RegExp(`declare ${name}\\s`).test(users));
}
