import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { Authentication, HubSettings, UserSettings } from "../../../server/settings/hub-settings.ts";
import { subjectParts } from "../../../server/settings/revoked-certificate.ts";
import { Pack } from "../../../server/wire/pack.ts";
import { atOnce } from "../../../server/turns.ts";
import { hashPassword } from "../../../server/wire/sha0.ts";
import { identity, type Identity } from "./client-certificate.ts";
import {
  groupOf,
  hubOf,
  nodeId,
  now as startOfTests,
  passwordOf,
  policyWith,
  random,
  userOf,
} from "./login-fixture.ts";
import { addPack, errorOf, join, loginPack, setUp } from "../protocols/softether/service-fixture.ts";

type HubChange = Parameters<typeof hubOf>[0];

const denied = (...address: number[]) => ({
  action: "deny" as const,
  priority: 1,
  address: Uint8Array.from(address),
  mask: undefined,
});

/** Two users, of whom Bob stays as he is. */
const twoUsers = (alice: Partial<UserSettings> = {}, changed: HubChange = {}): HubSettings =>
  hubOf({ ...changed, users: [userOf("alice", alice), userOf("bob")] });

const administratorPack = (changed: Record<string, number> = {}) =>
  loginPack("administrator", changed, "DEFAULT", "hub");

