import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { proofOf } from "../../../server/protocols/softether/login-proof.ts";
import { authenticate, type AuthenticationContext } from "../../../server/access/authenticate.ts";
import type { Authentication, HubSettings } from "../../../server/settings/hub-settings.ts";
import type { LoginAuthentication } from "../../../server/protocols/softether/messages/login.ts";
import { hashPassword, secureResponse } from "../../../server/wire/sha0.ts";
import { groupOf, hubOf, now, policyWith, random, userOf } from "./login-fixture.ts";

const hub = hubOf({
  users: [
    userOf("Alice"),
    userOf("guest", { authentication: { type: "anonymous" } }),
    userOf("broken", {
      authentication: { type: "password", hashedKey: new Uint8Array(20), ntLmHash: new Uint8Array(16) },
    }),
  ],
});
const password = (text: string, userName: string, challenge = random): LoginAuthentication => ({
  type: "password",
  response: secureResponse(hashPassword(text, userName), challenge),
});
const plain = (text: string): LoginAuthentication => ({ type: "plain-password", password: text });

/** Name of the user, or the error that the client is told. */
function login(
  userName: string,
  authentication: LoginAuthentication,
  { on = hub, ...context }: Partial<AuthenticationContext> & { on?: HubSettings } = {},
): string {
  const result = authenticate(
    on,
    { userName, proof: proofOf(authentication, random) },
    { now, loopback: false, ...context },
  );
  if (result.type === "refused") return result.error;
  return result.user === "administrator" ? "the administrator" : result.user.name;
}

describe("authentication by password", () => {
  test("lets in who answers the challenge", () => {
    assert.equal(login("alice", password("secret", "alice")), "Alice");
  });

  test("takes the answer that the reference shows", () => {
    const response = Buffer.from("1394b82845bfb7a2711c4963f2b62978cb2c6ce3", "hex");
    assert.equal(login("alice", { type: "password", response }), "Alice");
  });

  test("knows a user in whatever case", () => {
    assert.equal(login("ALICE", password("secret", "aLiCe")), "Alice");
    assert.equal(login("ALICE", plain("secret")), "Alice");
  });

  test("refuses a wrong password, an answer to another challenge and one of another size", () => {
    const other = Uint8Array.from(random).reverse();
    const response = secureResponse(hashPassword("secret", "alice"), random);
    const wrong: LoginAuthentication[] = [
      password("Secret", "alice"),
      password("secret", "bob"),
      password("secret", "alice", other),
      { type: "password", response: response.subarray(0, 19) },
      { type: "password", response: Buffer.concat([response, Buffer.alloc(1)]) },
      { type: "password", response: new Uint8Array() },
      { type: "password", response: hashPassword("secret", "alice") },
      plain("Secret"),
      plain(""),
      { type: "anonymous" },
      { type: "ticket", ticket: new Uint8Array(20) },
    ];
    for (const authentication of wrong) {
      assert.equal(login("alice", authentication), "authenticationFailed", JSON.stringify(authentication));
    }
  });

  test("refuses every answer with one bit changed", () => {
    const response = secureResponse(hashPassword("secret", "alice"), random);
    fc.assert(
      fc.property(fc.nat(159), (bit) => {
        const changed = Uint8Array.from(response, (byte, index) =>
          index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte,
        );
        assert.equal(login("alice", { type: "password", response: changed }), "authenticationFailed");
      }),
    );
  });

  test("tells a user that is not there no otherwise than a wrong password", () => {
    for (const authentication of [
      password("secret", "nobody"),
      plain("secret"),
      { type: "anonymous" } as const,
    ]) {
      assert.equal(login("nobody", authentication), "authenticationFailed");
      assert.equal(login("", authentication), "authenticationFailed");
    }
  });

  test("takes no key of zeros, which everybody could answer with", () => {
    const response = secureResponse(new Uint8Array(20), random);
    for (const name of ["broken", "nobody", "guest2"]) {
      assert.equal(login(name, { type: "password", response }), "authenticationFailed");
    }
    const unset = hubOf({ securePassword: new Uint8Array(20) });
    assert.equal(
      login("administrator", { type: "password", response }, { on: unset }),
      "authenticationFailed",
    );
  });

  test("takes any password that was set, and no other", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    fc.assert(
      fc.property(text, text, (set, sent) => {
        const on = hubOf({
          users: [
            userOf("alice", {
              authentication: {
                type: "password",
                hashedKey: hashPassword(set, "alice"),
                ntLmHash: new Uint8Array(16),
              },
            }),
          ],
        });
        const expected = Buffer.from(set).equals(Buffer.from(sent)) ? "alice" : "authenticationFailed";
        assert.equal(login("alice", password(sent, "alice"), { on }), expected);
        assert.equal(login("alice", plain(sent), { on }), expected);
        assert.equal(login("alice", password(set, "alice"), { on }), "alice");
      }),
    );
  });

  test("takes an empty password of a user, from anywhere", () => {
    const on = hubOf({
      users: [
        userOf("alice", {
          authentication: {
            type: "password",
            hashedKey: hashPassword("", "alice"),
            ntLmHash: new Uint8Array(16),
          },
        }),
      ],
    });
    assert.equal(login("alice", plain(""), { on }), "alice");
  });
});

describe("authentication of an anonymous user", () => {
  test("succeeds with any proof or none", () => {
    const any: LoginAuthentication[] = [
      { type: "anonymous" },
      password("whatever", "guest"),
      plain("whatever"),
      { type: "certificate", certificate: new Uint8Array(1), signature: new Uint8Array(1) },
      { type: "ticket", ticket: new Uint8Array() },
      { type: "unsupported", number: 96 },
    ];
    for (const authentication of any) assert.equal(login("Guest", authentication), "guest");
  });
});

