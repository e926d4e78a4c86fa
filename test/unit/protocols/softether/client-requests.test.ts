import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { passwordLimits } from "../../../../server/limits.ts";
import { DecodeError } from "../../../../server/wire/decode-error.ts";
import { Pack } from "../../../../server/wire/pack.ts";
import { hashPassword } from "../../../../server/wire/sha0.ts";
import { hubOf, userOf } from "../../access/login-fixture.ts";
import { addPack, errorOf, join, loginPack, passwordPack, setUp } from "./service-fixture.ts";

describe("requests of clients", () => {
  test("welcomes a user with a session of its own that is plugged into the hub", () => {
    const { ask, plugged, sessions, security } = setUp();
    const alice = join(ask(loginPack("Alice")));
    const bob = join(ask(loginPack("bob")));
    assert.deepEqual(
      [alice.pack.str("session_name"), bob.pack.str("session_name")],
      ["SID-ALICE-1", "SID-BOB-2"],
    );
    assert.equal(alice.pack.str("connection_name"), "CID-1");
    assert.equal(alice.pack.int("timeout"), 20_000);
    assert.equal(alice.pack.int("use_encrypt"), 1);
    assert.notDeepEqual(alice.pack.data("session_key"), bob.pack.data("session_key"));
    assert.deepEqual([...plugged], ["SID-ALICE-1", "SID-BOB-2"]);
    assert.equal([...sessions].length, 2);
    assert.match(security.join("\n"), /DEFAULT: .*user "Alice" was authenticated by password/);
    assert.match(security.join("\n"), /DEFAULT: Session "SID-BOB-2": began for user "bob" from 192\.0\.2\.9/);
  });

  test("tells why a login is refused, and logs it", () => {
    const { ask, security, plugged } = setUp([
      hubOf({ users: [userOf("alice")] }),
      hubOf({ name: "CLOSED", online: false, users: [userOf("alice")] }),
    ]);
    assert.equal(errorOf(ask(loginPack("alice", {}, "NOWHERE"))), "hubNotFound");
    assert.equal(errorOf(ask(loginPack("alice", {}, "closed"))), "hubStopped");
    assert.equal(errorOf(ask(loginPack("alice", {}, "DEFAULT", "wrong"))), "authenticationFailed");
    assert.equal(errorOf(ask(loginPack("mallory"))), "authenticationFailed");
    assert.match(security.join("\n"), /server: .* refused: there is no hub "NOWHERE"/);
    assert.match(security.join("\n"), /CLOSED: .* refused: the hub is offline/);
    assert.match(security.join("\n"), /wrong password of user "alice"/);
    assert.match(security.join("\n"), /no user "mallory"/);
    assert.equal(plugged.size, 0);
  });

  test("makes guessing a user's password slow, for that user and address", async () => {
    const { ask, goOn, hubs, plugged } = setUp();
    const wrong = () => ask(loginPack("alice", {}, "DEFAULT", "wrong"));
    for (let index = 0; index <= passwordLimits.freeFailures; index++) {
      assert.equal(errorOf(wrong()), "authenticationFailed");
    }
    // Others do not wait for it.
    assert.equal(errorOf(ask(loginPack("bob"))), "join");
    assert.equal(errorOf(ask(loginPack(), { address: "192.0.2.10" })), "join");
    const [guess, right] = [wrong(), ask(loginPack())];
    assert.ok(guess instanceof Promise && right instanceof Promise);
    goOn();
    assert.equal(errorOf(await guess), "authenticationFailed");
    assert.equal(errorOf(await right), "join");
    // The right one ends it.
    assert.equal(errorOf(wrong()), "authenticationFailed");
    for (let index = 0; index < passwordLimits.freeFailures; index++) errorOf(wrong());
    const before = plugged.size;
    const connection = new AbortController();
    const left = ask(loginPack(), { gone: connection.signal });
    connection.abort();
    assert.equal(errorOf(await left), "disconnected");
    assert.equal(plugged.size, before, "no session of a client that has left");
    const late = ask(loginPack());
    hubs.apply([]);
    goOn();
    assert.equal(errorOf(await late), "hubStopped");
  });

  test("makes guessing by a change of the password slow as well", async () => {
    const { ask, goOn, stored } = setUp();
    const guess = () => ask(passwordPack("wrong"));
    for (let index = 0; index <= passwordLimits.freeFailures; index++) {
      assert.equal(errorOf(await guess()), "oldPasswordWrong");
    }
    const early = Array.from({ length: passwordLimits.looksAtOnce }, guess);
    const oldest = ask(passwordPack("secret"));
    const attempts = [oldest, ...Array.from({ length: passwordLimits.waitingPerAddress }, guess)];
    for (const attempt of early) await attempt;
    goOn();
    for (const attempt of attempts) assert.equal(errorOf(await attempt), "oldPasswordWrong");
    assert.deepEqual(stored, []);
  });

  test("tells the security log of a hub when it goes on and off, and away", () => {
    const { hubs, security } = setUp([hubOf()]);
    hubs.apply([hubOf({ online: false })]);
    hubs.apply([hubOf({ online: false, message: "x" })]);
    hubs.apply([hubOf()]);
    hubs.apply([]);
    assert.deepEqual(security, [
      "DEFAULT: The Virtual Hub is online.",
      "DEFAULT: The Virtual Hub is offline.",
      "DEFAULT: The Virtual Hub is online.",
      "DEFAULT: The Virtual Hub was deleted.",
    ]);
  });

  test("keeps out whom the rules for source addresses deny, before it looks at the password", () => {
    const deny = {
      action: "deny" as const,
      priority: 1,
      address: Uint8Array.of(192, 0, 2, 0),
      mask: Uint8Array.of(255, 255, 255, 0),
    };
    const { ask, security } = setUp([hubOf({ users: [userOf("alice")], sourceAddresses: [deny] })]);
    for (const password of ["secret", "wrong"]) {
      assert.equal(errorOf(ask(loginPack("alice", {}, "DEFAULT", password))), "addressDenied");
    }
    assert.equal(errorOf(ask(loginPack(), { address: "198.51.100.1" })), "join");
    assert.equal(errorOf(ask(loginPack(), { address: "2001:db8::1" })), "join");
    assert.match(security.join("\n"), /the hub takes no clients from 192\.0\.2\.9/);
  });

  test("adds connections to a session up to what was agreed, each with its direction", () => {
    const { ask } = setUp();
    const first = join(ask(loginPack("alice", { max_connection: 3, half_connection: 1 })));
    const key = first.pack.data("session_key");
    assert.ok(key);
    assert.equal(join(ask(addPack(key))).pack.int("direction"), 1);
    assert.equal(join(ask(addPack(key))).pack.int("direction"), 1);
    assert.equal(errorOf(ask(addPack(key))), "tooManyConnections");
    first.events?.closed();
    assert.equal(join(ask(addPack(key))).pack.int("direction"), 2);
  });

  test("looks at few of many sessions in one step", () => {
    const { ask, sessions } = setUp();
    for (let count = 0; count < 64; count++) join(ask(loginPack()));
    assert.equal([...sessions].length, 64);
    let steps = 1;
    for (const step = sessions.tick(); step.next().done !== true;) steps++;
    assert.ok(steps >= 4, `${steps} steps`);
  });

  test("knows no session by another key, and none that has ended", () => {
    const { ask, pass, plugged, sessions } = setUp();
    assert.equal(errorOf(ask(addPack(new Uint8Array(20)))), "sessionTimeout");
    const { pack } = join(ask(loginPack()));
    const key = pack.data("session_key");
    assert.ok(key);
    pass(20_001);
    assert.equal(errorOf(ask(addPack(key))), "sessionTimeout");
    assert.equal(plugged.size, 0);
    assert.equal([...sessions].length, 0);
  });

  test("throws only a decode error for a request that says nonsense", () => {
    const { ask } = setUp();
    for (const pack of [
      new Pack().addStr("method", "login"),
      new Pack().addStr("method", "additional_connect").addData("session_key", new Uint8Array(19)),
    ]) {
      assert.throws(() => ask(pack), DecodeError);
    }
    assert.equal(errorOf(ask(new Pack().addStr("method", "ext"))), "protocol");
    assert.equal(errorOf(ask(new Pack().addStr("method", "farm_connect"))), "notFarmController");
  });

  test("stays encrypted where the connection cannot go on in clear, and says so", () => {
    const { ask } = setUp();
    const inClear = join(ask(loginPack("alice", { use_encrypt: 0 })));
    assert.deepEqual([inClear.encrypt, inClear.pack.int("use_encrypt")], [false, 0]);
    const encrypted = join(ask(loginPack("bob", { use_encrypt: 0 }), { canLeaveTls: false }));
    assert.deepEqual([encrypted.encrypt, encrypted.pack.int("use_encrypt")], [true, 1]);
  });

  test("lists the hubs that do not hide", () => {
    const { ask } = setUp([
      hubOf(),
      hubOf({ name: "HIDDEN", options: { NoEnum: true } }),
      hubOf({ name: "OPEN" }),
    ]);
    const answer = ask(new Pack().addStr("method", "enum_hub"));
    assert.ok(!(answer instanceof Promise) && answer.type === "reply");
    assert.deepEqual(
      [answer.pack.str("HubName"), answer.pack.str("HubName", 1), answer.pack.int("NumHub")],
      ["DEFAULT", "OPEN", 2],
    );
  });

  test("keeps a user's new password, and tells a wrong old one", async () => {
    const { ask, stored } = setUp();
    assert.deepEqual(await ask(passwordPack("guess")), { type: "error", error: "oldPasswordWrong" });
    assert.equal(stored.length, 0);
    const answer = await ask(passwordPack("secret"));
    assert.ok(answer.type === "reply");
    assert.equal(answer.pack.int("error"), 0);
    const [kept] = stored;
    assert.equal(stored.length, 1);
    assert.deepEqual([kept?.hub, kept?.user.name], ["DEFAULT", "alice"]);
    assert.ok(kept?.user.authentication.type === "password");
    assert.deepEqual(Buffer.from(kept.user.authentication.hashedKey), hashPassword("new", "alice"));
  });

  test("writes a user's new password once in a while, however often it asks", async () => {
    const { ask, stored, pass } = setUp();
    const answers = await Promise.all(Array.from({ length: 20 }, async () => ask(passwordPack("secret"))));
    assert.equal(answers.filter((answer) => errorOf(answer) === "serverCannotAccept").length, 19);
    assert.equal(stored.length, 1);
    pass(passwordLimits.changeMs);
    assert.ok((await ask(passwordPack("secret"))).type === "reply");
    assert.equal(stored.length, 2);
  });

  test("ends all sessions and takes no more when the server stops", () => {
    const { ask, sessions } = setUp();
    const alice = join(ask(loginPack()));
    sessions.close();
    assert.equal(alice.connection.closed, true);
    assert.equal(errorOf(ask(loginPack())), "serverCannotAccept");
  });
});
