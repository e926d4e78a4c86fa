import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Lab } from "../lab/lab.ts";
import { hubOf, userOf, type OurServer } from "./support/our-server.ts";
import { aliceAddress, bobAddress, startTwoClients } from "./support/two-clients.ts";
import type { AccountOptions, VpnClient } from "./support/vpn-client.ts";

let lab: Lab;
let server: OurServer;
let alice: VpnClient;
let bob: VpnClient;

before(async () => {
  lab = await Lab.create();
  ({ server, alice, bob } = await startTwoClients(lab, [
    hubOf("DEFAULT", [
      userOf("alice", "secret of alice"),
      userOf("bob", "secret of bob"),
      userOf("hasty", "secret of hasty", { TimeOut: 5 }),
    ]),
  ]));
  await bob.connect({ server: server.address, user: "bob", password: "secret of bob" });
});
after(() => lab?.dispose());

const login = (more: Partial<AccountOptions> = {}): AccountOptions => ({
  server: server.address,
  user: "alice",
  password: "secret of alice",
  ...more,
});

/** Pings, small and of full size, and a megabyte by TCP, from alice to bob and back. */
async function passesTraffic(): Promise<void> {
  assert.ok(await alice.reaches(bobAddress), "bob does not answer");
  assert.equal(await alice.ping(bobAddress, 20), 20);
  assert.equal(await bob.ping(aliceAddress, 20, ["-s", "1472", "-M", "do"]), 20);
  const listening = bob.station.spawn("iperf3", ["-s", "-1", "-J"], { stdio: "ignore" });
  const ended = new Promise((resolve) => listening.once("exit", resolve));
  for (const direction of [[], ["-R"]]) {
    await bob.until("iperf3 to listen", async () => {
      const { stdout } = await bob.station.run("ss", ["-Hltn", "sport = :5201"]);
      return stdout.trim() !== "";
    });
    const { stdout } = await alice.station.run("iperf3", ["-c", bobAddress, "-n", "32M", "-J", ...direction]);
    const result = JSON.parse(stdout) as { end: { sum_received: { bytes: number } } };
    // Measured a moment before the last of the 32 MiB has come in.
    assert.ok(result.end.sum_received.bytes > 16 * 1024 * 1024);
    if (direction.length > 0) break;
    await ended;
    bob.station.spawn("iperf3", ["-s", "-1", "-J"], { stdio: "ignore" });
  }
}

