import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { packBeforeLoginLimits } from "../../../../server/limits.ts";
import type { HubSettings } from "../../../../server/settings/hub-settings.ts";
import { authenticate } from "../../../../server/access/authenticate.ts";
import {
  changePassword,
  decodePasswordChange,
  type PasswordChange,
} from "../../../../server/protocols/softether/change-password.ts";
import { decodePack, encodePack, Pack } from "../../../../server/wire/pack.ts";
import { hashPassword, secureResponse } from "../../../../server/wire/sha0.ts";
import { groupOf, hubOf, now, policyWith, random, userOf } from "../../access/login-fixture.ts";

const ntLmHash = new Uint8Array(16).fill(7);

function changeOf(changed: Partial<PasswordChange> & { old?: string } = {}): PasswordChange {
  const { old = "secret", ...rest } = changed;
  return {
    hubName: "DEFAULT",
    userName: "alice",
    response: secureResponse(hashPassword(old, "alice"), random),
    hashedKey: hashPassword("new", "alice"),
    ntLmHash,
    ...rest,
  };
}

/** What the client is told. */
function answer(hub: HubSettings, change = changeOf()): string {
  const result = changePassword(hub, change, { random, now });
  return result.type === "refused" ? result.error : result.type;
}

describe("change of a user's password", () => {
  const alice = userOf("Alice", { note: "kept", group: "staff" });

  test("makes settings with the new one, and nothing else is another", () => {
    const result = changePassword(hubOf({ users: [alice] }), changeOf({ userName: "ALICE" }), {
      random,
      now,
    });
    assert.deepEqual(result, {
      type: "changed",
      user: {
        ...alice,
        authentication: { type: "password", hashedKey: hashPassword("new", "alice"), ntLmHash },
        updatedAt: now,
      },
    });
    assert.equal(alice.updatedAt, 0);
  });

  test("lets the user log in with the new one, and no longer with the old", () => {
    const result = changePassword(hubOf({ users: [alice] }), changeOf(), { random, now });
    assert.ok(result.type === "changed");
    const hub = hubOf({ users: [result.user] });
    const login = (password: string) =>
      authenticate(
        hub,
        { userName: "alice", proof: { type: "plain-password", password } },
        { now, loopback: false },
      ).type;
    assert.deepEqual([login("new"), login("secret")], ["authenticated", "refused"]);
  });

  test("to the same, which is stored with its NT hash already, changes nothing", () => {
    const hashedKey = hashPassword("secret", "alice");
    const stored = (hash: Uint8Array) =>
      userOf("alice", { authentication: { type: "password", hashedKey, ntLmHash: hash } });
    const same = (user: ReturnType<typeof stored>) => {
      const result = changePassword(hubOf({ users: [user] }), changeOf({ hashedKey }), { random, now });
      assert.ok(result.type === "changed");
      return result.user === user;
    };
    assert.equal(same(stored(ntLmHash)), true);
    assert.equal(same(stored(new Uint8Array(16))), false);
  });

  test("takes the old one, in answer to this challenge", () => {
    const hub = hubOf({ users: [alice] });
    assert.equal(answer(hub, changeOf({ old: "wrong" })), "oldPasswordWrong");
    assert.equal(answer(hub, changeOf({ response: hashPassword("secret", "alice") })), "oldPasswordWrong");
    const other = secureResponse(hashPassword("secret", "alice"), new Uint8Array(20));
    assert.equal(answer(hub, changeOf({ response: other })), "oldPasswordWrong");
  });

  test("takes no old key of zeros", () => {
    const zeros = new Uint8Array(20);
    const user = userOf("alice", {
      authentication: { type: "password", hashedKey: zeros, ntLmHash: new Uint8Array(16) },
    });
    const change = changeOf({ response: secureResponse(zeros, random) });
    assert.equal(answer(hubOf({ users: [user] }), change), "oldPasswordWrong");
  });

  test("of a user that is not there is told as a wrong one", () => {
    assert.equal(answer(hubOf()), "oldPasswordWrong");
    assert.equal(answer(hubOf(), changeOf({ userName: "administrator" })), "oldPasswordWrong");
  });

  test("is for users that have one", () => {
    const user = userOf("alice", { authentication: { type: "anonymous" } });
    assert.equal(answer(hubOf({ users: [user] })), "userHasNoPassword");
  });

  test("is not for users whose policy fixes it, even with the right one", () => {
    const fixed = policyWith({ FixPassword: true });
    const groups = [groupOf("Staff", { FixPassword: true })];
    assert.equal(answer(hubOf({ users: [userOf("alice", { policy: fixed })] })), "notEnoughRights");
    assert.equal(answer(hubOf({ groups, users: [userOf("alice", { group: "staff" })] })), "notEnoughRights");
    const free = userOf("alice", { group: "staff", policy: policyWith({}) });
    assert.equal(answer(hubOf({ groups, users: [free] })), "changed");
  });
});

describe("request to change a password", () => {
  const packOf = (change: PasswordChange): Pack =>
    new Pack()
      .addStr("method", "password")
      .addStr("hubname", change.hubName)
      .addStr("username", change.userName)
      .addData("secure_old_password", change.response)
      .addData("new_password", change.hashedKey);

  test("is read whole", () => {
    const pack = packOf(changeOf()).addData("new_password_ntlm", ntLmHash);
    const change = decodePasswordChange(decodePack(encodePack(pack), packBeforeLoginLimits));
    assert.deepEqual(change, {
      ...changeOf(),
      response: Uint8Array.from(changeOf().response),
      hashedKey: Uint8Array.from(changeOf().hashedKey),
    });
  });

  test("has an NT hash of zeros where the client sent none, or one of another size", () => {
    assert.deepEqual(decodePasswordChange(packOf(changeOf())).ntLmHash, new Uint8Array(16));
    const wrong = packOf(changeOf()).addData("new_password_ntlm", new Uint8Array(20).fill(1));
    assert.deepEqual(decodePasswordChange(wrong).ntLmHash, new Uint8Array(16));
  });

  test("is refused when a field is missing or of the wrong size", () => {
    const all = [...packOf(changeOf()).elements()];
    for (const missing of ["hubname", "username", "secure_old_password", "new_password"]) {
      const pack = new Pack();
      for (const { name, content } of all) if (name !== missing) pack.add(name, content);
      assert.throws(() => decodePasswordChange(pack), { name: "DecodeError", field: missing });
    }
    for (const size of [0, 19, 21]) {
      const short = new Uint8Array(size);
      assert.throws(() => decodePasswordChange(packOf(changeOf({ response: short }))), {
        name: "DecodeError",
      });
      assert.throws(() => decodePasswordChange(packOf(changeOf({ hashedKey: short }))), {
        name: "DecodeError",
      });
    }
  });
});

test("users of a hub that is held to it do not change their passwords", () => {
  const users = [userOf("alice")];
  assert.equal(answer(hubOf({ users })), "changed");
  assert.equal(answer(hubOf({ users, adminOptions: { deny_change_user_password: 1 } })), "notEnoughRights");
});
