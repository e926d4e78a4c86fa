import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ConfigFieldError } from "../../../server/config/text/config-fields.ts";
import { changesBetween } from "../../../server/config/text/config-change.ts";
import { formatConfig } from "../../../server/config/text/config-format.ts";
import { findFolder, type ConfigFolder } from "../../../server/config/text/config-node.ts";
import { parseConfig } from "../../../server/config/text/config-text.ts";
import {
  createHubSettings,
  defaultHubs,
  hashHubPassword,
  readHubs,
  writeHubs,
} from "../../../server/config/sections/hub-config.ts";
import { defaultHubLog, defaultHubOptions, type HubSettings } from "../../../server/settings/hub-settings.ts";
import { defaultPolicy } from "../../../server/settings/policy.ts";
import { hashPassword } from "../../../server/wire/sha0.ts";
import { userOf } from "../access/login-fixture.ts";
import { accessRule } from "../hub/access-rule-fixture.ts";
import { hubSettings } from "./arbitrary-hub.ts";

/**
 * Written by Debian's softether-vpnserver 5.01.9674 in UTC after `vpncmd` made two hubs, a group, a user of each kind, an
 * authority and three rules; the folders of the server's keys and the administration options were taken out.
 */
const officialFile = readFileSync(new URL("fixtures/softether.config", import.meta.url));
const official = parseConfig(officialFile);

const now = Date.parse("2026-06-01T12:00:00Z");
const root = (text: string) => parseConfig(Buffer.from(`declare root\n{\n${text}\n}\n`)).root;
const hubWith = (text: string) => root(`declare VirtualHUB\n{\ndeclare A\n{\n${text}\n}\n}`);
const userWith = (text: string) =>
  hubWith(`declare SecurityAccountDatabase\n{\ndeclare UserList\n{\ndeclare u\n{\n${text}\n}\n}\n}`);
const only = (hubs: readonly HubSettings[]): HubSettings => {
  assert.equal(hubs.length, 1);
  return hubs[0] as HubSettings;
};
/** As it comes from the disk. */
const reread = (folder: ConfigFolder) => parseConfig(formatConfig({ header: [], root: folder })).root;

/** Changes the folders of the users of the only hub, in `root`. */
function mapUserFolders(folder: ConfigFolder, change: (user: ConfigFolder) => ConfigFolder): ConfigFolder {
  const [name, ...path] = ["VirtualHUB", "A", "SecurityAccountDatabase", "UserList"];
  const within = (
    parent: ConfigFolder,
    child: string | undefined,
    rest: readonly string[],
  ): ConfigFolder => ({
    ...parent,
    children: parent.children.map((each) => {
      if (each.kind !== "folder") return each;
      if (child === undefined) return change(each);
      return each.name === child ? within(each, rest[0], rest.slice(1)) : each;
    }),
  });
  return within(folder, name, path);
}