describe("a session of vpnclient", () => {
  test("is encrypted by TLS, and declines UDP acceleration, compression and more connections by default", async () => {
    await alice.connect(login({ udpAcceleration: true }));
    await passesTraffic();
    const status = await alice.status();
    assert.match(status.get("Encryption") ?? "", /^Enabled \(Algorithm: TLS_/);
    assert.equal(status.get("Use of Compression"), "No (No Compression)");
    assert.equal(status.get("UDP Acceleration is Supported"), "No");
    assert.equal(status.get("Half Duplex TCP Connection Mode"), "No (Full Duplex Mode)");
    assert.equal(status.get("VoIP / QoS Function"), "Disabled");
    assert.equal(status.get("Number of TCP Connections"), "1");
    assert.equal(status.get("Bridge / Router Mode"), "No");
    assert.match(status.get("Session Name") ?? "", /^SID-ALICE-\d+$/);
  });

  test("goes on in clear at the client's wish", async () => {
    await alice.connect(login({ encrypt: false }));
    await passesTraffic();
    assert.equal((await alice.status()).get("Encryption"), "Disabled (No Encryption)");
  });

  test("is compressed at the client's wish", async () => {
    await alice.connect(login({ compress: true }));
    await passesTraffic();
    assert.match((await alice.status()).get("Use of Compression") ?? "", /^Yes/);
  });

  test("is compressed and in clear on four connections", async () => {
    await alice.connect(login({ compress: true, encrypt: false, connections: 4 }));
    await hasConnections(4);
    await passesTraffic();
  });

  test("spreads over eight connections", async () => {
    await alice.connect(login({ connections: 8 }));
    await hasConnections(8);
    await passesTraffic();
    assert.equal((await alice.status()).get("Number of TCP Connections"), "8");
  });

  test("spreads over 32 connections", async () => {
    await alice.connect(login({ connections: 32 }));
    await hasConnections(32);
    await passesTraffic();
  });

  test("uses each connection one way with half duplex", async () => {
    await alice.connect(login({ halfDuplex: true, connections: 4 }));
    await hasConnections(4);
    await passesTraffic();
    assert.equal((await alice.status()).get("Half Duplex TCP Connection Mode"), "Yes (Half Duplex Mode)");
  });

  test("has a second connection for frames of priority with the VoIP / QoS function", async () => {
    await alice.connect(login({ qos: true, connections: 1 }));
    await hasConnections(2);
    await passesTraffic();
    assert.equal(await alice.ping(bobAddress, 20, ["-Q", "0xb8"]), 20);
    assert.equal((await alice.status()).get("VoIP / QoS Function"), "Enabled");
  });

  // In clear: Debian's client does not get over the loss of an encrypted connection, see docs/reference/protocol.md.
  for (const connections of [1, 4]) {
    test(`survives the loss of ${connections === 1 ? "its only connection" : "all its connections"}`, async () => {
      await alice.connect(login({ encrypt: false, connections }));
      await hasConnections(connections);
      const before = await sessionOf(alice);
      await alice.station.run("ss", ["-K", "dport = :5555"], { check: false });
      await hasConnections(connections);
      assert.ok(await alice.reaches(bobAddress));
      assert.deepEqual(await sessionOf(alice), before);
    });
  }

  test("renews its connections as often as the client likes", async () => {
    await alice.connect(login({ connections: 2, connectionSeconds: 3 }));
    const before = await sessionOf(alice);
    const ports = async () => {
      const { stdout } = await alice.station.run("ss", ["-Htn", "state", "established", "dport = :5555"]);
      return new Set([...stdout.matchAll(/:(\d+)\s+\S+:5555/g)].map(([, port]) => port));
    };
    const first = await ports();
    await alice.until("all connections to be others", async () => {
      const now = await ports();
      return now.size > 0 && [...now].every((port) => !first.has(port));
    });
    assert.deepEqual(await sessionOf(alice), before);
    assert.ok(await alice.reaches(bobAddress));
  });

  test("lives on without traffic for many time-outs", async () => {
    await alice.connect(login({ user: "hasty", password: "secret of hasty" }));
    await alice.station.run("ip", ["link", "set", alice.card, "down"]);
    const before = await sessionOf(alice);
    const failures = (await alice.failures()).length;
    await delay(17_000);
    assert.deepEqual(await sessionOf(alice), before);
    assert.equal((await alice.failures()).length, failures);
    await alice.setAddress(`${aliceAddress}/24`);
    assert.ok(await alice.reaches(bobAddress));
  });

  test("is made anew when the server was restarted", async () => {
    await alice.connect(login());
    const before = await sessionOf(alice);
    await server.stop();
    await server.begin();
    for (const client of [alice, bob]) {
      await client.until("another session", async () => {
        const { name, key } = await sessionOf(client);
        return (
          name !== "" &&
          key !== before.key &&
          (await client.status()).get("Number of TCP Connections") === "1"
        );
      });
    }
    await passesTraffic();
  });
});

async function hasConnections(count: number): Promise<void> {
  await alice.until(`${count} connections`, async () => {
    return (await alice.status()).get("Number of TCP Connections") === String(count);
  });
}

async function sessionOf(client: VpnClient): Promise<{ name: string; key: string }> {
  const status = await client.status();
  return { name: status.get("Session Name") ?? "", key: status.get("Session Key (160 bit)") ?? "" };
}
