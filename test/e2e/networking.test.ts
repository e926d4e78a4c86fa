import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { startChild } from "../devices/support/child.ts";
import { someBytes } from "../devices/support/some-bytes.ts";
import type { Host } from "../lab/host.ts";
import type { Namespace } from "../lab/namespace.ts";
import { assertSucceeded, Deployment, entryOf } from "./support/deployment.ts";
import { ImportedClient } from "./support/imported-client.ts";

const router = "192.168.30.1";
const users = [{ name: "alice", password: "secret" }];
const gigabyte = 1_000_000_000;
/** Through a bad link, which takes the most time of these tests. */
const badLinkBytes = Number(process.env["VPNSERVER_BAD_LINK_BYTES"] ?? 100_000_000);

/** What the server says of who translates for its first hub. */
async function natOf(host: Host): Promise<{ nat: string; natReason?: string; connections: number }> {
  const { stdout } = await host.run("/opt/vpnserver/current/vpnserver status --json");
  const { hubs } = JSON.parse(stdout) as { hubs: { secureNat: Awaited<ReturnType<typeof natOf>> }[] };
  return hubs[0]?.secureNat ?? assert.fail("there is no SecureNAT");
}

/** A third host that has pages and is a name server, by way of which others get to the Internet. */
async function outsideOf({ lab }: Deployment, ...hosts: readonly Host[]) {
  const web = await lab.station("web");
  const [pages, names] = [
    startChild(web, "byte-server.ts"),
    startChild(web, "name-server.ts", [web.address]),
  ];
  assert.deepEqual([await pages.nextLine(), await names.nextLine()], ["ready", "ready"]);
  for (const host of hosts) {
    await host.run(`echo nameserver ${web.address} >/etc/resolv.conf`);
    await host.run(`ip route replace default via ${web.address}`);
  }
  return {
    web,
    [Symbol.asyncDispose]: async () => {
      await pages.end();
      await names.end();
    },
  };
}

/** Connects by the `.vpn` file alone; the way to `web` leads through the VPN then. */
async function connect(deployment: Deployment, client: ImportedClient, host: Host, web: Namespace) {
  await client.import(await deployment.vpnFile(host.name, "DEFAULT", "alice"));
  await client.connect(`alice@${host.address}/DEFAULT`);
  const lease = await client.lease();
  assert.equal(lease["routers"], router);
  assert.equal(lease["domain_name_servers"], router);
  await client.station.run("ip", ["route", "replace", web.address, "via", router]);
}

/** The SHA-256 of a page of so many bytes, whose host is found by its name. */
async function fetchPage({ station }: ImportedClient, bytes: number): Promise<string> {
  const lookUp = `const { Resolver } = require("node:dns/promises");
    const resolver = new Resolver(); resolver.setServers(["${router}"]);
    resolver.resolve4("web.lab.example").then(([address]) => console.log(address));`;
  const address = (await station.run(process.execPath, ["-e", lookUp])).stdout.trim();
  const url = `http://web.lab.example:8080/${bytes}`;
  const script = 'curl -sS --max-time 800 --resolve "web.lab.example:8080:$1" "$0" | sha256sum';
  return (await station.run("sh", ["-c", script, url, address])).stdout.split(" ")[0] ?? "";
}

function hashOf(bytes: number): string {
  const hash = createHash("sha256");
  for (const each of someBytes(bytes)) hash.update(each);
  return hash.digest("hex");
}

test("a .vpn file leads to a web page: address, name and a gigabyte, by the kernel in service mode, by sockets in user mode", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [alpha, bravo, one] = await Promise.all([
    lab.host("alpha"),
    lab.host("bravo", { users: [{ name: "carol", sudo: "none" }] }),
    ImportedClient.start(lab, "one"),
  ]);
  await using outside = await outsideOf(deployment, alpha, bravo);
  await deployment.configure(entryOf(alpha), entryOf(bravo, { user: "carol" }));
  await deployment.configureHubs({ name: "DEFAULT", users });

  assertSucceeded(await stack.up());

  const expected = hashOf(gigabyte);
  assert.deepEqual((await natOf(alpha)).nat, "kernel");
  for (const host of [alpha, bravo]) {
    await connect(deployment, one, host, outside.web);
    assert.equal(await fetchPage(one, gigabyte), expected, `by way of ${host.name}`);
    // What the kernel follows counts for a while after its end.
    if (host === alpha) assert.notEqual((await natOf(alpha)).connections, 0);
    await one.disconnect(`alice@${host.address}/DEFAULT`);
    await one.station.run("ip", ["address", "flush", "dev", one.client.card]);
  }

  assertSucceeded(await stack.destroy());
  assert.equal((await alpha.run("cat /proc/sys/net/ipv4/ip_forward")).stdout.trim(), "0");
  assert.doesNotMatch((await alpha.run("nft list ruleset; ip link")).stdout, /vpnserver_nat|vpnnat/);
});

