import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { VpnClient } from "../interop/support/vpn-client.ts";
import type { Host } from "../lab/host.ts";
import { assertFailed, assertSucceeded, Deployment, entryOf } from "./support/deployment.ts";
import { ProgramCopy } from "./support/program.ts";
import { SoftEtherHost, stateFolder } from "./support/softether-host.ts";

const administratorPassword = "the former administrator's";
const [hub, password] = ["Office", "alice's pass word"];

test("up takes over a SoftEther server: its clients come back as they are, its password administers, and it can come back", async (t) => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [host, desk, ...stations] = await Promise.all([
    lab.host("alpha", { firewall: "nftables" }),
    lab.station("desk"),
    lab.station("one"),
    lab.station("two"),
  ]);
  // As its administrator has opened them.
  await host.run("nft add rule inet filter input tcp dport { 443, 992, 1194, 5555 } accept");
  const softEther = await SoftEtherHost.start(lab, host, desk);
  const certificateFile = await furnish(softEther);
  const certificate = await readFile(certificateFile, "utf8");
  const [one, two] = (await Promise.all(stations.map((station) => VpnClient.start(station)))) as [
    VpnClient,
    VpnClient,
  ];
  await Promise.all([
    connectCarefully(one, host, "alice", certificateFile),
    connectCarefully(two, host, "bob", certificateFile),
  ]);
  await Promise.all([one.setAddress("10.9.0.1/24"), two.setAddress("10.9.0.2/24")]);
  assert.ok(await one.reaches("10.9.0.2"), "no ping through the official server");

  await deployment.configure(entryOf(host, { importFrom: stateFolder }));
  const begin = performance.now();
  const result = await stack.up();
  assertSucceeded(result);

  assert.match(`${result.stdout}${result.stderr}`, /imported \S+vpn_server\.config: 2 hubs, 2 users/);
  assert.match(`${result.stdout}${result.stderr}`, /not served: cascade of hub Office to 192\.0\.2\.1/);
  await one.until("a ping through our server", () => one.reaches("10.9.0.2", 1));
  t.diagnostic(`first ping ${Math.round(performance.now() - begin)} ms after the begin of up`);

  const server = await deployment.server("alpha");
  assert.equal(server.mode, "service");
  assert.equal(server.certificate?.replace(/\s/g, ""), certificate.replace(/\s/g, ""));
  assert.deepEqual(await stack.outputs().then(({ adminPasswords }) => adminPasswords), {});
  const sessions = await softEther.inHub(hub, "SessionList");
  assert.match(sessions, /SID-SECURENAT-1/);
  // Whoever came back first is first in the list.
  for (const name of ["alice", "bob"]) assert.match(sessions, new RegExp(`User Name +\\|${name}$`, "m"));
  assert.match(await softEther.inHub(hub, "UserGet", "alice"), /Alice of the office/);
  assert.deepEqual(await serviceState(host, "softether-vpnserver"), ["inactive", "disabled"]);
  const former = await fingerprints(host);
  const { stdout: firewall } = await host.run("nft list tables");

  const second = await stack.up({ expectNoChanges: true });
  assertSucceeded(second);
  const again = await host.run(`/opt/vpnserver/current/vpnserver install --import ${stateFolder} --json`);
  const { changed, imported } = JSON.parse(again.stdout) as { changed: boolean; imported: unknown };
  assert.equal(changed, false);
  assert.deepEqual(imported, {
    from: `${stateFolder}/vpn_server.config`,
    status: "before",
    formerServices: ["softether-vpnserver.service"],
    notServed: [],
  });
  assert.deepEqual(await fingerprints(host), former);

  assert.match(firewall, /vpnserver_takeover/);

  // The way back, as the page tells it.
  assertSucceeded(await stack.destroy());
  assert.deepEqual(await fingerprints(host), former);
  await host.run("systemctl enable --now softether-vpnserver");
  await one.until("a ping through the official server", () => one.reaches("10.9.0.2", 1));
  await one.until("the rules of the takeover to be gone", async () => {
    return !(await host.run("nft list tables")).stdout.includes("vpnserver_takeover");
  });
});

test("a release that does not become healthy gives the host back to the SoftEther server, whose unit had our name", async () => {
  await using program = await ProgramCopy.create();
  await program.buildMuteRelease();
  await using deployment = await Deployment.create({ program: program.directory });
  const { lab, stack } = deployment;
  const [host, desk, station] = await Promise.all([
    lab.host("bravo"),
    lab.station("desk"),
    lab.station("one"),
  ]);
  const softEther = await SoftEtherHost.start(lab, host, desk, "vpnserver.service");
  const certificateFile = await furnish(softEther);
  const client = await VpnClient.start(station);
  await connectCarefully(client, host, "alice", certificateFile);

  await deployment.configure(entryOf(host, { importFrom: stateFolder, healthTimeoutSeconds: 10 }));
  assertFailed(await stack.up(), /SoftEther VPN Server is as it was before/);

  assert.deepEqual(await serviceState(host, "vpnserver"), ["active", "enabled"]);
  await host.run("! test -e /var/lib/vpnserver && ! test -e /opt/vpnserver");
  await softEther.untilItAnswers();
  assert.match(await softEther.inHub(hub, "UserGet", "alice"), /Alice of the office/);
  await client.untilEstablished();

  // One that cannot be read changes nothing.
  await host.run(`cp ${stateFolder}/vpn_server.config /srv && echo broken >> /srv/vpn_server.config`);
  await deployment.configure(entryOf(host, { importFrom: "/srv", healthTimeoutSeconds: 10 }));
  assertFailed(await stack.up(), /cannot import \/srv\/vpn_server\.config: line \d+/);
  assert.deepEqual(await serviceState(host, "vpnserver"), ["active", "enabled"]);
});

/** Administrator, hub and users as `vpncmd` makes them. Gives the file of the server's certificate. */
async function furnish(softEther: SoftEtherHost): Promise<string> {
  await softEther.setPassword(administratorPassword);
  await softEther.vpncmd("HubCreate", hub, "/PASSWORD:the hub's");
  for (const [name, realName] of [
    ["alice", "Alice of the office"],
    ["bob", "Bob"],
  ] as const) {
    await softEther.inHub(hub, "UserCreate", name, "/GROUP:none", `/REALNAME:${realName}`, "/NOTE:none");
    await softEther.inHub(hub, "UserPasswordSet", name, `/PASSWORD:${password}`);
  }
  await softEther.inHub(hub, "SecureNatEnable");
  await softEther.inHub(hub, "CascadeCreate", "branch", "/SERVER:192.0.2.1:443", "/HUB:B", "/USERNAME:x");
  return softEther.certificateFile();
}

/** A client that takes no other certificate. */
async function connectCarefully(client: VpnClient, host: Host, user: string, certificateFile: string) {
  await client.connect({ server: host.address, hub, user, password, retrySeconds: 5 });
  await client.disconnect();
  await client.command("AccountServerCertSet", "test", `/LOADCERT:.${certificateFile}`);
  await client.command("AccountServerCertEnable", "test");
  await client.connectAccount("test");
}

async function serviceState(host: Host, unit: string): Promise<string[]> {
  const { stdout } = await host.run(`systemctl is-active ${unit}; systemctl is-enabled ${unit}`, {
    check: false,
  });
  return stdout.trim().split("\n");
}

/** Of the former server's files. */
async function fingerprints(host: Host): Promise<string> {
  const { stdout } = await host.run(
    `find ${stateFolder} /usr/libexec/softether /usr/lib/systemd/system/softether-vpnserver.service -type f | sort | xargs sha256sum`,
  );
  return stdout;
}
