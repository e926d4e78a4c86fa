import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { parseIpv4Network } from "../../../server/ethernet/ipv4-network.ts";
import { Forwarding } from "../../../server/host-nat/forwarding.ts";
import { FakeKernel } from "./fake-kernel.ts";

const network = parseIpv4Network("198.18.0.0/20") ?? assert.fail();
const other = parseIpv4Network("198.18.16.0/20") ?? assert.fail();
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
    await forwarding.set([network, other]);
    assert.equal(kernel.forwarding, true);
    assert.match(kernel.table ?? "", /ip saddr 198\.18\.0\.0\/20 oifname != "vpnnat\*" masquerade/);
    assert.match(kernel.table ?? "", /ip saddr 198\.18\.16\.0\/20 oifname != "vpnnat\*" masquerade/);
    assert.equal(await forwarding.putBack(), undefined);
    assert.deepEqual([kernel.forwarding, kernel.table, await files()], [false, undefined, []]);
  });

  test("stays on where it was on", async () => {
    kernel.forwarding = true;
    await forwarding.set([network]);
    assert.doesNotMatch(kernel.table ?? "", /iifname \{/);
    await forwarding.putBack();
    assert.equal(kernel.forwarding, true);
  });

  test("lets nothing pass between interfaces of a host that did not forward", async () => {
    kernel.names = ["lo", "eth0", "wlan0", "vpnnat0", 'a"b'];
    await forwarding.set([network]);
    assert.match(kernel.table ?? "", /iifname \{ "eth0", "wlan0" \} oifname \{ "eth0", "wlan0" \} drop/);
  });

  test("is put back by another run too, as it was before the first", async () => {
    await forwarding.set([network]);
    await create().set([network, other]);
    assert.equal(await create().putBack(), undefined);
    assert.deepEqual([kernel.forwarding, kernel.table], [false, undefined]);
  });

  test("stays on where another program has begun to need it", async () => {
    await forwarding.set([network]);
    kernel.chains = [docker];
    assert.match((await forwarding.putBack()) ?? "", /goes on forwarding.*chain FORWARD of table ip filter/);
    assert.deepEqual([kernel.forwarding, kernel.table, await files()], [true, undefined, []]);
  });

  test("goes back where that program was there before", async () => {
    kernel.chains = [docker];
    await forwarding.set([network]);
    assert.equal(await forwarding.putBack(), undefined);
    assert.equal(kernel.forwarding, false);
  });

  test("is left alone after a boot, which has put it back", async () => {
    await forwarding.set([network]);
    kernel.boot = "second";
    kernel.table = undefined;
    await forwarding.putBack();
    assert.deepEqual([kernel.forwarding, kernel.table, await files()], [true, undefined, []]);
  });

  test("is known by our table where a container tells each process another boot", async () => {
    await forwarding.set([network]);
    kernel.boot = "second";
    await create().set([network, other]);
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
    await forwarding.set([network]);
    assert.match(kernel.table ?? "", /ct count over 16384 drop/);
    assert.match(kernel.table ?? "", /ip saddr ct count over 8192/);
    kernel.tracked = 8_192;
    await forwarding.set([network]);
    assert.match(kernel.table ?? "", /ct count over 2048 drop/);
    assert.match(kernel.table ?? "", /ip saddr ct count over 1024/);
    kernel.tracked = undefined;
    await forwarding.set([network]);
    assert.match(kernel.table ?? "", /ct count over 16384 drop/);
  });

  test("fails with the reason, and nothing is left then", async () => {
    kernel.nft = "missing";
    await assert.rejects(forwarding.set([network]), /no program nft/);
    kernel.nft = "refuses";
    await assert.rejects(forwarding.set([network]), /nft refuses our rules: Error: .*No such file$/);
    kernel.nft = "there";
    kernel.problem = new Error("EROFS: read-only file system");
    await assert.rejects(forwarding.set([network]), /\(ip_forward\) cannot be switched on: EROFS/);
    assert.equal(await forwarding.putBack(), undefined);
    assert.deepEqual([kernel.forwarding, kernel.table, await files()], [false, undefined, []]);
  });

  test("names who drops what is forwarded", async () => {
    assert.equal(await forwarding.suspects(), "");
    await forwarding.set([network]);
    kernel.chains = [docker, { table: "other", name: "fwd", policy: "accept" }];
    assert.equal(await forwarding.suspects(), " (chain FORWARD of table ip filter drops by default)");
    kernel.nft = "missing";
    assert.equal(await forwarding.suspects(), "");
  });
});
