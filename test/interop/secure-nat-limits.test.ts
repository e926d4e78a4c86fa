import assert from "node:assert/strict";
import { appendFileSync, watch } from "node:fs";
import { mkdir, readFile, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createSecureNatSettings } from "../../server/settings/secure-nat-settings.ts";
import { tcpNatLimits } from "../../server/limits.ts";
import { openFileLimit } from "../../server/platform/proc.ts";
import { startChild } from "../devices/support/child.ts";
import { runCommand } from "../lab/command.ts";
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { until } from "../processes/try-server.ts";
import { leaseByDhclient } from "./support/dhclient.ts";
import { hubOf, OurServer, userOf } from "./support/our-server.ts";
import { VpnClient } from "./support/vpn-client.ts";

const router = "192.168.30.1";
const attempts = 10_000;
const diskBytes = 64 * 1024 * 1024;
/** The server's sockets for clients are half of the files that it may open. */
const mostOpen = Math.min(tcpNatLimits.perClient, openFileLimit() / 2);

describe("SecureNAT with a client that wants too much", () => {
  let lab: Lab;
  let server: OurServer;
  let greedy: VpnClient;
  let other: VpnClient;
  let web: Namespace;
  /** A file system of the server's own, which a test can fill. */
  let disk: string;

  before(async () => {
    lab = await Lab.create();
    const [station, one, two, outside] = await Promise.all(
      ["server", "one", "two", "web"].map((name) => lab.station(name)),
    );
    assert.ok(station && one && two && outside);
    web = outside;
    disk = join(lab.directory, "disk");
    await mkdir(disk);
    await runCommand("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "none", disk]);
    const secureNat = { ...createSecureNatSettings(Uint8Array.of(0x5e, 0, 0, 0, 0, 9)), enabled: true };
    const users = [userOf("alice", "secret of alice"), userOf("bob", "secret of bob")];
    server = await OurServer.start(station, disk, [hubOf("DEFAULT", users, { secureNat })]);
    [greedy, other] = await Promise.all([VpnClient.start(one), VpnClient.start(two)]);
    for (const [client, user] of [
      [greedy, "alice"],
      [other, "bob"],
    ] as const) {
      await client.connect({ server: server.address, user, password: `secret of ${user}` });
      await leaseByDhclient(client.station, client.card, lab.directory);
      await client.station.run("ip", ["route", "replace", web.address, "via", router]);
    }
  });
  after(async () => {
    await server?.stop();
    if (disk !== undefined) await runCommand("umount", [disk], { check: false });
    await lab?.dispose();
  });

  const connections = async () => (await server.status()).hubs[0]?.secureNat?.connections ?? Number.NaN;

  /** What another client notices. */
  async function assertServed(): Promise<void> {
    const ping = ["-c", "20", "-i", "0.1", "-W", "5", router];
    const { stdout: pings } = await other.station.run("ping", ping, { check: false });
    assert.match(pings, / 0% packet loss/, pings);
    const url = `http://${web.address}:8080/1000000`;
    const { stdout } = await other.station.run("curl", [
      "-sS",
      "--max-time",
      "20",
      "-o",
      "/dev/null",
      "-w",
      "%{size_download}",
      url,
    ]);
    assert.equal(stdout, "1000000");
  }

  test("of 10,000 connections keeps what may be, refuses the rest at once, and serves the other client", async () => {
    await using pages = startChild(web, "byte-server.ts");
    assert.equal(await pages.nextLine(), "ready");
    await using child = startChild(greedy.station, "many-connections.ts", [web.address, String(attempts)]);
    const opened = JSON.parse((await child.nextLine()) ?? "") as Record<string, number>;
    assert.deepEqual(opened, { open: mostOpen, ECONNREFUSED: attempts - mostOpen });
    assert.equal(await connections(), mostOpen);
    await assertServed();
    await child.end();
    await greedy.until("the connections to be gone", async () => (await connections()) <= 1);
  });

  test("of UDP ports and connections to nobody without end serves the other client", async () => {
    await using pages = startChild(web, "byte-server.ts");
    assert.equal(await pages.nextLine(), "ready");
    await web.run("nft", [
      "add table ip silent; add chain ip silent input { type filter hook input priority 0; }; " +
        "add rule ip silent input tcp dport 8090 drop",
    ]);
    await using child = startChild(greedy.station, "flood.ts", [web.address]);
    assert.equal(await child.nextLine(), "ready");
    await assertServed();
    assert.ok((await connections()) <= tcpNatLimits.connecting + 1);
  });

  test("gives an address although the disk is full, says so, and writes it when there is room", async () => {
    const leases = join(server.stateDirectory, "leases.json");
    const warnings = async () =>
      ((await server.status()) as unknown as { warnings: string[] }).warnings.join();
    const fill = join(disk, "fill");
    // The server itself makes room now and then, which is taken at once.
    const watcher = watch(disk, { recursive: true }, () => fillUp(fill));
    fillUp(fill);
    assert.equal((await statfs(disk)).bavail, 0);
    await other.station.run("ip", ["link", "set", other.card, "address", "5e:00:00:00:77:01"]);
    const lease = await leaseByDhclient(other.station, other.card, lab.directory);
    const address = lease["ip_address"] ?? assert.fail();
    await until("the warning", async () => (await warnings()).includes(`cannot write ${leases}: ENOSPC`));
    watcher.close();
    await rm(fill);
    await until("the lease on the disk", async () => (await readFile(leases, "utf8")).includes(address));
    assert.doesNotMatch(await warnings(), /leases\.json/);
  });
});

/** Takes all the room that there is on the file's disk. */
function fillUp(file: string): void {
  try {
    appendFileSync(file, Buffer.alloc(diskBytes));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
  }
}