describe("readHubs, of a file of the official server", () => {
  const hubs = readHubs(official.root);
  const hub = hubs[0] as HubSettings;

  test("finds each hub with its settings", () => {
    assert.deepEqual(
      hubs.map(({ name }) => name),
      ["DEFAULT", "SECOND"],
    );
    assert.equal(hub.online, true);
    assert.equal(hub.maxSessions, 33);
    assert.deepEqual(hub.options, { ...defaultHubOptions, NoEnum: true });
    assert.deepEqual(hub.log, {
      ...defaultHubLog,
      packetLog: { ...defaultHubLog.packetLog, udp: 2 },
    });
    const { hashedPassword, securePassword } = hub;
    assert.deepEqual({ hashedPassword, securePassword }, hashHubPassword("adminpw"));
  });

  test("a hub as the official server creates it is what it is here", () => {
    const { secureNat, ...others } = hubs[1] ?? assert.fail();
    const { secureNat: ours, ...own } = createHubSettings("SECOND");
    assert.deepEqual(others, own);
    // Each hub has a virtual host with a MAC address of its own.
    const { mac } = secureNat.host;
    assert.deepEqual(secureNat, { ...ours, host: { ...ours.host, mac } });
    assert.deepEqual([mac[0], ours.host.mac[0]], [0x5e, 0x5e]);
  });

  test("finds users of every kind", () => {
    const [certificate] = hub.trustedAuthorities;
    assert.ok(certificate);
    const authentications = [...hub.users.values()].map(({ name, authentication }) => [name, authentication]);
    assert.deepEqual(Object.fromEntries(authentications), {
      alice: {
        type: "password",
        hashedKey: Uint8Array.from(hashPassword("secret", "alice")),
        // MD4 of the password in UTF-16LE.
        ntLmHash: Uint8Array.from(Buffer.from("878d8014606cda29677a44efa1353fc7", "hex")),
      },
      bob: { type: "anonymous" },
      carol: { type: "certificate", certificate },
      dave: { type: "signed-certificate", commonName: "Test User", serial: Uint8Array.of(1, 2, 3) },
      erin: { type: "radius", name: "" },
      frank: { type: "nt-domain", name: "frankNT" },
    });
    const alice = hub.users.get("alice");
    assert.equal(alice?.realName, "Alice A");
    assert.equal(alice.note, "n 1$x");
    assert.equal(alice.expiresAt, Date.parse("2027-01-02T03:04:05Z"));
    assert.deepEqual(alice.policy, { ...defaultPolicy, NoBridge: true });
    assert.equal(new Date(alice.createdAt).getUTCFullYear(), 2026);
    assert.equal(hub.users.get("bob")?.group, "admins");
    assert.equal(hub.users.get("bob")?.policy, undefined);
    assert.deepEqual(hub.groups.get("admins"), {
      name: "admins",
      realName: "The Admins",
      note: "note é",
      policy: { ...defaultPolicy, MaxConnection: 8 },
    });
  });

  test("finds the access list in the order of its priorities", () => {
    const none = { network: undefined, mac: undefined, ports: undefined, user: undefined };
    const plain = { active: true, delayMs: 0, jitterPercent: 0, lossPercent: 0, redirectUrl: "" };
    const bytes = (...values: number[]) => Uint8Array.from(values);
    assert.deepEqual(hub.accessList, [
      {
        ...plain,
        priority: 50,
        note: "x",
        action: "discard",
        version: "ipv4",
        source: { ...none, ports: { first: 53, last: 53 } },
        destination: {
          ...none,
          network: { address: bytes(192, 0, 2, 0), mask: bytes(255, 255, 255, 0) },
          user: "bob",
        },
        protocol: 17,
        established: undefined,
        delayMs: 10,
        jitterPercent: 20,
        lossPercent: 30,
        redirectUrl: "http://example/",
      },
      {
        ...plain,
        priority: 100,
        note: "web",
        action: "pass",
        version: "ipv4",
        source: {
          ...none,
          network: { address: bytes(10, 0, 0, 0), mask: bytes(255, 0, 0, 0) },
          mac: {
            address: bytes(0, 0x11, 0x22, 0x33, 0x44, 0x55),
            mask: bytes(...Array<number>(6).fill(255)),
          },
          user: "alice",
        },
        destination: { ...none, ports: { first: 80, last: 90 } },
        protocol: 6,
        // What vpncmd 9674 makes of /TCPSTATE:established.
        established: false,
      },
      {
        ...plain,
        priority: 200,
        note: "six",
        action: "pass",
        version: "ipv6",
        source: {
          ...none,
          network: {
            address: bytes(0x20, 0x01, 0x0d, 0xb8, ...Array<number>(12).fill(0)),
            mask: bytes(255, 255, 255, 255, ...Array<number>(12).fill(0)),
          },
        },
        destination: none,
        protocol: undefined,
        established: true,
      },
    ]);
  });

  test("is the same file again where nothing changed", () => {
    const written = formatConfig({ ...official, root: writeHubs(official.root, hubs, hubs, now) });
    assert.ok(written.equals(officialFile));
  });

  test("a change of one user leaves every other line as it is", () => {
    const bob = hub.users.get("bob");
    assert.ok(bob);
    const users = new Map([...hub.users, ["bob", { ...bob, note: "changed" }]]);
    const changed = writeHubs(official.root, [{ ...hub, users }, ...hubs.slice(1)], hubs, now);
    const lines = (bytes: Buffer) => bytes.toString().split("\r\n");
    const before = lines(officialFile);
    const after = lines(formatConfig({ ...official, root: changed }));
    assert.equal(after.length, before.length);
    const different = after.filter((line, index) => line !== before[index]);
    assert.deepEqual(
      different.map((line) => line.trim()),
      ["string Note changed"],
    );
  });

  test("what is written with every setting made anew is read as the same", () => {
    const copies = hubs.map((each) => structuredClone(each));
    assert.deepEqual(readHubs(reread(writeHubs(official.root, copies, hubs, now))), hubs);
  });
});