describe("authentication of the hub's administrator", () => {
  test("is by the hub's password", () => {
    assert.equal(login("Administrator", password("hub", "administrator")), "the administrator");
    assert.equal(login("administrator", plain("hub")), "the administrator");
    assert.equal(login("administrator", password("", "administrator")), "authenticationFailed");
    assert.equal(login("administrator", { type: "anonymous" }), "authenticationFailed");
  });

  test("with an empty password is from this host alone", () => {
    const on = hubOf({ securePassword: hashPassword("", "administrator") });
    for (const proof of [password("", "administrator"), plain("")]) {
      assert.equal(login("administrator", proof, { on }), "emptyPasswordLocalOnly");
      assert.equal(login("administrator", proof, { on, loopback: true }), "the administrator");
    }
    // Whoever does not know that it is empty does not learn it.
    assert.equal(login("administrator", plain("x"), { on }), "authenticationFailed");
  });

  test("is not by a user of that name", () => {
    const on = hubOf({ users: [userOf("administrator", { authentication: { type: "anonymous" } })] });
    assert.equal(login("administrator", { type: "anonymous" }, { on }), "authenticationFailed");
  });
});

describe("authentication elsewhere", () => {
  const external = (authentication: Authentication, name: string) =>
    hubOf({ users: [userOf(name, { authentication })] });
  const reason = (on: HubSettings, authentication: LoginAuthentication) => {
    const result = authenticate(
      on,
      { userName: "alice", proof: proofOf(authentication, random) },
      { now, loopback: false },
    );
    return result.type === "refused" ? [result.error, result.reason] : [];
  };

  test("fails, and the log says that this server asks nobody", () => {
    for (const name of ["alice", "*"]) {
      for (const proof of [plain("secret"), password("secret", "alice")]) {
        assert.deepEqual(reason(external({ type: "radius", name: "" }, name), proof), [
          "authenticationFailed",
          'a RADIUS server would know user "alice", and this server asks none',
        ]);
        assert.deepEqual(reason(external({ type: "nt-domain", name: "" }, name), proof), [
          "authenticationFailed",
          'an NT domain would know user "alice", and this server asks none',
        ]);
      }
    }
  });

  test("does not come before a password that the hub has", () => {
    const on = hubOf({
      users: [userOf("alice"), userOf("*", { authentication: { type: "radius", name: "" } })],
    });
    assert.equal(login("alice", plain("secret"), { on }), "alice");
    assert.deepEqual(reason(on, plain("wrong")), ["authenticationFailed", 'wrong password of user "alice"']);
  });

  test("is not what lets a stranger in as the user of any name", () => {
    const on = hubOf({ users: [userOf("*", { authentication: { type: "anonymous" } })] });
    assert.equal(login("stranger", { type: "anonymous" }, { on }), "authenticationFailed");
  });
});

describe("authentication", () => {
  test("of a kind that is unknown is told as such", () => {
    for (const number of [4, 97, 98, 1000]) {
      for (const name of ["alice", "nobody", "administrator"]) {
        assert.equal(login(name, { type: "unsupported", number }), "authenticationNotSupported");
      }
    }
  });

  test("is refused while the hub is offline", () => {
    const on = hubOf({ online: false, users: [userOf("alice")] });
    assert.equal(login("alice", plain("secret"), { on }), "hubStopped");
    assert.equal(login("nobody", plain("secret"), { on }), "hubStopped");
  });

  test("tells a client that fails by password whether it may keep it", () => {
    const on = hubOf({
      users: [
        userOf("own", { policy: policyWith({ NoSavePassword: true }) }),
        userOf("member", { group: "STAFF" }),
        userOf("free", { group: "staff", policy: policyWith({}) }),
      ],
      groups: [groupOf("Staff", { NoSavePassword: true })],
    });
    const keeps = (userName: string, authentication: LoginAuthentication) => {
      const result = authenticate(
        on,
        { userName, proof: proofOf(authentication, random) },
        { now, loopback: false },
      );
      return result.type === "refused" && !result.noSavePassword;
    };
    assert.equal(keeps("own", plain("x")), false);
    assert.equal(keeps("member", password("x", "member")), false);
    assert.equal(keeps("free", plain("x")), true);
    assert.equal(keeps("nobody", plain("x")), true);
    assert.equal(keeps("own", { type: "anonymous" }), true);
  });

  test("says why it failed, without the password", () => {
    for (const authentication of [plain("hunter2"), password("hunter2", "alice")]) {
      const result = authenticate(
        hub,
        { userName: "alice", proof: proofOf(authentication, random) },
        { now, loopback: false },
      );
      assert.ok(result.type === "refused");
      assert.equal(result.reason, 'wrong password of user "alice"');
    }
  });
});

describe("a user with an empty password", () => {
  const users = [
    userOf("open", {
      authentication: {
        type: "password",
        hashedKey: hashPassword("", "open"),
        ntLmHash: new Uint8Array(16),
      },
    }),
    userOf("Alice"),
  ];
  const strict = hubOf({ users, adminOptions: { deny_empty_password: 1 } });

  test("logs in from this host alone where the hub may have none", () => {
    assert.equal(login("open", password("", "open"), { on: hubOf({ users }) }), "open");
    assert.equal(login("open", password("", "open"), { on: strict }), "emptyPasswordLocalOnly");
    assert.equal(login("open", password("", "open"), { on: strict, loopback: true }), "open");
    assert.equal(login("alice", password("secret", "alice"), { on: strict }), "Alice");
  });

  test("is told nothing of that with a wrong one", () => {
    assert.equal(login("open", password("wrong", "open"), { on: strict }), "authenticationFailed");
  });
});
