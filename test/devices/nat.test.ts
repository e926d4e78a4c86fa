import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startChild } from "./support/child.ts";
import { NatStations, natRouter as router } from "./support/nat-stations.ts";
import { transferBothWays } from "./support/transfer.ts";

describe("the virtual host of a hub, for the kernel behind a TAP", () => {
  let stations: NatStations;
  before(async () => (stations = await NatStations.create()));
  after(() => stations.dispose());

  /** Both ways by HTTP; the bytes have to be right. */
  async function transfer(bytes: number): Promise<void> {
    await transferBothWays(stations.behind, stations.web, bytes, stations.scratch);
  }

  test("carries TCP to a host outside and back, on one connection and on many", async () => {
    await using web = startChild(stations.web, "byte-server.ts");
    await using nat = await stations.startNat();
    assert.ok(nat);
    assert.equal(await web.nextLine(), "ready");
    await stations.giveAddress();
    await transfer(64_000_000);
    const many = Array.from({ length: 200 }, () => `http://${stations.web.address}:8080/10000`);
    const config = many.map((url) => `url = ${url}\noutput = /dev/null`).join("\n");
    const { stdout } = await stations.behind.run(
      "curl",
      ["-sS", "-Z", "--parallel-max", "50", "--no-keepalive", "-w", "%{http_code}\n", "-K", "-"],
      { input: config },
    );
    assert.deepEqual(stdout.trim().split("\n"), Array<string>(200).fill("200"));
  });

  test("delivers every byte over a link that loses, doubles, delays and corrupts", async () => {
    await using web = startChild(stations.web, "byte-server.ts");
    await using nat = await stations.startNat({ lost: 0.02, doubled: 0.01, delayed: 0.05, corrupted: 0.01 });
    assert.ok(nat);
    assert.equal(await web.nextLine(), "ready");
    await stations.giveAddress();
    await transfer(5_000_000);
  });

  test("answers ping, and refuses what nobody listens to and what is forbidden", async () => {
    const { behind, web } = stations;
    await using nat = await stations.startNat();
    assert.ok(nat);
    await stations.giveAddress();
    assert.match(
      (await behind.run("ping", ["-q", "-c", "5", "-i", "0.05", "-s", "1400", router])).stdout,
      / 0% packet loss/,
    );
    // The metadata service of clouds, which the host reaches and its clients must not.
    const metadata = "169.254.169.254";
    await stations.nat.run("ip", ["address", "add", `${metadata}/32`, "dev", "lo"]);
    await behind.run("ip", ["route", "add", metadata, "via", router]);
    const listener = stations.nat.spawn(process.execPath, ["-e", "require('net').createServer().listen(80)"]);
    await until(async () => (await stations.nat.run("ss", ["-Hltn", "sport = :80"])).stdout.trim() !== "");
    for (const [address, port] of [
      [web.address, 81],
      [metadata, 80],
    ] as const) {
      const script = `exec 3<>/dev/tcp/${address}/${port}`;
      const { stderr } = await behind.run("timeout", ["5", "bash", "-c", script], { check: false });
      assert.match(stderr, /Connection refused/, address);
    }
    listener.kill();
  });

  test("gives an address by DHCP", async () => {
    const { behind, scratch } = stations;
    await using nat = await stations.startNat();
    assert.ok(nat);
    const script = join(scratch, "dhcp-script");
    await writeFile(script, '#!/bin/sh\nenv | grep -E "^(reason|new_)" >>"$LOG"\n', { mode: 0o755 });
    const log = join(scratch, "dhcp-log");
    const files = ["-lf", join(scratch, "leases"), "-pf", join(scratch, "pid")];
    await behind.run("env", [
      `LOG=${log}`,
      "dhclient",
      "-1",
      "-v",
      "-sf",
      script,
      "-e",
      `LOG=${log}`,
      ...files,
      "tap_vpn",
    ]);
    const { stdout } = await behind.run("cat", [log]);
    assert.match(stdout, /^reason=BOUND$/m);
    assert.match(stdout, /^new_ip_address=192\.168\.30\.10$/m);
    assert.match(stdout, /^new_routers=192\.168\.30\.1$/m);
    assert.match(stdout, /^new_dhcp_lease_time=7200$/m);
    const pid = (await behind.run("cat", [join(scratch, "pid")])).stdout.trim();
    await behind.run("kill", [pid]);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error("the condition was not met within 10 s");
  }
}