describe("readHubs", () => {
  test("a server without hubs in its configuration has the hub DEFAULT, online, without users", () => {
    assert.equal(readHubs(root("")), defaultHubs);
    assert.deepEqual(
      defaultHubs.map(({ name, online, users }) => [name, online, users.size]),
      [["DEFAULT", true, 0]],
    );
    assert.deepEqual(readHubs(root("declare VirtualHUB\n{\n}")), []);
  });

  test("takes what is not there as the official server does", () => {
    const hub = only(readHubs(hubWith("declare Option\n{\n}")));
    assert.equal(hub.online, false);
    assert.deepEqual(hub.options, { ...defaultHubOptions, NoIPv6DefaultRouterInRAWhenIPv6: false });
    assert.deepEqual(hub.hashedPassword, hashHubPassword("").hashedPassword);
    assert.deepEqual(hub.securePassword, hashHubPassword("").securePassword);
  });

  test("brings limits that no policy may have into their ranges", () => {
    const { users } = only(
      readHubs(userWith("declare Policy\n{\nuint MaxConnection 99\nuint VLanId 9999\n}")),
    );
    const policy = users.get("u")?.policy;
    assert.equal(policy?.Access, false);
    assert.equal(policy.MaxConnection, 32);
    assert.equal(policy.TimeOut, 5);
    assert.equal(policy.VLanId, 4095);
    assert.equal(policy.MaxMac, 0);
  });

  test("a user whose proof is missing is one that nobody can log in as", () => {
    const authentication = (text: string) => only(readHubs(userWith(text))).users.get("u")?.authentication;
    assert.deepEqual(authentication("uint AuthType 1"), {
      type: "password",
      hashedKey: new Uint8Array(20),
      ntLmHash: new Uint8Array(16),
    });
    assert.deepEqual(authentication("uint AuthType 2"), {
      type: "certificate",
      certificate: new Uint8Array(),
    });
  });

  test("of two hubs or users of one name, the first counts", () => {
    const twice = root("declare VirtualHUB\n{\ndeclare A\n{\nbool Online true\n}\ndeclare a\n{\n}\n}");
    assert.equal(only(readHubs(twice)).online, true);
  });

  for (const [text, problem] of [
    ["uint AuthType x", "VirtualHUB/A/SecurityAccountDatabase/UserList/u/AuthType is no number"],
    ["uint AuthType 4294967296", "AuthType is no number"],
    ["uint AuthType 9", "AuthType is 9, which is no way to log in"],
    ["uint64 ExpireTime -1", "ExpireTime is no number of 64 bits"],
    ["uint AuthType 1\nbyte AuthPassword a?b", "AuthPassword is not in base64"],
  ] as const) {
    test(`names the item of ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => readHubs(userWith(text)),
        (error) => error instanceof ConfigFieldError && error.message.includes(problem),
      );
    });
  }

  test("names an address of a rule that is none", () => {
    const rule = "declare AccessList\n{\ndeclare 1\n{\nstring SrcIpAddress 10.0.0\n}\n}";
    assert.throws(() => readHubs(hubWith(rule)), /AccessList\/1\/SrcIpAddress is no ipv4 address/);
  });

  test("reads a MAC address of an older server, and drops a condition that cannot be read, as there", () => {
    const mac = (text: string) =>
      only(readHubs(hubWith(`declare AccessList\n{\ndeclare 1\n{\nbool CheckDstMac true\n${text}\n}\n}`)))
        .accessList[0]?.destination.mac;
    assert.deepEqual(mac("byte DstMacAddress AAECAwQF\nbyte DstMacMask ////////"), {
      address: Uint8Array.of(0, 1, 2, 3, 4, 5),
      mask: new Uint8Array(6).fill(255),
    });
    assert.equal(mac("string DstMacAddress 00-11\nstring DstMacMask x"), undefined);
  });
});

describe("writeHubs", () => {
  test("what is written is read again", () => {
    fc.assert(
      fc.property(hubSettings, (hub) => {
        assert.deepEqual(readHubs(reread(writeHubs(root(""), [hub], [], now))), [hub]);
      }),
      { numRuns: 60 },
    );
  });

  test("a rule that comes leaves the folders of thousands of others as they are, and so does a change of another hub", () => {
    const many = Array.from({ length: 5_000 }, (_, index) => accessRule({ priority: index + 1 }));
    const hub = { ...createHubSettings("A"), accessList: many };
    const other = createHubSettings("B");
    const foldersOf = (folder: ConfigFolder) =>
      ["VirtualHUB", "A", "AccessList"].reduce((each, name) => findFolder(each, name) as ConfigFolder, folder)
        .children;
    const before = writeHubs(root(""), [hub, other], [], now);
    const longer = { ...hub, accessList: [...many, accessRule({ priority: 9_999 })] };
    const after = writeHubs(before, [longer, other], [hub, other], now);
    assert.equal(foldersOf(after).length, 5_001);
    assert.ok(foldersOf(before).every((folder, index) => folder === foldersOf(after)[index]));
    const online = { ...other, online: false };
    assert.equal(foldersOf(writeHubs(after, [longer, online], [longer, other], now)), foldersOf(after));
    const document = (each: ConfigFolder) => ({ header: [], root: each });
    assert.equal(changesBetween(document(before), document(after))?.length, 1);
    const text = formatConfig(document(after));
    assert.deepEqual(formatConfig(document(after)), text);
    assert.deepEqual(formatConfig(parseConfig(text)), text);
  });

  test("what changes from one to another is read as the other", () => {
    fc.assert(
      fc.property(hubSettings, hubSettings, (one, other) => {
        const named = { ...other, name: one.name };
        const before = reread(writeHubs(root(""), [one], [], now));
        assert.deepEqual(readHubs(reread(writeHubs(before, [named], [one], now))), [named]);
      }),
      { numRuns: 60 },
    );
  });

  test("keeps what it does not know of users that stay, while others come, change and go", () => {
    const step = fc.record({ op: fc.constantFrom("add", "change", "delete"), at: fc.nat(30) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let hub = createHubSettings("A");
        let file = writeHubs(root(""), [hub], [], now);
        const unknown = new Map<string, string>();
        for (const [index, { op, at }] of steps.entries()) {
          const users = new Map(hub.users);
          const [key, user] = [...users][at % Math.max(users.size, 1)] ?? [];
          if (op === "add" || user === undefined)
            users.set(`u${at}`, userOf(`U${at}`, { authentication: { type: "anonymous" } }));
          else if (op === "delete") users.delete(user.name.toLowerCase());
          else users.set(user.name.toLowerCase(), { ...user, note: `note ${index}` });
          if (op === "delete" && key !== undefined) unknown.delete(key);
          const next = { ...hub, users };
          file = writeHubs(file, [next], [hub], now);
          hub = next;
          file = mapUserFolders(file, (folder) => {
            const userKey = folder.name.toLowerCase();
            if (unknown.has(userKey)) return folder;
            unknown.set(userKey, `of step ${index}`);
            const item = {
              kind: "item",
              type: "string",
              name: "Unknown",
              value: `of step ${index}`,
            } as const;
            return { ...folder, children: [...folder.children, item] };
          });
        }
        assert.deepEqual(only(readHubs(reread(file))).users, hub.users);
        mapUserFolders(file, (folder) => {
          const found = folder.children.find((child) => child.kind === "item" && child.name === "Unknown");
          assert.equal(found?.kind === "item" && found.value, unknown.get(folder.name.toLowerCase()));
          return folder;
        });
      }),
      { numRuns: 100 },
    );
  });

  test("keeps what it does not know of a hub, a user and a rule that stay", () => {
    const before = hubWith(
      "string Unknown kept\nbool Online true\ndeclare SecureNAT\n{\nbool Disabled false\n}\n" +
        "declare AccessList\n{\ndeclare 7\n{\nuint Priority 7\nuint Newer 1\n}\n}\n" +
        "declare SecurityAccountDatabase\n{\ndeclare UserList\n{\ndeclare u\n{\nuint NumLogin 3\n}\n}\n}",
    );
    const hub = only(readHubs(before));
    const [rule] = hub.accessList;
    const user = hub.users.get("u");
    assert.ok(rule && user);
    const changed = {
      ...hub,
      online: false,
      accessList: [{ ...rule, priority: 1 }, rule],
      users: new Map([["u", { ...user, note: "n" }]]),
    };
    const text = formatConfig({ header: [], root: writeHubs(before, [changed], [hub], now) }).toString();
    for (const kept of ["string Unknown kept", "bool Disabled false", "uint Newer 1", "uint NumLogin 3"]) {
      assert.ok(text.includes(kept), kept);
    }
    assert.match(text, /bool Online false/);
    assert.match(text, /string Note n\r\n/);
  });

  test("takes away the items of another kind of proof", () => {
    const before = userWith("uint AuthType 1\nbyte AuthPassword AAAA\nbyte AuthNtLmSecureHash AAAA");
    const hub = only(readHubs(before));
    const user = hub.users.get("u");
    assert.ok(user);
    const users = new Map([["u", { ...user, authentication: { type: "anonymous" } as const }]]);
    const text = formatConfig({
      header: [],
      root: writeHubs(before, [{ ...hub, users }], [hub], now),
    }).toString();
    assert.match(text, /uint AuthType 0/);
    assert.doesNotMatch(text, /AuthPassword|AuthNtLm/);
  });
});
