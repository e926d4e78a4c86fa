import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { LiveConfiguration } from "../../../server/config/live-configuration.ts";
import { ConfigStore } from "../../../server/config/config-store.ts";
import type { IdentityPem } from "../../../server/identity/identity-check.ts";
import { StateApplier } from "../../../server/desired/state-applier.ts";
import { ServerError } from "../../../server/errors.ts";
import {
  defaultHubOptions,
  type HubSettings,
  type UserSettings,
} from "../../../server/settings/hub-settings.ts";
import { createHubSettings } from "../../../server/config/sections/hub-config.ts";
import { createSecureNatSettings } from "../../../server/settings/secure-nat-settings.ts";
import { createLocalBridge } from "../../../server/settings/local-bridge-settings.ts";
import { hashPassword } from "../../../server/wire/sha0.ts";
import { certificateOf, pemOf, serverIdentity } from "../identity/make-certificate.ts";

let directory: string;
let paths: { configFile: string; appliedFile: string };
let store: ConfigStore;
let applier: StateApplier;
/** What the server was told, in order. */
let told: (readonly HubSettings[])[];
let now: number;

let made: IdentityPem;
let identity: IdentityPem;
let diskIsFull: boolean;
before(async () => {
  made = await serverIdentity("CN=made");
});

beforeEach(async () => {
  identity = made;
  diskIsFull = false;
  directory = await mkdtemp(join(tmpdir(), "vpnserver-apply-"));
  paths = { configFile: join(directory, "vpn_server.config"), appliedFile: join(directory, "applied.json") };
  store = await ConfigStore.open(paths);
  told = [];
  now = Date.parse("2026-06-01T12:00:00Z");
  applier = createApplier();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function createApplier(): StateApplier {
  const configuration = new LiveConfiguration(store);
  configuration.giveTo(({ hubs }) => {
    told.push(hubs);
    return Promise.resolve(["SID-ALICE-1"]);
  });
  return new StateApplier({
    paths,
    configuration,
    identity: {
      get current() {
        return identity;
      },
      replace: async (wanted) => {
        if (diskIsFull) throw new ServerError("STATE_INVALID", "disk full");
        identity = { ...identity, ...wanted };
      },
    },
    unixNow: () => now++,
  });
}

const apply = async (...hubs: object[]) => {
  const result = await applier.apply({ desired: { hubs }, dryRun: false });
  assert.deepEqual(result.changed, result.changes.length > 0);
  return result.changes;
};
const hub = (name = "DEFAULT"): HubSettings => {
  const found = store.hubs.find((each) => each.name === name);
  assert.ok(found, `there is no hub ${name}`);
  return found;
};
const alice = { name: "alice", password: "secret" };
const bob = { name: "Bob", anonymous: true };

/** What an administrator does, besides. */
const addUser = (name: string, members: Partial<UserSettings> = {}) =>
  store.updateHubs((hubs) =>
    hubs.map((each) => {
      const user: UserSettings = {
        name,
        realName: "",
        note: "",
        group: undefined,
        authentication: { type: "anonymous" },
        expiresAt: undefined,
        policy: undefined,
        createdAt: 1,
        updatedAt: 1,
        ...members,
      };
      return { ...each, users: new Map([...each.users, [name.toLowerCase(), user]]) };
    }),
  );

describe("apply", () => {
  test("creates what is missing, tells the server once, and the second time finds nothing that differs", async () => {
    const desired = {
      hubs: [
        {
          name: "DEFAULT",
          message: "Welcome",
          users: [{ ...alice, group: "staff", policy: { MaxConnection: 2 } }, bob],
          groups: [{ name: "staff" }],
          options: { NoEnum: true },
          accessList: [{ action: "discard", sourceUser: "Bob" }],
        },
        { name: "Second", online: false },
      ],
    };
    const first = await applier.apply({ desired, dryRun: false });
    // It follows from the MAC address that the hub made up.
    const ipv6Address = first.networks?.[0]?.ipv6Address ?? "";
    assert.match(ipv6Address, /^fd[0-9a-f:]+::1\/64$/);
    assert.deepEqual(first, {
      changed: true,
      changes: [
        "hub DEFAULT: group staff created",
        "hub DEFAULT: message changed",
        "hub DEFAULT: access list changed",
        "hub DEFAULT: option NoEnum true",
        "hub DEFAULT: SecureNAT on",
        "hub DEFAULT: user alice created",
        "hub DEFAULT: user Bob created",
        "hub Second: created",
        "hub Second: online false",
      ],
      endedSessions: ["SID-ALICE-1"],
      certificate: new X509Certificate(made.certificatePem).toString(),
      hubs: ["DEFAULT", "Second"],
      networks: [
        {
          hub: "DEFAULT",
          address: "192.168.30.1/24",
          ipv6Address,
          nat: true,
          dhcpRange: "192.168.30.10-192.168.30.200",
          leaseSeconds: 7_200,
          gateway: "192.168.30.1",
          nameServers: ["192.168.30.1"],
        },
      ],
    });
    assert.deepEqual(told, [store.hubs]);
    assert.deepEqual((await ConfigStore.open(paths)).hubs, store.hubs);
    const files = await Promise.all([paths.configFile, paths.appliedFile].map((path) => readFile(path)));
    const hubs = store.hubs;

    const second = await applier.apply({ desired, dryRun: false });
    assert.deepEqual(second, { ...first, changed: false, changes: [], endedSessions: [] });
    assert.equal(told.length, 1);
    assert.equal(store.hubs, hubs);
    assert.deepEqual(
      await Promise.all([paths.configFile, paths.appliedFile].map((path) => readFile(path))),
      files,
    );
  });

  test("a dry run tells the same and changes nothing", async () => {
    const desired = { hubs: [{ name: "DEFAULT", users: [alice] }, { name: "X" }] };
    const dry = await applier.apply({ desired, dryRun: true });
    assert.deepEqual(await readdir(directory), []);
    assert.deepEqual(told, []);
    const wet = await applier.apply({ desired, dryRun: false });
    assert.deepEqual(dry, { ...wet, endedSessions: [] });
  });

  test("changes the user that differs and leaves every other as the same object", async () => {
    await apply({ name: "DEFAULT", users: [alice, bob] });
    const before = hub().users;
    assert.deepEqual(await apply({ name: "DEFAULT", users: [{ ...alice, password: "other" }, bob] }), [
      "hub DEFAULT: user alice updated",
    ]);
    const { users } = hub();
    assert.equal(users.get("bob"), before.get("bob"));
    const user = users.get("alice");
    assert.deepEqual(user?.authentication, {
      type: "password",
      hashedKey: Uint8Array.from(hashPassword("other", "alice")),
      ntLmHash: new Uint8Array(16),
    });
    assert.equal(user.createdAt, before.get("alice")?.createdAt);
    assert.ok(user.updatedAt > user.createdAt);
  });

  test("a password that is the same keeps the NT hash that is kept of it", async () => {
    const hashedKey = Uint8Array.from(hashPassword("secret", "ALICE"));
    const authentication = { type: "password", hashedKey, ntLmHash: new Uint8Array(16).fill(7) } as const;
    await addUser("alice", { authentication });
    assert.deepEqual(await apply({ name: "DEFAULT", users: [alice] }), []);
    assert.equal(hub().users.get("alice")?.authentication, authentication);
  });

  test("takes away what it made and is no longer desired, and leaves what others made", async () => {
    await apply(
      {
        name: "DEFAULT",
        users: [alice, bob],
        groups: [{ name: "g" }],
        message: "m",
        options: { NoEnum: true },
      },
      { name: "Mine" },
    );
    await addUser("carol");
    await store.updateHubs((hubs) => [...hubs, { ...hub("Mine"), name: "Theirs" }]);
    assert.deepEqual(await apply({ name: "default", users: [bob] }), [
      "hub DEFAULT: group g deleted",
      "hub DEFAULT: message changed",
      "hub DEFAULT: option NoEnum false",
      "hub DEFAULT: user alice deleted",
      "hub Mine: deleted",
    ]);
    assert.deepEqual([...hub().users.keys()], ["bob", "carol"]);
    assert.equal(hub().message, "");
    assert.deepEqual(hub().options, defaultHubOptions);
    assert.deepEqual(await apply(), ["hub DEFAULT: SecureNAT off", "hub DEFAULT: user Bob deleted"]);
    assert.deepEqual(
      store.hubs.map(({ name, users }) => [name, [...users.keys()]]),
      [
        ["DEFAULT", ["carol"]],
        ["Theirs", ["carol"]],
      ],
    );
    assert.deepEqual(await apply(), []);
  });

  test("remembers across restarts what it made, by names only", async () => {
    await apply({
      name: "DEFAULT",
      users: [{ ...alice, password: "correct horse" }],
      adminPassword: "battery",
    });
    const record = await readFile(paths.appliedFile, "utf8");
    assert.deepEqual(JSON.parse(record), {
      hubs: { default: { created: false, users: ["alice"], groups: [], settings: ["secureNat.usual"] } },
    });
    assert.equal((await stat(paths.appliedFile)).mode & 0o777, 0o600);
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      assert.doesNotMatch(await readFile(join(entry.parentPath, entry.name), "utf8"), /horse|battery/);
    }
    store = await ConfigStore.open(paths);
    applier = createApplier();
    assert.deepEqual(await apply({ name: "DEFAULT" }), ["hub DEFAULT: user alice deleted"]);
  });

  test("a setting that was never applied stays as an administrator set it", async () => {
    await store.updateHubs((hubs) =>
      hubs.map((each) => ({
        ...each,
        message: "theirs",
        maxSessions: 7,
        options: { ...each.options, NoIpTable: true },
      })),
    );
    assert.deepEqual(await apply({ name: "DEFAULT", users: [bob] }), ["hub DEFAULT: user Bob created"]);
    assert.equal(hub().message, "theirs");
    assert.equal(hub().maxSessions, 7);
    assert.equal(hub().options.NoIpTable, true);
  });

  test("the administration password changes when it differs, and stays when it is no longer told", async () => {
    assert.deepEqual(await apply({ name: "DEFAULT", adminPassword: "x" }), [
      "hub DEFAULT: administration password changed",
    ]);
    const { securePassword } = hub();
    assert.deepEqual(securePassword, Uint8Array.from(hashPassword("x", "administrator")));
    assert.deepEqual(await apply({ name: "DEFAULT", adminPassword: "x" }), []);
    assert.deepEqual(await apply({ name: "DEFAULT" }), []);
    assert.equal(hub().securePassword, securePassword);
  });

  test("a user of others that is desired is taken over", async () => {
    await addUser("ALICE", { note: "theirs" });
    assert.deepEqual(await apply({ name: "DEFAULT", users: [alice] }), ["hub DEFAULT: user alice updated"]);
    assert.equal(hub().users.get("alice")?.note, "");
    assert.equal(hub().users.get("alice")?.createdAt, 1);
    assert.deepEqual(await apply({ name: "DEFAULT" }), ["hub DEFAULT: user alice deleted"]);
  });

  test("a user whose group is deleted is in none", async () => {
    await apply({ name: "DEFAULT", groups: [{ name: "g" }] });
    await addUser("carol", { group: "G" });
    assert.deepEqual(await apply({ name: "DEFAULT" }), [
      "hub DEFAULT: group g deleted",
      "hub DEFAULT: user carol left the group G",
    ]);
    assert.equal(hub().users.get("carol")?.group, undefined);
  });

  test("refuses a group that there is not, names the user's place, and changes nothing", async () => {
    const users = [bob, { ...alice, group: "nobody" }];
    const desired = { hubs: [{ name: "OTHER" }, { name: "DEFAULT", message: "m", users }] };
    await assert.rejects(
      applier.apply({ desired, dryRun: false }),
      (error) =>
        error instanceof ServerError &&
        error.code === "USAGE" &&
        error.message.includes('hubs[1].users[1].group: there is no group "nobody" in hub DEFAULT'),
    );
    assert.deepEqual(await readdir(directory), []);
    assert.equal(hub().message, "");
  });

  test("one after the other, when several come at once", async () => {
    const results = await Promise.all([
      apply({ name: "DEFAULT", users: [alice] }),
      apply({ name: "DEFAULT", users: [bob] }),
      apply({ name: "DEFAULT", users: [alice] }),
    ]);
    assert.deepEqual(results, [
      ["hub DEFAULT: SecureNAT on", "hub DEFAULT: user alice created"],
      ["hub DEFAULT: user alice deleted", "hub DEFAULT: user Bob created"],
      ["hub DEFAULT: user Bob deleted", "hub DEFAULT: user alice created"],
    ]);
  });

  test("gives SecureNAT to a new hub with users, and leaves that of others as it is", async () => {
    await store.updateHubs((hubs) => [...hubs, { ...createHubSettings("Theirs"), message: "ours" }]);
    assert.deepEqual(
      await apply(
        { name: "Theirs", users: [bob] },
        { name: "Empty" },
        { name: "Told", users: [bob], secureNat: false },
      ),
      [
        "hub Theirs: user Bob created",
        "hub Empty: created",
        "hub Told: created",
        "hub Told: user Bob created",
      ],
    );
    assert.deepEqual(await apply({ name: "DEFAULT", users: [bob] }), [
      "hub DEFAULT: SecureNAT on",
      "hub DEFAULT: user Bob created",
      "hub Theirs: user Bob deleted",
      "hub Empty: deleted",
      "hub Told: deleted",
    ]);
    assert.equal(hub().secureNat.enabled, true);
    assert.deepEqual(await apply({ name: "DEFAULT" }), ["hub DEFAULT: user Bob deleted"]);
    assert.deepEqual(await apply({ name: "DEFAULT", users: [bob] }), ["hub DEFAULT: user Bob created"]);
    assert.deepEqual(await apply({ name: "DEFAULT", users: [bob], secureNat: false }), [
      "hub DEFAULT: SecureNAT off",
    ]);
    assert.deepEqual(await apply({ name: "DEFAULT", users: [bob] }), []);
    assert.equal(hub().secureNat.enabled, false);
  });

  test("warns of a hub whose users get nowhere, until it is told what is meant", async () => {
    const warningsOf = async (...hubs: readonly object[]) =>
      (await applier.apply({ desired: { hubs }, dryRun: true })).warnings;
    await apply({ name: "DEFAULT", message: "without users" });
    const named = { name: "DEFAULT", users: [bob] };
    assert.deepEqual(await warningsOf(named), [
      "hub DEFAULT leads nowhere: it has neither SecureNAT nor a local bridge, so that its users reach each other alone; " +
        "set secureNat of the hub to true, or to false if that is meant",
    ]);
    for (const told of [
      { secureNat: true },
      { secureNat: false },
      { localBridges: [{ device: "eth1" }] },
      { users: [] },
    ])
      assert.equal(await warningsOf({ ...named, ...told }), undefined, JSON.stringify(told));
    await apply({ ...named, localBridges: [{ device: "eth1" }] });
    assert.equal((await warningsOf(named))?.length, 1, "the bridge goes");
    assert.equal(await warningsOf({ name: "Other", users: [bob] }), undefined, "a new hub gets SecureNAT");
  });

  test("SecureNAT is switched as told, and its plan stays that of others unless told", async () => {
    const theirs = { ...hub().secureNat, saveLog: false };
    await store.updateHubs((hubs) => hubs.map((each) => ({ ...each, secureNat: theirs })));
    assert.deepEqual(await apply({ name: "DEFAULT", secureNat: true }), ["hub DEFAULT: SecureNAT on"]);
    assert.deepEqual(hub().secureNat, { ...theirs, enabled: true });
    const desired = { name: "DEFAULT", secureNat: { address: "10.1.0.1/16", leaseSeconds: 60 } };
    assert.deepEqual(await apply(desired), ["hub DEFAULT: SecureNAT changed"]);
    const { mac } = theirs.host;
    assert.deepEqual(hub().secureNat.host, { mac, address: 0x0a01_0001, mask: 0xffff_0000 });
    assert.equal(hub().secureNat.dhcp.leaseSeconds, 60);
    assert.deepEqual(await apply(desired), []);
    assert.deepEqual(await apply({ name: "DEFAULT", secureNat: true }), ["hub DEFAULT: SecureNAT changed"]);
    assert.deepEqual(await apply({ name: "DEFAULT" }), ["hub DEFAULT: SecureNAT off"]);
    assert.deepEqual(hub().secureNat, createSecureNatSettings(mac));
  });

  test("makes and takes away local bridges, leaves those of others, and gives no bridged hub SecureNAT", async () => {
    const theirs = createLocalBridge("DEFAULT", "eth9", undefined);
    await store.update((settings) => ({ ...settings, localBridges: [theirs] }));
    assert.deepEqual(await apply({ name: "DEFAULT", users: [bob] }), ["hub DEFAULT: user Bob created"]);
    const desired = {
      name: "New",
      users: [bob],
      localBridges: [{ device: "br0" }, { device: "soft", tap: true }],
    };
    assert.deepEqual(await apply(desired), [
      "hub DEFAULT: user Bob deleted",
      "hub New: created",
      "hub New: user Bob created",
      "hub New: local bridge to br0 created",
      "hub New: local bridge to the TAP soft created",
    ]);
    const names = () => store.settings.localBridges.map(({ hubName, deviceName }) => [hubName, deviceName]);
    assert.deepEqual(names(), [
      ["DEFAULT", "eth9"],
      ["New", "br0"],
      ["New", "soft"],
    ]);
    assert.deepEqual(await apply(desired), []);
    assert.deepEqual(await apply({ ...desired, localBridges: [{ device: "BR0" }] }), [
      "hub New: local bridge to the TAP soft deleted",
    ]);
    assert.deepEqual(await apply(), ["hub New: deleted", "hub New: local bridge to br0 deleted"]);
    assert.deepEqual(store.settings.localBridges, [theirs]);
  });

  test("what cannot be written is not applied", async () => {
    await mkdir(paths.configFile);
    await assert.rejects(
      apply({ name: "DEFAULT", users: [alice] }),
      (error) => error instanceof ServerError && error.code === "STATE_INVALID",
    );
    assert.deepEqual(told, []);
    assert.equal(hub().users.size, 0);
  });

  for (const damaged of ["{", '{"hubs":7}', '{"hubs":{"a":null}}', '{"hubs":{"a":{"users":5}}}', "null"]) {
    test(`does not guess when its record is ${damaged}`, async () => {
      await writeFile(paths.appliedFile, damaged);
      await chmod(paths.appliedFile, 0o600);
      await assert.rejects(
        apply({ name: "DEFAULT", users: [alice] }),
        (error) =>
          error instanceof ServerError &&
          error.code === "STATE_INVALID" &&
          error.message.includes(paths.appliedFile),
      );
      assert.equal(hub().users.size, 0);
    });
  }
});

describe("apply of a certificate", () => {
  let own: IdentityPem;
  let leafPem: string;
  before(async () => {
    const authority = await certificateOf("CN=authority");
    const leaf = await certificateOf("CN=own", { issuer: authority, algorithm: "rsa" });
    own = await pemOf(leaf, authority);
    leafPem = new X509Certificate(leaf.certificate).toString();
  });
  const desired = (wanted?: IdentityPem, hubs: object[] = []) => ({
    hubs,
    ...(wanted && { certificate: wanted.certificatePem, privateKey: wanted.keyPem }),
  });
  const run = (value: object, dryRun = false) => applier.apply({ desired: value, dryRun });
  const changed = ["certificate of the server changed"];

  test("makes the server known by it, and tells its first certificate alone", async () => {
    const result = await run(desired(own, [{ name: "DEFAULT", message: "hello" }]));
    assert.deepEqual(result.changes, [...changed, "hub DEFAULT: message changed"]);
    assert.equal(result.certificate, leafPem);
    assert.equal(identity.certificatePem.match(/BEGIN/g)?.length, 2);
  });

  test("changes nothing the second time, also in another form", async () => {
    await run(desired(own));
    const { certificatePem } = own;
    const keyPem = createPrivateKey(own.keyPem).export({ format: "pem", type: "pkcs1" }) as string;
    for (const again of [own, { certificatePem: `# mine\n${certificatePem}`, keyPem }]) {
      assert.deepEqual((await run(desired(again))).changes, []);
    }
  });

  test("changes a chain that differs, too", async () => {
    await run(desired({ ...own, certificatePem: leafPem }));
    assert.deepEqual((await run(desired(own))).changes, changed);
  });

  test("leaves it as it is when it is no longer told", async () => {
    await run(desired(own));
    const result = await run(desired());
    assert.deepEqual([result.changes, result.certificate], [[], leafPem]);
  });

  test("only tells of it in a dry run", async () => {
    const result = await run(desired(own), true);
    assert.deepEqual([result.changed, result.changes], [true, changed]);
    assert.equal(identity, made);
  });

  test("refuses one whose time is over, unless it is the server's already", async () => {
    const short = await serverIdentity("CN=short", { notAfter: new Date(now + 60_000) });
    await run(desired(short));
    now += 120_000;
    assert.deepEqual((await run(desired(short))).changes, []);
    identity = made;
    await assert.rejects(run(desired(short)), (error) => {
      assert.ok(error instanceof ServerError && error.code === "USAGE");
      assert.match(error.message, /\n {2}certificate: expired at 2026-06-01T12:01:00.*; renew it/);
      return true;
    });
    assert.equal(identity, made);
  });

  test("changes nothing at all when it cannot be kept, or something else is wrong", async () => {
    diskIsFull = true;
    await assert.rejects(run(desired(own, [{ name: "DEFAULT", message: "hello" }])), /disk full/);
    assert.equal(hub().message, "");
    diskIsFull = false;
    await assert.rejects(
      run(desired(own, [{ name: "DEFAULT", users: [{ ...bob, group: "none" }] }])),
      /no group/,
    );
    assert.equal(identity, made);
  });
});