describe("hubs that are changed at run time", () => {
  const before = twoUsers();
  const aliceAlone = ["SID-ALICE-1"];
  const all = ["SID-ALICE-1", "SID-BOB-2"];
  const changes: [string, HubSettings[], string[]][] = [
    ["nothing", [before], []],
    ["the same once more", [twoUsers()], []],
    ["another password", [twoUsers({ authentication: passwordOf("new", "alice") })], aliceAlone],
    ["no password any more", [twoUsers({ authentication: { type: "anonymous" } })], aliceAlone],
    ["another way to log in", [twoUsers({ authentication: { type: "radius", name: "alice" } })], aliceAlone],
    [
      "the NT hash of the same password",
      [
        twoUsers({
          authentication: { ...passwordOf("secret", "alice"), ntLmHash: nodeId(1) } as Authentication,
        }),
      ],
      [],
    ],
    ["a note", [twoUsers({ note: "changed", updatedAt: 1 })], []],
    ["a user is gone", [hubOf({ users: [userOf("bob")] })], aliceAlone],
    ["a policy", [twoUsers({ policy: policyWith({ MaxUpload: 1000 }) })], aliceAlone],
    ["a policy without access", [twoUsers({ policy: policyWith({ Access: false }) })], aliceAlone],
    ["a user has expired", [twoUsers({ expiresAt: startOfTests })], aliceAlone],
    ["a user will expire", [twoUsers({ expiresAt: startOfTests + 1 })], []],
    [
      "a group of the same policy",
      [twoUsers({ group: "staff" }, { groups: [groupOf("Staff")] })],
      aliceAlone,
    ],
    ["the hub is offline", [{ ...before, online: false }], all],
    ["the hub is gone", [hubOf({ name: "OTHER" })], all],
    ["another hub comes", [before, hubOf({ name: "OTHER" })], []],
    ["the hub's password", [twoUsers({}, { securePassword: hashPassword("x", "administrator") })], []],
    ["addresses are denied", [twoUsers({}, { sourceAddresses: [denied(192, 0, 2, 9)] })], all],
    ["other addresses are denied", [twoUsers({}, { sourceAddresses: [denied(192, 0, 2, 8)] })], []],
    ["newer clients are asked for", [twoUsers({}, { options: { ClientMinimumRequiredBuild: 9999 } })], all],
    ["another client id is asked for", [twoUsers({}, { options: { RequiredClientId: 7 } })], all],
    ["an option that asks nothing of clients", [twoUsers({}, { options: { FilterBPDU: true } })], []],
    ["empty passwords are denied", [twoUsers({}, { adminOptions: { deny_empty_password: 1 } })], []],
    ["fewer logins of a user", [twoUsers({}, { adminOptions: { max_multilogins_per_user: 1 } })], all],
    ["a bit rate", [twoUsers({}, { adminOptions: { max_bitrates_upload: 1 } })], all],
    ["fewer sessions, the last one goes", [twoUsers({}, { maxSessions: 1 })], ["SID-BOB-2"]],
    ["as many sessions as there are", [twoUsers({}, { maxSessions: 2 })], []],
    [
      "fewer sessions for its administrator",
      [twoUsers({}, { adminOptions: { max_sessions: 1 } })],
      ["SID-BOB-2"],
    ],
    [
      "no sessions of clients",
      [twoUsers({}, { adminOptions: { max_sessions_client_bridge_apply: 1, max_sessions_bridge: 5 } })],
      all,
    ],
    ["room that another's end has made", [hubOf({ maxSessions: 1, users: [userOf("bob")] })], aliceAlone],
  ];
  for (const [what, after, ended] of changes) {
    test(`${what}: ends ${ended.length === 0 ? "no session" : ended.join(" and ")}`, () => {
      const { ask, hubs, plugged, sessions } = setUp([before]);
      join(ask(loginPack("alice")));
      join(ask(loginPack("bob")));
      assert.deepEqual(hubs.apply(after), ended);
      assert.deepEqual(
        [...plugged],
        all.filter((name) => !ended.includes(name)),
      );
      assert.equal([...sessions].length, all.length - ended.length);
      assert.deepEqual(
        [...hubs].map(({ hub }) => hub.settings),
        after,
      );
    });
  }

  test("many sessions are looked at in steps, while the settings hold and sessions come and go", () => {
    const { ask, hubs, plugged } = setUp([before]);
    const names = Array.from({ length: 60 }, (_, index) => `SID-ALICE-${index + 1}`);
    for (let count = 0; count < names.length; count++) join(ask(loginPack("alice")));
    assert.deepEqual([...plugged], names);
    const after = twoUsers({ policy: policyWith({ MaxIP: 9 }) });
    const [review] = hubs.begin([after]);
    assert.equal(review?.hub, after.name.toLowerCase());
    assert.equal([...hubs][0]?.hub.settings, after);
    assert.equal(plugged.size, names.length);
    // Under the new settings; and one that leaves by itself before its turn.
    join(ask(loginPack("alice")));
    [...hubs][0]?.sessions.get(names.at(-1) ?? "")?.session.end("ended by the administrator");
    let steps = 0;
    for (; ; steps++) {
      const left = plugged.size;
      const { done, value } = review.steps.next();
      assert.ok(left - plugged.size <= 1, "one end in a step");
      if (done !== true) continue;
      assert.deepEqual(value, names.slice(0, -1));
      break;
    }
    assert.ok(steps >= names.length - 1);
    assert.deepEqual([...plugged], ["SID-ALICE-61"]);
  });

  test("the sessions of a hub that is gone end in steps, whoever makes a hub of its name", () => {
    const { ask, hubs } = setUp([before]);
    for (let count = 0; count < 5; count++) join(ask(loginPack("alice")));
    const [review] = hubs.begin([]);
    hubs.apply([before]);
    join(ask(loginPack("alice")));
    const ended = review === undefined ? [] : atOnce(review.steps);
    assert.equal(ended.length, 5);
    assert.deepEqual(
      [...hubs].map(({ sessions }) => [...sessions.keys()]),
      [["SID-ALICE-1"]],
    );
  });

  test("a user leaves its group: ends its session, whatever the policies", () => {
    const groups = [groupOf("Staff"), groupOf("Guests")];
    const { ask, hubs } = setUp([twoUsers({ group: "Staff" }, { groups })]);
    join(ask(loginPack("alice")));
    assert.deepEqual(hubs.apply([twoUsers({ group: "STAFF" }, { groups })]), []);
    assert.deepEqual(hubs.apply([twoUsers({ group: "Guests" }, { groups })]), ["SID-ALICE-1"]);
  });

  test("the group's policy holds for its users without one of their own", () => {
    const of = (policy: Parameters<typeof groupOf>[1]) =>
      hubOf({
        groups: [groupOf("Staff", policy)],
        users: [
          userOf("alice", { group: "Staff" }),
          userOf("bob", { group: "Staff", policy: policyWith({}) }),
        ],
      });
    const { ask, hubs } = setUp([of({})]);
    join(ask(loginPack("alice")));
    join(ask(loginPack("bob")));
    assert.deepEqual(hubs.apply([of({ Access: false })]), ["SID-ALICE-1"]);
  });

  test("monitoring ends with the right to monitor", () => {
    const of = (MonitorPort: boolean) => twoUsers({ policy: policyWith({ MonitorPort }) });
    const { ask, hubs, security } = setUp([of(true)]);
    join(ask(loginPack("alice", { require_monitor_mode: 1 })));
    assert.deepEqual(hubs.apply([of(false)]), ["SID-ALICE-1"]);
    assert.match(security.at(-1) ?? "", /not allowed any more: .* allows no monitoring mode/);
  });

  test("the hub's administrator stays by the password of the login, and by no limit of sessions", () => {
    const { ask, hubs } = setUp([twoUsers()]);
    join(ask(administratorPack()));
    join(ask(loginPack("alice")));
    join(ask(administratorPack()));
    assert.deepEqual(hubs.apply([twoUsers({}, { maxSessions: 1 })]), ["SID-ALICE-2"]);
    const other = twoUsers({}, { securePassword: hashPassword("new", "administrator") });
    assert.deepEqual(hubs.apply([other]), ["SID-ADMINISTRATOR-1", "SID-ADMINISTRATOR-3"]);
  });

  test("a user with an empty password stays where such are taken: on this host", () => {
    const empty = (adminOptions: HubSettings["adminOptions"]) =>
      twoUsers({ authentication: passwordOf("", "alice") }, { adminOptions });
    const { ask, hubs } = setUp([empty({})]);
    join(ask(loginPack("alice", {}, "DEFAULT", "")));
    join(ask(loginPack("alice", {}, "DEFAULT", ""), { address: "127.0.0.1" }));
    assert.deepEqual(hubs.apply([empty({ deny_empty_password: 1 })]), ["SID-ALICE-1"]);
  });

  test("an address is denied from which a further connection came", () => {
    const { ask, hubs } = setUp([twoUsers()]);
    const { pack } = join(ask(loginPack("alice")));
    const key = pack.data("session_key");
    assert.ok(key);
    const further = join(ask(addPack(key), { address: "198.51.100.7" }));
    further.events?.closed();
    const rules = { sourceAddresses: [denied(198, 51, 100, 7)] };
    assert.deepEqual(hubs.apply([twoUsers({}, rules)]), []);
    assert.equal(errorOf(ask(addPack(key), { address: "198.51.100.7" })), "addressDenied");
    hubs.apply([twoUsers()]);
    join(ask(addPack(key), { address: "198.51.100.7" }));
    assert.deepEqual(hubs.apply([twoUsers({}, rules)]), ["SID-ALICE-1"]);
  });

  test("the log tells why", () => {
    const { ask, hubs, security } = setUp([twoUsers()]);
    join(ask(loginPack("alice")));
    join(ask(loginPack("bob")));
    hubs.apply([hubOf({ users: [userOf("bob", { policy: policyWith({ MaxIP: 9 }) })] })]);
    assert.deepEqual(security.slice(-2), [
      'DEFAULT: Session "SID-ALICE-1": ended (not allowed any more: user "alice" was deleted).',
      'DEFAULT: Session "SID-BOB-2": ended (user changed: the policy of user "bob" changed).',
    ]);
  });

  test("a login that waits meanwhile is held against the settings of now", async () => {
    const { ask, hubs, goOn } = setUp([twoUsers()]);
    while (!(ask(loginPack("alice", {}, "DEFAULT", "wrong")) instanceof Promise));
    const late = ask(loginPack("alice"));
    hubs.apply([twoUsers({ expiresAt: startOfTests - 1 })]);
    goOn();
    assert.equal(errorOf(await late), "accessDenied");
  });
});

