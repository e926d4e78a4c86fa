import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { certificateOf, pemOf } from "../unit/identity/make-certificate.ts";
import { assertFailed, assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

test("preview shows which hubs, users, groups and rules come, change and go, and no secret", async () => {
  await using deployment = await Deployment.create();
  const { stack } = deployment;
  await deployment.configure(entryOf(await deployment.lab.host("alpha")));
  const dora = { name: "dora", password: "the secret of dora" };
  await deployment.configureHubs(
    { name: "DEFAULT", users: [dora, { name: "emil", password: "the secret of emil" }] },
    { name: "SALES", users: [{ name: "fred", anonymous: true }] },
  );
  assertSucceeded(await stack.up());

  await deployment.configureHubs({
    name: "DEFAULT",
    users: [{ ...dora, realName: "Dora Doe", group: "staff" }],
    groups: [{ name: "staff" }],
    accessList: [{ action: "discard", protocol: "47" }],
  });
  const { code, stdout } = await stack.preview({ diff: true });

  assert.equal(code, 0);
  for (const shown of [
    /- SALES\s*:/,
    /- emil\s*:/,
    /\+ realName\s*: "Dora Doe"/,
    /\+ staff\s*:/,
    /\+ action\s*: "discard"/,
  ]) {
    assert.match(stdout, shown);
  }
  assert.doesNotMatch(stdout, /the secret of/);
  assertSucceeded(await stack.up());
  assertSucceeded(await stack.preview({ expectNoChanges: true }));
});

test("a refresh looks and changes nothing, and nothing claims health that was not looked at", async () => {
  await using deployment = await Deployment.create();
  const { stack } = deployment;
  const host = await deployment.lab.host("alpha");
  await deployment.configureHubs({ name: "DEFAULT", users: [{ name: "dora", anonymous: true }] });
  await deployment.configure(entryOf(host));
  assertSucceeded(await stack.up());
  await host.run("systemctl stop vpnserver");

  assertSucceeded(await stack.refresh());
  assert.deepEqual(await serverProcesses(host), []);
  assert.doesNotMatch(JSON.stringify(await stack.outputs()), /"healthy":true/);

  assertFailed(await stack.refresh({ runProgram: true }), /the server does not run/);
  assert.deepEqual(await serverProcesses(host), [], "a refresh started the server");

  assertSucceeded(await stack.up());
  assert.equal((await serverProcesses(host)).length, 2);
});

test("hubs that were changed on the host are put right by up, and by nothing else", async () => {
  await using deployment = await Deployment.create();
  const { stack } = deployment;
  const host = await deployment.lab.host("alpha");
  await deployment.configureHubs({ name: "DEFAULT", users: [{ name: "dora", anonymous: true }] });
  await deployment.configure(entryOf(host));
  assertSucceeded(await stack.up());
  const users = "/opt/vpnserver/current/vpnserver apply --dry-run";
  await host.run(`echo '{"hubs":[{"name":"DEFAULT"}]}' | /opt/vpnserver/current/vpnserver apply`);

  assertFailed(await stack.refresh({ runProgram: true }), /no longer as declared.*user dora created/s);
  const up = await stack.up();

  assertSucceeded(up);
  assert.match(up.stdout, /no longer as declared.*user dora created.*putting it right/s);
  const declared = '{"hubs":[{"name":"DEFAULT","users":[{"name":"dora","anonymous":true}]}]}';
  assert.match((await host.run(`echo '${declared}' | ${users}`)).stdout, /Nothing differs/);
  assertSucceeded(await stack.up({ expectNoChanges: true }));
});

test("a certificate of one's own is served with its chain, replaced without a restart, and in the users' files", async () => {
  await using deployment = await Deployment.create();
  const { stack } = deployment;
  const host = await deployment.lab.host("alpha");
  await deployment.configureHubs({ name: "DEFAULT", users: [{ name: "dora", anonymous: true }] });
  await deployment.configure(entryOf(host));
  assertSucceeded(await stack.up());
  const processes = await serverProcesses(host);
  const authority = await certificateOf("CN=authority.example.org", { ca: true });
  const signed = await certificateOf("CN=vpn.example.org", { issuer: authority });
  const leaf = new X509Certificate(signed.x509.toString("pem"));
  const { certificatePem, keyPem } = await pemOf(signed, authority);
  await stack.setConfig("vpnserver:certificate", certificatePem);
  await stack.setSecret("vpnserver:certificateKey", keyPem);

  assertSucceeded(await stack.up());

  assert.deepEqual(await serverProcesses(host), processes, "the server was started again");
  const { certificate } = await deployment.server("alpha");
  assert.equal(new X509Certificate(certificate ?? "").raw.equals(leaf.raw), true);
  const { stdout } = await deployment.lab.operator.run(
    "openssl",
    ["s_client", "-connect", `${host.address}:5555`, "-showcerts"],
    { check: false, input: "" },
  );
  assert.equal(stdout.match(/BEGIN CERTIFICATE/g)?.length, 2, "the leaf and its chain");
  const file = await deployment.vpnFile("alpha", "DEFAULT", "dora");
  assert.ok(file.includes(leaf.raw.toString("base64")), "the .vpn file holds the former certificate");
  assertSucceeded(await stack.up({ expectNoChanges: true }));
});
