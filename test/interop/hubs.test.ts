import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { Lab } from "../lab/lab.ts";
import type { OurServer } from "./support/our-server.ts";
import { bobAddress, startTwoClients } from "./support/two-clients.ts";
import type { VpnClient } from "./support/vpn-client.ts";

let lab: Lab;
let server: OurServer;
let alice: VpnClient;
let bob: VpnClient;

before(async () => {
  lab = await Lab.create();
  ({ server, alice, bob } = await startTwoClients(lab, []));
});
after(() => lab?.dispose());

/** The hub of the tests, with the policies of its two users. */
function hub(more: object = {}, alicePolicy: object = {}, bobPolicy: object = alicePolicy) {
  return {
    hubs: [
      {
        name: "OFFICE",
        users: [
          { name: "alice", password: "x", policy: alicePolicy },
          { name: "bob", password: "x", policy: bobPolicy },
        ],
        ...more,
      },
    ],
  };
}

async function connectBoth(aliceHub = "OFFICE", bobHub = "OFFICE"): Promise<void> {
  const server1 = { server: server.address, password: "x" };
  await Promise.all([
    alice.connect({ ...server1, user: "alice", hub: aliceHub }),
    bob.connect({ ...server1, user: "bob", hub: bobHub }),
  ]);
}

beforeEach(async () => {
  for (const client of [alice, bob]) await client.station.run("ip", ["neigh", "flush", "dev", client.card]);
});

describe("a Virtual Hub", () => {
  test("shows its frames to nobody in another hub", async () => {
    const users = hub().hubs[0]?.users;
    await server.apply({
      hubs: [
        { name: "OFFICE", users },
        { name: "LAB", users },
      ],
    });
    await connectBoth("OFFICE", "LAB");
    assert.equal(await alice.reaches(bobAddress, 3), false);
    await connectBoth("LAB", "LAB");
    assert.ok(await alice.reaches(bobAddress));
  });

  test("ends the sessions of a user whose password is changed, and no other", async () => {
    await server.apply(hub());
    await connectBoth();
    const before = (await bob.status()).get("Session Key (160 bit)");
    const failures = (await alice.failures()).length;
    const changed = hub();
    Object.assign(changed.hubs[0]?.users[0] ?? {}, { password: "another" });
    const { endedSessions } = await server.apply(changed);
    assert.ok(endedSessions.length > 0);
    // A session that its client left a moment ago may still be among them.
    assert.ok(endedSessions.every((name) => name.startsWith("SID-ALICE-")));
    await alice.until("alice to be told", async () => (await alice.failures()).slice(failures).includes(9));
    assert.equal((await bob.status()).get("Session Key (160 bit)"), before);
    await server.apply(hub());
    await alice.untilEstablished();
  });

  test("lets nobody in while it is offline, and everybody when it is online again", async () => {
    await server.apply(hub());
    await connectBoth();
    const failures = (await alice.failures()).length;
    await server.apply(hub({ online: false }));
    await alice.until("alice to be out", async () => (await alice.failures()).length > failures);
    assert.equal(
      await alice.failure({ server: server.address, hub: "OFFICE", user: "alice", password: "x" }),
      10,
    );
    await server.apply(hub({ online: true }));
    await connectBoth();
    assert.ok(await alice.reaches(bobAddress));
  });

  test("changes nothing, and cuts no session, when the same is applied again", async () => {
    await server.apply(hub());
    await connectBoth();
    const { changed, endedSessions } = await server.apply(hub());
    assert.deepEqual([changed, endedSessions], [false, []]);
  });

  test("discards what its access list says, from the moment on at which it is applied", async () => {
    await server.apply(hub());
    await connectBoth();
    assert.ok(await alice.reaches(bobAddress));
    await server.apply(hub({ accessList: [{ action: "discard", protocol: "icmp", sourceUser: "alice" }] }));
    assert.equal(await alice.reaches(bobAddress, 3), false);
    const { stdout } = await alice.station.run("ip", ["neigh", "show", "to", bobAddress]);
    assert.match(stdout, /lladdr/, "ARP still passes");
    await server.apply(hub());
    assert.ok(await alice.reaches(bobAddress));
  });

  test("separates users with the policy PrivacyFilter", async () => {
    await server.apply(hub({}, { PrivacyFilter: true }));
    await connectBoth();
    assert.equal(await alice.reaches(bobAddress, 3), false);
    await server.apply(hub({}, { PrivacyFilter: true }, {}));
    await connectBoth();
    assert.ok(await alice.reaches(bobAddress));
  });

  test("holds a user to the rate of its policy", async () => {
    const bitsPerSecond = 5_000_000;
    await server.apply(hub({}, { MaxUpload: bitsPerSecond }, {}));
    await connectBoth();
    assert.ok(await alice.reaches(bobAddress));
    bob.station.spawn("iperf3", ["-s", "-1"], { stdio: "ignore" });
    await bob.until("iperf3 to listen", async () => {
      return (await bob.station.run("ss", ["-Hltn", "sport = :5201"])).stdout.trim() !== "";
    });
    const begunAt = performance.now();
    const { stdout } = await alice.station.run("iperf3", [
      "-c",
      bobAddress,
      "-u",
      "-b",
      "30M",
      "-t",
      "4",
      "-J",
    ]);
    const { sum } = (JSON.parse(stdout) as { end: { sum: { bytes: number; lost_percent: number } } }).end;
    // On a busy machine frames that wait in the client come after the 4 seconds, and count as well.
    const seconds = (performance.now() - begunAt) / 1000;
    const received = ((sum.bytes * 8) / seconds) * (1 - sum.lost_percent / 100);
    assert.ok(received < bitsPerSecond * 1.5, `${received} bits per second`);
    assert.ok(received > bitsPerSecond * 0.4, `${received} bits per second`);
  });

  test("ends a session after the time of its policy, and tells the client why", async () => {
    await server.apply(hub({}, { AutoDisconnect: 3 }, {}));
    await connectBoth();
    await alice.until("the end of the session", async () => (await alice.failures()).includes(126));
  });

  test("writes logins to its security log, and TCP connections to its packet log", async () => {
    await server.apply(hub());
    await connectBoth();
    assert.ok(await alice.reaches(bobAddress));
    await alice.station.run("bash", ["-c", `exec 3<>/dev/tcp/${bobAddress}/4242`], { check: false });
    const log = async (kind: string) => {
      const folder = join(server.stateDirectory, "log", kind, "OFFICE");
      const files = await readdir(folder).catch(() => []);
      return (await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")))).join("");
    };
    await alice.until("both logs to be written", async () => {
      return (
        (await log("security_log")).includes('user "alice"') && (await log("packet_log")).includes(",4242,")
      );
    });
    assert.match(await log("packet_log"), /SID-ALICE-\d+,.*TCP/);
  });
});
