import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ArgumentError } from "../../../components/arguments/argument-error.ts";
import { resolveHubs } from "../../../components/arguments/desired-hubs.ts";
import { parseDesiredState } from "../../../server/desired/desired-state.ts";
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
      assert.match(problemsOf(hubs), /hubs/);
    }
    assert.equal(problemsOf("x"), 'hubs is "x": a list of hubs is needed, such as [{ name: "DEFAULT" }]');
  });

  test("takes null for left out, by which some languages say so", () => {
    const hubs = [
      {
        name: "A",
        online: null,
        users: [{ name: "u", anonymous: true, password: null, policy: { Access: null } }],
      },
    ];
    assert.deepEqual(resolveHubs(hubs as unknown as Hubs), {
      hubs: [{ name: "A", users: [{ name: "u", anonymous: true, policy: {} }] }],
      accounts: [{ hub: "A", user: "u", proof: { type: "anonymous" } }],
    });
  });

  test("refuses names that are not known, at every depth, and tells what was probably meant", () => {
    const message = problemsOf([
      {
        name: "A",
        usres: [],
        users: [{ name: "u", anonymous: true, polcy: {}, policy: { MaxConnections: 8 } }],
        groups: [{ name: "g", realname: "G" }],
        accessList: [{ action: "pass", protocoll: "tcp" }],
        options: { NoEnumm: true },
        log: { savePacketLogs: true, packetLog: { tpc: 1 } },
      },
    ]);
    const meant = {
      "hubs[0].usres": "users",
      "hubs[0].users[0].polcy": "policy",
      "hubs[0].users[0].policy.MaxConnections": "MaxConnection",
      "hubs[0].groups[0].realname": "realName",
      "hubs[0].accessList[0].protocoll": "protocol",
      "hubs[0].options.NoEnumm": "NoEnum",
      "hubs[0].log.savePacketLogs": "savePacketLog",
      "hubs[0].log.packetLog.tpc": "tcp",
    };
    for (const [path, name] of Object.entries(meant)) {
      const line = message.split("\n").find((text) => text.trim().startsWith(`${path} `));
      assert.match(line ?? "none", /is not known here; known are /, path);
      assert.ok(line?.endsWith(`Did you mean ${name}?`), line);
    }
  });

  test("refuses names that are there twice, of hubs, users and groups", () => {
    const user = { anonymous: true };
    const message = problemsOf([
      {
        name: "A",
        users: [
          { name: "u", ...user },
          { name: "U", ...user },
        ],
        groups: [{ name: "g" }, { name: "G" }],
      },
      { name: "a" },
    ]);
    assert.match(message, /hubs\[0\]\.users\[1\]\.name \(user "U" of hub "A"\): "U" is there twice/);
    assert.match(message, /hubs\[0\]\.groups\[1\]\.name \(group "G" of hub "A"\): "G" is there twice/);
    assert.match(message, /hubs\[1\]\.name \(hub "a"\): "a" is there twice/);
  });

  test("refuses a group that the hub does not declare, and names those that it does", () => {
    const users = [{ name: "u", anonymous: true, group: "staf" }];
    assert.equal(
      problemsOf([{ name: "A", users, groups: [{ name: "staff" }, { name: "guests" }] }]),
      'hubs[0].users[0].group (user "u" of hub "A"): "staf" is no group: the groups of this hub are "staff", "guests"; did you mean "staff"?',
    );
    assert.equal(
      problemsOf([{ name: "A", users }]),
      'hubs[0].users[0].group (user "u" of hub "A"): "staf" is no group: the hub declares none: add groups: [{ name: "staf" }] to it',
    );
    const [other] = resolveHubs([
      { name: "A", users: [{ ...users[0], group: "STAFF" }], groups: [{ name: "staff" }] },
    ] as unknown as Hubs).accounts;
    assert.equal(other?.user, "u");
  });

  test("gives hubs or an ArgumentError, whatever a member is", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
    });
    const hubMember = fc.constantFrom(
      "name",
      "online",
      "users",
      "groups",
      "trustedAuthorities",
      "accessList",
      "options",
      "log",
    );
    const userMember = fc.constantFrom(
      "name",
      "password",
      "certificate",
      "privateKey",
      "group",
      "expires",
      "policy",
      "signedCertificate",
    );
    const hubs = fc.oneof(
      anything,
      fc.array(anything),
      fc
        .tuple(hubMember, fc.oneof(anything, fc.array(anything)))
        .map(([name, value]) => [{ name: "A", [name]: value }]),
      fc
        .tuple(userMember, anything)
        .map(([name, value]) => [{ name: "A", users: [{ name: "u", [name]: value }] }]),
    );
    fc.assert(
      fc.property(hubs, (value) => {
        try {
          resolveHubs(value as Hubs);
        } catch (error) {
          assert.ok(error instanceof ArgumentError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});
