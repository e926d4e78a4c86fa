import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { parseIpv4Network } from "../../../server/ethernet/ipv4-network.ts";
import { Forwarding } from "../../../server/host-nat/forwarding.ts";
import { parseRefused } from "../../../server/host-nat/nat-table.ts";
import { FakeKernel } from "./fake-kernel.ts";

const hubOf = (network: string, perClient = { tcp: 0, udp: 0, ping: 0 }) => ({
  network: parseIpv4Network(network) ?? assert.fail(),
  perClient,
});
const hub = hubOf("198.18.0.0/20");
const other = hubOf("198.18.16.0/20");
const docker = { table: "filter", name: "FORWARD", policy: "drop" } as const;

describe("the forwarding of a host", () => {
  let directory: string;
  let kernel: FakeKernel;
  let forwarding: Forwarding;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "vpnserver-forwarding-test-"));
    kernel = new FakeKernel();
    forwarding = create();
  });
  afterEach(() => rm(directory, { recursive: true }));

  const create = () =>
    new Forwarding({ run: kernel.run, kernel, recordFile: join(directory, "forwarding.json") });
  const files = () => readdir(directory);

  test("is switched on with a table of our own, and both are gone afterwards", async () => {
    await forwarding.set([hub, other]);
    assert.equal(kernel.forwarding, true);
    const table = kernel.table ?? "";
    assert.match(table, /ip saddr & 255\.255\.240\.0 @networks oifname != "vpnnat\*" masquerade/);
    assert.match(table, /add element ip vpnserver_nat_\w+ networks \{ 198\.18\.0\.0, 198\.18\.16\.0 \}/);
    assert.equal(await forwarding.putBack(), undefined);
    assert.deepEqual([kernel.forwarding, kernel.table, await files()], [false, undefined, []]);
  });

  test("stays on where it was on", async () => {
    kernel.forwarding = true;
    await forwarding.set([hub]);
    assert.doesNotMatch(kernel.table ?? "", /apart/);
    kernel.names.push("usb0");
    for (let look = 0; look < 3; look++) await forwarding.setNewcomersApart([hub]);
    assert.deepEqual(kernel.changes, []);
    await forwarding.putBack();
    assert.equal(kernel.forwarding, true);
  });

  test("lets nothing pass between interfaces of a host that did not forward", async () => {
    kernel.names = ["lo", "eth0", "wlan0", "vpnnat0", 'a"b'];
    await forwarding.set([hub]);
    assert.match(kernel.table ?? "", /iifname @apart oifname @apart drop/);
    assert.match(kernel.table ?? "", /add element ip \w+ apart \{ "eth0", "wlan0" \}/);
  });

  test("lets nothing pass to an interface that comes later, and counts on for the hubs", async () => {
    await forwarding.set([hub]);
    const made = kernel.table;
    kernel.names = ["lo", "eth0", "eth1", "vpnnat0", "usb0"];
    await forwarding.setNewcomersApart([hub]);
    assert.deepEqual(kernel.changes, [], "its owner's rules may come in a moment");
    await forwarding.setNewcomersApart([hub]);
    assert.match(kernel.changes.join("\n"), /^add element ip \w+ apart \{ "usb0" \}\n$/);
    await forwarding.setNewcomersApart([hub]);
    assert.deepEqual([kernel.changes.length, kernel.table], [1, made]);
    // Another run knows it too, whatever is there by then.
    kernel.names = ["lo", "eth0"];
    kernel.chains = [docker];
    await create().set([hub]);
    assert.match(kernel.table ?? "", /add element ip \w+ apart \{ "eth0", "eth1", "usb0" \}/);
  });

  test("leaves an interface alone that comes with somebody else's rules", async () => {
    await forwarding.set([hub]);
    kernel.names.push("docker0");
    await forwarding.setNewcomersApart([hub]);
    kernel.chains = [docker];
    await forwarding.setNewcomersApart([hub]);
    kernel.chains = [];
    for (let look = 0; look < 3; look++) await forwarding.setNewcomersApart([hub]);
    assert.deepEqual(kernel.changes, []);
    kernel.names.push("br-1");
    kernel.legacy = ["filter"];
    for (let look = 0; look < 3; look++) await forwarding.setNewcomersApart([hub]);
    assert.deepEqual(kernel.changes, []);
  });

  test("is put back by another run too, as it was before the first", async () => {
    await forwarding.set([hub]);
    await create().set([hub, other]);
    assert.equal(await create().putBack(), undefined);
    assert.deepEqual([kernel.forwarding, kernel.table], [false, undefined]);
  });

  test("stays on where another program has begun to need it", async () => {
    await forwarding.set([hub]);
    kernel.chains = [docker];
    assert.match((await forwarding.putBack()) ?? "", /goes on forwarding.*chain FORWARD of table ip filter/);
    assert.deepEqual([kernel.forwarding, kernel.table, await files()], [true, undefined, []]);
  });

  test("goes back where that program was there before", async () => {
    kernel.chains = [docker];
    await forwarding.set([hub]);
    assert.equal(await forwarding.putBack(), undefined);
    assert.equal(kernel.forwarding, false);
  });

  test("is left alone after a boot, which has put it back", async () => {
    await forwarding.set([hub]);
    kernel.boot = "second";
    kernel.table = undefined;
    await forwarding.putBack();
    assert.deepEqual([kernel.forwarding, kernel.table, await files()], [true, undefined, []]);
  });

  test("is known by our table where a container tells each process another boot", async () => {
    await forwarding.set([hub]);
    kernel.boot = "second";
    await create().set([hub, other]);
    assert.equal(await create().putBack(), undefined);
    assert.deepEqual([kernel.forwarding, kernel.table], [false, undefined]);
  });

  test("is not touched where nothing was set", async () => {
    kernel.nft = "missing";
    assert.equal(await forwarding.putBack(), undefined);
    await writeFile(join(directory, "forwarding.json"), "damaged");
    assert.equal(await forwarding.putBack(), undefined);
  });

  test("bounds connections by what the kernel can follow", async () => {
    await forwarding.set([hub]);
    assert.match(kernel.table ?? "", /ct count over 16384 goto refuse_198_18_0_0/);
    assert.match(kernel.table ?? "", /ip saddr ct count over 8192/);
    kernel.tracked = 8_192;
    await forwarding.set([hub]);
    assert.match(kernel.table ?? "", /ct count over 2048 goto refuse_198_18_0_0/);
    assert.match(kernel.table ?? "", /ip saddr ct count over 1024/);
    kernel.tracked = undefined;
    await forwarding.set([hub]);
    assert.match(kernel.table ?? "", /ct count over 16384 goto refuse_198_18_0_0/);
  });

  test("holds clients to what their hub allows, each protocol by itself", async () => {
    const bounded = hubOf("198.18.16.0/20", { tcp: 5, udp: 0, ping: 7 });
    await forwarding.set([hub, bounded]);
    const rules = (kernel.table ?? "")
      .split("\n")
      .filter((line) => line.includes("meta l4proto") && line.includes("count"));
    assert.deepEqual(rules, [
      "meta l4proto tcp add @tcp_198_18_16_0 { ip saddr ct count over 5 } goto refuse_198_18_16_0",
      "meta l4proto icmp add @icmp_198_18_16_0 { ip saddr ct count over 7 } goto refuse_198_18_16_0",
    ]);
  });

  test("changes only what differs, and one call of nft does it", async () => {
    const anews: string[] = [];
    const set = async (...hubs: readonly (typeof hub)[]) => {
      kernel.changes.length = 0;
      await forwarding.set(hubs, { beforeAnew: () => Promise.resolve(void anews.push("anew")) });
      return kernel.changes.join("").replaceAll(/vpnserver_nat_\w+/g, "T");
    };
    await set(hub);
    const made = kernel.table;
    const added = await set(hub, other);
    assert.match(added, /^table ip T \{\ncounter refused_198_18_16_0 \{\}/);
    assert.match(added, /add element ip T hubs \{ 198\.18\.16\.0 : jump hub_198_18_16_0 \}/);
    assert.doesNotMatch(added, /198_18_0_0|delete/);
    const removed = await set(other);
    assert.match(removed, /^delete element ip T hubs \{ 198\.18\.0\.0 : jump hub_198_18_0_0 \}/);
    assert.doesNotMatch(removed, /198_18_16_0|add/);
    assert.equal(await set(other), "");
    assert.deepEqual([kernel.table, kernel.changes.length, anews.length], [made, 0, 0]);
    // Another bound for a network that was there.
    await set(hubOf("198.18.16.0/20", { tcp: 5, udp: 0, ping: 0 }));
    kernel.tracked = 8_192;
    await set(other);
    assert.equal(anews.length, 2);
  });

  test("makes the table anew where it is not as it was left, or somebody may have undone it", async () => {
    await forwarding.set([hub]);
    kernel.table = undefined;
    await forwarding.set([hub, other]);
    assert.match(kernel.table ?? "", /hub_198_18_16_0/);
    const first = kernel.table;
    kernel.table = "somebody's";
    await forwarding.set([hub, other], { anew: true });
    assert.equal(kernel.table, first);
    // A table that could not be made is not taken for one that is there.
    kernel.nft = "refuses";
    await assert.rejects(forwarding.set([hub]), /nft refuses/);
    kernel.nft = "there";
    kernel.changes.length = 0;
    await forwarding.set([hub]);
    assert.deepEqual(kernel.changes, []);
    await forwarding.putBack();
    await forwarding.set([hub]);
    assert.match(kernel.table ?? "", /hub_198_18_0_0/);
  });

  test("tells what was turned away, hub by hub", async () => {
    await forwarding.set([hub, other]);
    kernel.counters = { refused_198_18_16_0: 12, somebody: 3 };
    const networks = [hub.network, other.network];
    const counts = async () => [...(await forwarding.refused(networks)).values()];
    assert.deepEqual(await counts(), [0, 12]);
    kernel.nft = "missing";
    assert.deepEqual(await counts(), [0, 0]);
    assert.deepEqual([...parseRefused("no JSON", networks).values()], [0, 0]);
  });

  test("fails with the reason, and nothing is left then", async () => {
    kernel.nft = "missing";
    await assert.rejects(forwarding.set([hub]), /no program nft/);
    kernel.nft = "refuses";
    await assert.rejects(forwarding.set([hub]), /nft refuses our rules: Error: .*No such file$/);
    kernel.nft = "there";
    kernel.problem = new Error("EROFS: read-only file system");
    await assert.rejects(forwarding.set([hub]), /\(ip_forward\) cannot be switched on: EROFS/);
    assert.equal(await forwarding.putBack(), undefined);
    assert.deepEqual([kernel.forwarding, kernel.table, await files()], [false, undefined, []]);
  });

  test("names who drops what is forwarded", async () => {
    assert.equal(await forwarding.suspects(), "");
    await forwarding.set([hub]);
    kernel.chains = [docker, { table: "other", name: "fwd", policy: "accept" }];
    assert.equal(await forwarding.suspects(), " (chain FORWARD of table ip filter drops by default)");
    kernel.nft = "missing";
    assert.equal(await forwarding.suspects(), "");
  });
});
