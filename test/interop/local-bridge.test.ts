import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startChild } from "../devices/support/child.ts";
import { someBytes } from "../devices/support/some-bytes.ts";
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { hubOf, OurServer, userOf } from "./support/our-server.ts";
import { VpnClient } from "./support/vpn-client.ts";

const addresses = { client: "198.18.7.1", behind: "198.18.7.2", host: "198.18.7.3" } as const;
const bytes = 20_000_000;

describe("a client of a hub with local bridges", () => {
  let lab: Lab;
  let server: OurServer;
  let client: VpnClient;
  let behind: Namespace;
  let scratch: string;

  before(async () => {
    lab = await Lab.create();
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-local-bridge-test-"));
    const [station, one, other] = await Promise.all([
      lab.station("server"),
      lab.station("one"),
      lab.station("behind"),
    ]);
    behind = other;
    server = await OurServer.start(station, lab.directory, [
      hubOf("DEFAULT", [userOf("alice", "secret of alice")]),
    ]);
    await lay();
    client = await VpnClient.start(one);
    await client.connect({ server: server.address, user: "alice", password: "secret of alice" });
    await client.setAddress(`${addresses.client}/24`);
  });
  after(async () => {
    await server?.stop();
    await lab?.dispose();
    await rm(scratch, { recursive: true, force: true });
  });

  /** A cable from the server's host to the one behind it, which is always the same for those who remember its address. */
  async function lay(): Promise<void> {
    const peer = ["peer", "name", "far", "address", "02:00:00:00:0b:01", "netns", behind.name];
    await server.station.run("ip", ["link", "add", "near", "type", "veth", ...peer]);
    await server.station.run("ip", ["link", "set", "near", "up"]);
    await behind.run("ip", ["link", "set", "far", "up"]);
    await behind.run("ip", ["address", "add", `${addresses.behind}/24`, "dev", "far"]);
  }

  const vpncmd = async (...command: string[]) => {
    const how = ["localhost:5555", "/SERVER", "/ADMINHUB:DEFAULT", "/CSV", "/CMD"];
    return (await server.station.run("vpncmd", [...how, ...command])).stdout;
  };

  async function untilListed(line: string): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (let list = ""; !list.split(/\r?\n/).includes(line); list = await vpncmd("BridgeList"))
      assert.ok(performance.now() < deadline, `${line} is not in ${list}`);
  }

  test("reaches a host behind an interface that vpncmd bridges, with every byte right, both ways", async () => {
    assert.match(await vpncmd("BridgeDeviceList"), /^near\r?$/m);
    await vpncmd("BridgeCreate", "DEFAULT", "/DEVICE:near", "/TAP:no");
    await untilListed("1,DEFAULT,near,Operating");
    assert.ok(await client.reaches(addresses.behind));
    assert.equal(await client.ping(addresses.behind, 20), 20);
    await using web = startChild(behind, "byte-server.ts");
    assert.equal(await web.nextLine(), "ready");
    const all = Buffer.concat([...someBytes(bytes)]);
    const expected = createHash("sha256").update(all).digest("hex");
    const url = `http://${addresses.behind}:8080/${bytes}`;
    const down = await client.station.run("sh", ["-c", 'curl -sS --max-time 60 "$0" | sha256sum', url]);
    assert.equal(down.stdout.split(" ")[0], expected);
    const file = join(scratch, "upload");
    await writeFile(file, all);
    const upload = ["-sS", "--max-time", "60", "-H", "Expect:", "-T", file, url];
    assert.equal((await client.station.run("curl", upload)).stdout, expected);
  });

  test("reaches the server's host by a TAP", async () => {
    await vpncmd("BridgeCreate", "DEFAULT", "/DEVICE:Vpn", "/TAP:yes");
    await untilListed("2,DEFAULT,Vpn,Operating");
    await server.station.run("ip", ["address", "add", `${addresses.host}/24`, "dev", "tap_vpn"]);
    assert.match((await server.station.run("ip", ["link", "show", "tap_vpn"])).stdout, / 5e:/);
    assert.ok(await client.reaches(addresses.host));
    assert.equal(await client.ping(addresses.host, 20), 20);
    // So does the host behind the interface.
    const ping = ["-q", "-c", "5", "-i", "0.05", "-W", "5", addresses.host];
    assert.match((await behind.run("ping", ping)).stdout, / 0% packet loss/);
  });

  test("sees them among the sessions, where they cannot be ended", async () => {
    const sessions = await vpncmd("SessionList");
    assert.match(sessions, /^SID-LOCALBRIDGE-\d+,-,Local Session,Local Bridge,Ethernet Bridge,None,/m);
    const [name = ""] = /SID-LOCALBRIDGE-\d+/.exec(sessions) ?? [];
    assert.match(await vpncmd("SessionGet", name), /^Bridge \/ Router Mode,Yes\r?$/m);
    await assert.rejects(vpncmd("SessionDisconnect", name), /82/);
  });

  test("loses them with the interface, and has them again with it", async () => {
    await server.station.run("ip", ["link", "delete", "near"]);
    await untilListed("1,DEFAULT,near,Error");
    assert.equal(await client.ping(addresses.behind, 1, ["-W", "1"]), 0);
    await lay();
    await untilListed("1,DEFAULT,near,Operating");
    assert.ok(await client.reaches(addresses.behind));
  });

  test("and those who are deleted are gone", async () => {
    await vpncmd("BridgeDelete", "DEFAULT", "/DEVICE:near");
    assert.equal(await client.ping(addresses.behind, 1, ["-W", "1"]), 0);
    await vpncmd("BridgeDelete", "default", "/DEVICE:VPN");
    assert.equal((await server.station.run("ip", ["link", "show", "tap_vpn"], { check: false })).code, 1);
  });
});
