import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Lab } from "../lab/lab.ts";
import { hubOf, OurServer, userOf } from "./support/our-server.ts";
import { VpnClient } from "./support/vpn-client.ts";

let lab: Lab;
let server: OurServer;
let alice: VpnClient;
let bob: VpnClient;

before(async () => {
  lab = await Lab.create();
  const [station, one, two] = await Promise.all([
    lab.station("server"),
    lab.station("one"),
    lab.station("two"),
  ]);
  [server, alice, bob] = await Promise.all([
    OurServer.start(station, lab.directory, [
      hubOf("DEFAULT", [userOf("alice", "secret of alice"), userOf("bob", "secret of bob")]),
    ]),
    VpnClient.start(one),
    VpnClient.start(two),
  ]);
  await alice.setAddress("10.9.0.1/24");
  await bob.setAddress("10.9.0.2/24");
});
after(() => lab?.dispose());

const login = () => ({ server: server.address, user: "alice", password: "secret of alice" });

describe("a session of vpnclient", () => {
  test("is established, and carries frames between two clients", async () => {
    await Promise.all([
      alice.connect(login()),
      bob.connect({ server: server.address, user: "bob", password: "secret of bob" }),
    ]);
    assert.ok(await alice.reaches("10.9.0.2"));
    assert.equal(await alice.ping("10.9.0.2", 20), 20);
  });
});
