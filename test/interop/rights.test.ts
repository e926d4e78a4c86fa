import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Lab } from "../lab/lab.ts";
import { certificateOf, pemOf } from "../unit/identity/make-certificate.ts";
import { hubOf, type OurServer } from "./support/our-server.ts";
import { bobAddress, startTwoClients } from "./support/two-clients.ts";
import type { VpnClient } from "./support/vpn-client.ts";

let lab: Lab;
let server: OurServer;
let alice: VpnClient;
let bob: VpnClient;

before(async () => {
  lab = await Lab.create();
  ({ server, alice, bob } = await startTwoClients(lab, [hubOf("DEFAULT", [])]));
  await apply();
});
after(() => lab?.dispose());

/** Two users, of whom Bob stays as he is. */
const apply = (ofAlice: object = {}, more: object = {}) =>
  server.apply({
    hubs: [
      {
        name: "DEFAULT",
        users: [
          { name: "alice", password: "secret", ...ofAlice },
          { name: "bob", password: "secret" },
        ],
      },
    ],
    ...more,
  });
const login = (user: string) => ({ server: server.address, user, password: "secret" });
const sessionCount = async () => (await server.status()).hubs[0]?.sessions ?? 0;
/** The session by which a client is connected now. */
const sessionOf = async (client: VpnClient) => (await client.status()).get("Session Name");

async function until(what: string, condition: () => Promise<boolean>, mostMs = 20_000): Promise<void> {
  const deadline = performance.now() + mostMs;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `still waiting for: ${what}`);
    await delay(200);
  }
}

describe("the rights of vpnclient's live session", () => {
  test("end at an expiry that was set while it lives, and another's do not", async () => {
    await bob.connect(login("bob"));
    await alice.connect(login("alice"));
    const session = await sessionOf(bob);
    const expires = Date.now() + 8_000;
    await apply({ expires: new Date(expires).toISOString() });
    assert.equal(await sessionCount(), 2);
    await until("the session of alice to end", async () => (await sessionCount()) === 1);
    // The clock of the test and of the server is the same; what is over is the time to look.
    assert.ok(Date.now() >= expires && Date.now() < expires + 5_000, `${Date.now() - expires} ms after`);
    assert.equal(await sessionOf(bob), session);
    await apply();
    await alice.connect(login("alice"));
  });

  test("are those of one machine at a time where it is the limit, which comes again at once", async () => {
    await apply({ policy: { MultiLogins: 1 } });
    for (let time = 0; time < 3; time++) {
      // The client leaves without a word, so that its session is there for 20 s more.
      await alice.connect(login("alice"));
      assert.equal(await sessionCount(), 2, "one of alice, one of bob");
    }
    assert.ok(await alice.reaches(bobAddress));
  });

  test("outlive a change of the server's certificate, which new clients are shown with its chain", async () => {
    const authority = await certificateOf("CN=authority", { ca: true });
    const { certificatePem: certificate, keyPem: privateKey } = await pemOf(
      await certificateOf("CN=vpn.example.org", { issuer: authority, serial: "02" }),
      authority,
    );
    const sessions = [await sessionOf(alice), await sessionOf(bob)];
    const policy = { MultiLogins: 1 };
    const first = await apply({ policy }, { certificate, privateKey });
    assert.deepEqual(first.changes, ["certificate of the server changed"]);
    const again = await apply({ policy }, { certificate, privateKey });
    assert.deepEqual(again.changes, []);
    assert.deepEqual([await sessionOf(alice), await sessionOf(bob)], sessions);
    assert.ok(await alice.reaches(bobAddress));
    const { stdout } = await alice.station.run(
      "openssl",
      ["s_client", "-connect", `${server.address}:5555`, "-showcerts"],
      { input: "", check: false },
    );
    assert.equal(stdout.match(/-----BEGIN CERTIFICATE-----/g)?.length, 2);
    await bob.connect(login("bob"));
    assert.ok(await alice.reaches(bobAddress));
  });
});