test("a firewall that drops what is forwarded leaves NAT to the server, which says so, also when it comes later", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [alpha, bravo, one] = await Promise.all([
    lab.host("alpha", { firewall: "nftables" }),
    lab.host("bravo"),
    ImportedClient.start(lab, "one"),
  ]);
  await using outside = await outsideOf(deployment, alpha, bravo);
  await deployment.configure(entryOf(alpha), entryOf(bravo));
  await deployment.configureHubs({ name: "DEFAULT", users });

  const up = await stack.up();
  assertSucceeded(up);

  assert.match(
    up.stdout,
    /alpha: hub DEFAULT: the server translates addresses itself, since the host's kernel cannot: the host's firewall drops what it is to forward \(chain forward of table inet filter drops by default\)/,
  );
  assert.equal((await natOf(alpha)).nat, "user");
  await connect(deployment, one, alpha, outside.web);
  assert.equal(await fetchPage(one, 1_000_000), hashOf(1_000_000));
  await one.disconnect(`alice@${alpha.address}/DEFAULT`);
  await one.station.run("ip", ["address", "flush", "dev", one.client.card]);

  assert.equal((await natOf(bravo)).nat, "kernel");
  await connect(deployment, one, bravo, outside.web);
  assert.equal(await fetchPage(one, 1_000_000), hashOf(1_000_000));
  await bravo.run("ufw allow OpenSSH && ufw allow 443,5555/tcp && ufw --force enable");
  await one.client.until("the server to translate", async () => (await natOf(bravo)).nat === "user");
  assert.equal(await fetchPage(one, 1_000_000), hashOf(1_000_000));
});

test("every byte comes right over a bad link too, by the kernel and by sockets", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [alpha, one] = await Promise.all([lab.host("alpha"), ImportedClient.start(lab, "one")]);
  await using outside = await outsideOf(deployment, alpha);
  await using wire = await putBehindBadWire(deployment, one.station);
  assert.ok(wire);
  await deployment.configure(entryOf(alpha));
  const expected = hashOf(badLinkBytes);
  for (const nat of ["kernel", "user"]) {
    await deployment.configureHubs({ name: "DEFAULT", users, secureNat: { nat } });
    assertSucceeded(await stack.up());
    assert.equal((await natOf(alpha)).nat, nat);
    await connect(deployment, one, alpha, outside.web);
    assert.equal(await fetchPage(one, badLinkBytes), expected, nat);
    await one.disconnect(`alice@${alpha.address}/DEFAULT`);
    await one.client.command("AccountDelete", `alice@${alpha.address}/DEFAULT`);
    await one.station.run("ip", ["address", "flush", "dev", one.client.card]);
  }
});

/** From now on a station is in the lab's network by a wire that loses, doubles and reorders. */
async function putBehindBadWire({ lab }: Deployment, station: Namespace) {
  const middle = await lab.station("middle");
  const run = (...words: readonly string[]) => station.run("ip", words);
  await run("link", "add", "wire", "type", "veth", "peer", "name", "near", "netns", middle.name);
  await middle.run("ip", ["link", "set", "near", "up"]);
  await run("link", "set", "eth0", "down");
  await run("address", "flush", "dev", "eth0");
  await run("address", "add", `${station.address}/24`, "dev", "wire");
  await run("link", "set", "wire", "up");
  const link = { lost: 0.005, doubled: 0.005, delayed: 0.02, corrupted: 0.001 };
  const wire = startChild(middle, "bad-wire.ts", ["near", "eth0", JSON.stringify(link)]);
  assert.equal(await wire.nextLine(), "ready");
  return wire;
}

test("a local bridge makes a client part of the LAN behind its server", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [alpha, lan, one] = await Promise.all([
    lab.host("alpha"),
    lab.station("lan"),
    ImportedClient.start(lab, "one", "10.20.0.2/24"),
  ]);
  await alpha.cable("eth1", lan, "lan0");
  await lan.run("ip", ["address", "add", "10.20.0.1/24", "dev", "lan0"]);
  await deployment.configure(entryOf(alpha));
  await deployment.configureHubs({ name: "LAN", users, localBridges: [{ device: "eth1" }] });

  const up = await stack.up();
  assertSucceeded(up);
  assert.match(up.stdout, /the local bridge of hub LAN with eth1 does not work: eth1 is down/);

  await alpha.run("ip link set eth1 up");
  const account = `alice@${alpha.address}/LAN`;
  await one.import(await deployment.vpnFile("alpha", "LAN", "alice"));
  await one.connect(account);
  await one.client.until("the LAN to be there", () => one.client.reaches("10.20.0.1"));
  assert.match((await lan.run("ping", ["-c", "5", "-i", "0.2", "10.20.0.2"])).stdout, / 0% packet loss/);
  const again = await stack.up();
  assertSucceeded(again);
  assert.doesNotMatch(again.stdout, /does not work/);
});
