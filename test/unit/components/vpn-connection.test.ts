import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { connectionsOf, vpnFilesOf } from "../../../components/outputs/vpn-connection.ts";
import { pemIdentity } from "./pem-identity.ts";

const accounts = [
  { hub: "DEFAULT", user: "alice", proof: { type: "password", password: "pw" } },
  { hub: "OTHER", user: "alice", proof: { type: "anonymous" } },
] as const;
const listeners = [
  { port: 443, state: "Error", reason: "needs root" },
  { port: 992, state: "Listening" },
  { port: 5555, state: "Listening" },
] as const;

describe("connections", () => {
  let certificate: string;
  before(async () => {
    ({ certificate } = await pemIdentity("CN=server", { algorithm: "ec" }));
  });

  test("go to the first listener that serves", () => {
    assert.deepEqual(connectionsOf(accounts, "2001:db8::1", listeners), [
      { hub: "DEFAULT", user: "alice", host: "2001:db8::1", port: 992, account: "alice@2001:db8::1/DEFAULT" },
      { hub: "OTHER", user: "alice", host: "2001:db8::1", port: 992, account: "alice@2001:db8::1/OTHER" },
    ]);
  });

  test("are none where no listener serves", () => {
    assert.deepEqual(connectionsOf(accounts, "192.0.2.1", listeners.slice(0, 1)), []);
  });

  test("have a .vpn file each, by hub and user", () => {
    const files = vpnFilesOf(accounts, connectionsOf(accounts, "192.0.2.1", listeners), certificate);
    assert.deepEqual(Object.keys(files), ["DEFAULT", "OTHER"]);
    assert.match(files["DEFAULT"]?.["alice"] ?? "", /HashedPassword/);
    assert.match(files["OTHER"]?.["alice"] ?? "", /AuthType 0/);
  });
});