describe("time that takes a right away", () => {
  test("ends sessions at the expiry of their user, and no others", () => {
    const { ask, pass, sessions } = setUp([twoUsers({ expiresAt: startOfTests + 5_000 })]);
    const alice = join(ask(loginPack("alice")));
    join(ask(loginPack("bob")));
    pass(4_999);
    assert.equal(alice.connection.closed, false);
    pass(1);
    assert.equal(alice.connection.closed, true);
    assert.deepEqual(
      [...sessions].map(({ session }) => session.name),
      ["SID-BOB-2"],
    );
  });

  test("is that of the settings of now: an expiry that was set, put off or taken back while the session lives", () => {
    const { ask, pass, hubs, security } = setUp([twoUsers()]);
    const alice = join(ask(loginPack("alice")));
    hubs.apply([twoUsers({ expiresAt: startOfTests + 5_000 })]);
    pass(4_000);
    hubs.apply([twoUsers({ expiresAt: startOfTests + 8_000 })]);
    pass(3_999);
    assert.equal(alice.connection.closed, false);
    hubs.apply([twoUsers()]);
    pass(10_000);
    assert.equal(alice.connection.closed, false);
    hubs.apply([twoUsers({ expiresAt: startOfTests + 18_000 })]);
    pass(1);
    assert.equal(alice.connection.closed, true);
    assert.match(
      security.at(-1) ?? "",
      /ended \(not allowed any more: user "alice" expired at 2026-06-01T12:00:18/,
    );
  });

  test("is looked at only when it has come, however many users there are", () => {
    const users = Array.from({ length: 1_000 }, (_, index) =>
      userOf(`user${index}`, { expiresAt: startOfTests + 1_000 * index }),
    );
    let looks = 0;
    const hub = hubOf({ users: [userOf("alice", { expiresAt: startOfTests + 5_000 }), ...users] });
    const counting = new Proxy(hub, {
      get: (target, name: keyof HubSettings) => {
        if (name === "users") looks++;
        return target[name];
      },
    });
    const { ask, pass } = setUp([counting]);
    const alice = join(ask(loginPack("alice")));
    looks = 0;
    for (let tick = 0; tick < 19; tick++) pass(250);
    assert.equal(looks, 0);
    pass(250);
    assert.equal(alice.connection.closed, true);
  });
});

describe("sessions by certificate", () => {
  let root: Identity;
  let signed: Identity;
  let otherRoot: Identity;
  before(async () => {
    root = await identity({ name: "CN=root" });
    otherRoot = await identity({ name: "CN=other" });
    signed = await identity({ issuer: root, serial: "2a" });
  });

  const byAuthority: Authentication = {
    type: "signed-certificate",
    commonName: "",
    serial: new Uint8Array(),
  };
  const hubWith = (authentication: Authentication, changed: HubChange = {}) =>
    hubOf({
      trustedAuthorities: [otherRoot.certificate, root.certificate],
      ...changed,
      users: [userOf("alice", { authentication })],
    });
  const certificatePack = async (by: Identity) =>
    new Pack()
      .addStr("method", "login")
      .addStr("hubname", "DEFAULT")
      .addStr("username", "alice")
      .addInt("authtype", 3)
      .addData("cert", by.certificate)
      .addData("sign", await by.sign(random))
      .addStr("hello", "SoftEther VPN Client")
      .addInt("use_encrypt", 1);
  /** A session that this certificate has opened. */
  const live = async (hub: HubSettings, by: Identity) => {
    const set = setUp([hub]);
    const { connection } = join(set.ask(await certificatePack(by)));
    const isAlive = () => !connection.closed;
    assert.ok(isAlive());
    return { ...set, isAlive };
  };
  const revocation = (changed: object) => ({
    subject: Object.fromEntries(subjectParts.map((part) => [part, ""])) as never,
    serial: new Uint8Array(),
    md5: new Uint8Array(),
    sha1: new Uint8Array(),
    ...changed,
  });

  test("end when the certificate is revoked, and not when another is", async () => {
    const { hubs, isAlive, security } = await live(hubWith(byAuthority), signed);
    const revoked = (serial: number) => ({
      revokedCertificates: [revocation({ serial: Uint8Array.of(serial) })],
    });
    hubs.apply([hubWith(byAuthority, revoked(0x2b))]);
    assert.ok(isAlive());
    hubs.apply([hubWith(byAuthority, revoked(0x2a))]);
    assert.ok(!isAlive());
    assert.match(security.at(-1) ?? "", /not allowed any more: the client's certificate is revoked/);
  });

  test("end when their authority is trusted no more", async () => {
    const { hubs, isAlive } = await live(hubWith(byAuthority), signed);
    hubs.apply([hubWith(byAuthority, { trustedAuthorities: [root.certificate] })]);
    assert.ok(isAlive());
    hubs.apply([hubWith(byAuthority, { trustedAuthorities: [otherRoot.certificate] })]);
    assert.ok(!isAlive());
  });

  test("end when another name or serial number is asked for", async () => {
    const of = (serial: number): Authentication => ({
      type: "signed-certificate",
      commonName: "",
      serial: Uint8Array.of(serial),
    });
    const { hubs, isAlive } = await live(hubWith(of(0x2a)), signed);
    hubs.apply([hubWith(of(0x2b))]);
    assert.ok(!isAlive());
  });

  test("end when the user's own certificate is replaced", async () => {
    const exactly = ({ certificate }: Identity): Authentication => ({ type: "certificate", certificate });
    const { hubs, isAlive } = await live(hubWith(exactly(signed)), signed);
    hubs.apply([hubWith({ type: "certificate", certificate: Buffer.from(signed.certificate) })]);
    assert.ok(isAlive());
    hubs.apply([hubWith(exactly(otherRoot))]);
    assert.ok(!isAlive());
  });

  test("end when the certificate expires", async () => {
    const client = await identity({ issuer: root, notAfter: new Date(startOfTests + 3_000) });
    const { pass, isAlive, security } = await live(hubWith(byAuthority), client);
    pass(3_000);
    assert.ok(isAlive());
    pass(1);
    assert.ok(!isAlive());
    assert.match(security.at(-1) ?? "", /not allowed any more: the client's certificate has expired/);
  });

  test("end when their authority expires", async () => {
    const soon = await identity({ name: "CN=soon", notAfter: new Date(startOfTests + 3_000) });
    const client = await identity({ issuer: soon });
    const { pass, isAlive, security } = await live(
      hubWith(byAuthority, { trustedAuthorities: [soon.certificate] }),
      client,
    );
    pass(3_000);
    assert.ok(isAlive());
    pass(1);
    assert.ok(!isAlive());
    assert.match(security.at(-1) ?? "", /no trusted authority of the hub signed the certificate/);
  });
});

describe("a user that may have one session", () => {
  const once = twoUsers({ policy: policyWith({ MultiLogins: 1 }) });
  const from = (machine: number, user = "alice") => loginPack(user).addData("UniqueId", nodeId(machine));
  const keyOf = ({ pack }: ReturnType<typeof join>) => {
    const key = pack.data("session_key");
    assert.ok(key);
    return key;
  };
  const names = ({ sessions }: ReturnType<typeof setUp>) => [...sessions].map(({ session }) => session.name);

  test("has one, however often the same machine logs in", () => {
    const set = setUp([once]);
    const logins = Array.from({ length: 6 }, () => join(set.ask(from(7))));
    assert.deepEqual(names(set), ["SID-ALICE-6"]);
    assert.deepEqual([...set.plugged], ["SID-ALICE-6"]);
    assert.deepEqual(
      logins.map(({ connection }) => connection.closed),
      [true, true, true, true, true, false],
    );
    assert.match(set.security.join("\n"), /"SID-ALICE-5": ended \(replaced: .*user "alice" came again\)/);
  });

  test("has one also when all logins come before any is a session's connection", () => {
    const set = setUp([once]);
    const answers = [set.ask(from(7)), set.ask(from(7)), set.ask(from(7))];
    const attached = answers.map((answer) => join(answer).events !== undefined);
    assert.deepEqual(attached, [false, false, true]);
    assert.equal(names(set).length, 1);
  });

  test("keeps it from another machine, which is told so", () => {
    const set = setUp([once]);
    join(set.ask(from(7)));
    assert.equal(errorOf(set.ask(from(8))), "tooManyUserSessions");
    assert.deepEqual(names(set), ["SID-ALICE-1"]);
  });

  test("cannot have two by taking up an old one again", () => {
    const set = setUp([once]);
    const first = join(set.ask(from(7)));
    first.events?.closed();
    const second = join(set.ask(from(8)));
    assert.equal(errorOf(set.ask(addPack(keyOf(first)))), "sessionTimeout");
    assert.equal(second.connection.closed, false);
    assert.deepEqual(names(set), ["SID-ALICE-2"]);
  });

  test("takes a lost session up again as long as nobody came instead", () => {
    const set = setUp([once]);
    const first = join(set.ask(from(7)));
    first.events?.closed();
    join(set.ask(addPack(keyOf(first))));
    assert.deepEqual(names(set), ["SID-ALICE-1"]);
  });

  test("ends nobody else's session by telling the machine of another user", () => {
    const set = setUp([once]);
    const bob = join(set.ask(from(7, "bob")));
    join(set.ask(from(7)));
    join(set.ask(from(7)));
    assert.equal(bob.connection.closed, false);
    assert.deepEqual(names(set), ["SID-BOB-1", "SID-ALICE-3"]);
  });

  test("ends nothing by a wrong password", () => {
    const set = setUp([once]);
    const alice = join(set.ask(from(7)));
    const wrong = loginPack("alice", {}, "DEFAULT", "wrong").addData("UniqueId", nodeId(7));
    assert.equal(errorOf(set.ask(wrong)), "authenticationFailed");
    assert.equal(alice.connection.closed, false);
  });

  test("has several from one machine where nothing limits it", () => {
    const set = setUp([twoUsers()]);
    for (let login = 0; login < 3; login++) join(set.ask(from(7)));
    assert.equal(names(set).length, 3);
  });
});
