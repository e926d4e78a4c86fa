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
    assert.match(kernel.table ?? "", /ip saddr 198\.18\.0\.0\/20 oifname != "vpnnat\*" masquerade/);
    assert.match(kernel.table ?? "", /ip saddr 198\.18\.16\.0\/20 oifname != "vpnnat\*" masquerade/);
    assert.equal(await forwarding.putBack(), undefined);
    assert.deepEqual([kernel.forwarding, kernel.table, await files()], [false, undefined, []]);
  });

  test("stays on where it was on", async () => {
    kernel.forwarding = true;
    await forwarding.set([hub]);
    assert.doesNotMatch(kernel.table ?? "", /iifname \{/);
    await forwarding.putBack();
    assert.equal(kernel.forwarding, true);
  });

  test("lets nothing pass between interfaces of a host that did not forward", async () => {
    kernel.names = ["lo", "eth0", "wlan0", "vpnnat0", 'a"b'];
    await forwarding.set([hub]);
    assert.match(kernel.table ?? "", /iifname \{ "eth0", "wlan0" \} oifname \{ "eth0", "wlan0" \} drop/);
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
    assert.match(kernel.table ?? "", /ct count over 16384 goto refuse0/);
    assert.match(kernel.table ?? "", /ip saddr ct count over 8192/);
    kernel.tracked = 8_192;
    await forwarding.set([hub]);
    assert.match(kernel.table ?? "", /ct count over 2048 goto refuse0/);
    assert.match(kernel.table ?? "", /ip saddr ct count over 1024/);
    kernel.tracked = undefined;
    await forwarding.set([hub]);
    assert.match(kernel.table ?? "", /ct count over 16384 goto refuse0/);
  });

  test("holds clients to what their hub allows, each protocol by itself", async () => {
    const bounded = hubOf("198.18.16.0/20", { tcp: 5, udp: 0, ping: 7 });
    await forwarding.set([hub, bounded]);
    const rules = (kernel.table ?? "")
      .split("\n")
      .filter((line) => line.includes("meta l4proto") && line.includes("count"));
    const begins = "ip saddr 198.18.16.0/20 ct state new meta l4proto";
    assert.deepEqual(rules, [
      `${begins} tcp add @tcp1 { ip saddr ct count over 5 } goto refuse1`,
      `${begins} icmp add @icmp1 { ip saddr ct count over 7 } goto refuse1`,
    ]);
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
