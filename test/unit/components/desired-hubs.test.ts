import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { resolveHubs } from "../../../components/desired-hubs.ts";
import { parseDesiredState } from "../../../server/config/desired-state.ts";
import { pemIdentity } from "./pem-identity.ts";

type Hubs = Parameters<typeof resolveHubs>[0];

function problemsOf(hubs: unknown): string {
  try {
    resolveHubs(hubs as Hubs);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the hubs were accepted");
}

describe("resolveHubs", () => {
  test("gives what `vpnserver apply` takes, and the accounts of all hubs", () => {
    const { hubs, accounts } = resolveHubs([
      {
        name: "DEFAULT",
        users: [
          { name: "alice", password: "pw" },
          { name: "guest", anonymous: true },
        ],
        accessList: [
          { action: "discard", protocol: "47" },
          { action: "pass", protocol: "tcp" },
        ],
      },
      { name: "OTHER", users: [{ name: "alice", password: "other" }] },
    ]);
    const [first] = parseDesiredState({ hubs }).hubs;
    assert.deepEqual(
      first?.accessList?.map(({ protocol }) => protocol),
      [47, 6],
    );
    assert.deepEqual(accounts, [
      { hub: "DEFAULT", user: "alice", proof: { type: "password", password: "pw" } },
      { hub: "DEFAULT", user: "guest", proof: { type: "anonymous" } },
      { hub: "OTHER", user: "alice", proof: { type: "password", password: "other" } },
    ]);
  });

  test("takes numbers as the configuration of a stack makes them", () => {
    const rule = { action: "pass", protocol: 17, sourcePorts: 53, destinationPorts: "1000-2000" };
    const { hubs } = resolveHubs([{ name: "A", accessList: [rule] }] as unknown as Hubs);
    const [first] = parseDesiredState({ hubs }).hubs[0]?.accessList ?? [];
    assert.equal(first?.protocol, 17);
    assert.deepEqual(first.source.ports, { first: 53, last: 53 });
  });

  test("without hubs desires none", () => {
    assert.deepEqual(resolveHubs([]), { hubs: [], accounts: [] });
  });

  test("takes arguments that are undefined for left out", () => {
    const hubs = [{ name: "A", users: [{ name: "u", anonymous: true, group: undefined }] }];
    assert.equal(
      JSON.stringify(resolveHubs(hubs as unknown as Hubs).hubs),
      '[{"name":"A","users":[{"name":"u","anonymous":true}]}]',
    );
  });

  test("sends no private key to the host, and puts it into the account", async () => {
    const { certificate, privateKey } = await pemIdentity("CN=carol");
    const { hubs, accounts } = resolveHubs([
      {
        name: "A",
        users: [
          { name: "carol", certificate, privateKey },
          { name: "dave", certificate },
        ],
      },
    ]);
    assert.doesNotMatch(JSON.stringify(hubs), /PRIVATE/);
    assert.deepEqual(
      accounts.map(({ proof }) => proof.type),
      ["certificate", "anonymous"],
    );
  });

  test("names the user without a way to log in", () => {
    assert.match(
      problemsOf([{ name: "DEFAULT", users: [{ name: "alice", password: "pw" }, { name: "bob" }] }]),
      /hubs\[0\]\.users\[1\] \(user "bob" of hub "DEFAULT"\): nothing tells how the user logs in: give one of password/,
    );
  });

  test("tells every problem at once, and no secret", () => {
    const message = problemsOf([
      { name: "A", users: [{ name: "u", password: "hidden", anonymous: true }], sessions: 3 },
      { name: "a", groups: [{ name: "g", policy: { TimeOut: 1 } }] },
    ]);
    assert.match(message, /hubs\[0\]\.sessions \(hub "A"\): is not known here/);
    assert.match(message, /hubs\[0\]\.users\[0\] \(user "u" of hub "A"\): password and anonymous both tell/);
    assert.match(
      message,
      /hubs\[1\]\.groups\[0\]\.policy\.TimeOut \(group "g" of hub "a"\): is no whole number from 5/,
    );
    assert.match(message, /hubs\[1\]\.name \(hub "a"\): "a" is there twice/);
    assert.doesNotMatch(message, /hidden/);
  });

  test("refuses a private key that does not belong to the certificate, or is none", async () => {
    const [carol, dave] = await Promise.all([pemIdentity("CN=carol"), pemIdentity("CN=dave")]);
    const problemOf = (user: object) => problemsOf([{ name: "A", users: [{ name: "carol", ...user }] }]);
    const { certificate } = carol;
    const path = 'hubs\\[0\\]\\.users\\[0\\]\\.privateKey \\(user "carol" of hub "A"\\): ';
    assert.match(
      problemOf({ certificate, privateKey: dave.privateKey }),
      new RegExp(`${path}is not the key`),
    );
    assert.match(
      problemOf({ certificate, privateKey: "key" }),
      new RegExp(`${path}is no private key in PEM`),
    );
    assert.match(
      problemOf({ password: "x", privateKey: carol.privateKey }),
      new RegExp(`${path}is of no use without certificate`),
    );
  });

  test("refuses what is no list, no object or no text, without failing itself", () => {
    for (const hubs of [7, [null], [{ name: "A", users: 3 }], [{ name: 5, users: [null] }], "x"]) {
      assert.match(problemsOf(hubs), /cannot be applied/);
    }
  });
});
