import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ServerError } from "../../../server/errors.ts";
import { chooseMode, type HostFacts } from "../../../server/install/mode-choice.ts";

const root: HostFacts = {
  uid: 0,
  user: "root",
  initSystem: { title: "systemd" },
  sudo: { works: false, reason: "sudo was not tried" },
};
const alice: HostFacts = {
  uid: 1000,
  user: "alice",
  initSystem: { title: "systemd" },
  sudo: { works: true },
};
const bob: HostFacts = {
  uid: 1001,
  user: "bob",
  initSystem: { title: "systemd" },
  sudo: { works: false, reason: "there is no sudo" },
};
const container: HostFacts = {
  ...root,
  initSystem: { reason: "no init system runs this host", wayOut: "boot it with one" },
};

describe("on Windows", () => {
  const administrator: HostFacts = {
    uid: 0,
    user: "carol",
    superuser: "administrator",
    initSystem: { title: "Windows" },
    sudo: { works: false, reason: "sudo was not tried" },
  };
  const user: HostFacts = { ...administrator, uid: 1 };

  test("an administrator gets a service", () => {
    assert.deepEqual(chooseMode("auto", administrator), {
      mode: "service",
      reason: 'Windows runs this host and the user "carol" is an administrator',
      needsSudo: false,
    });
  });

  test("who is none gets user mode, and is told how a service can be had", () => {
    const { mode, needsSudo, warning = "" } = chooseMode("auto", user);
    assert.deepEqual([mode, needsSudo], ["user", false]);
    assert.match(warning, /ends when the user logs off.*open a console by "Run as administrator"/);
    assert.doesNotMatch(warning, /root|sudo|1024/);
  });

  test("who is none and asks for a service is refused, with the way out", () => {
    assert.throws(() => chooseMode("service", user), {
      code: "NOT_PERMITTED",
      message: /rights of an administrator; open a console by "Run as administrator".*--mode user/,
    });
  });
});

describe("auto", () => {
  for (const [who, facts, choice] of [
    [
      "root under systemd",
      root,
      { mode: "service", reason: "systemd runs this host and the user is root", needsSudo: false },
    ],
    [
      "root by sudo",
      { ...root, sudoUser: "alice" },
      {
        mode: "service",
        reason: 'systemd runs this host and the user "alice" became root by sudo',
        needsSudo: false,
      },
    ],
    [
      "a user with sudo",
      alice,
      {
        mode: "service",
        reason: 'systemd runs this host and the user "alice" may use sudo without a password',
        needsSudo: true,
      },
    ],
    [
      "a user without sudo",
      bob,
      {
        mode: "user",
        reason: 'the user "bob" is not root, and there is no sudo',
        needsSudo: false,
        warning:
          'user mode was chosen because the user "bob" is not root, and there is no sudo: nothing starts the server at boot, and ports below 1024 may stay closed; for service mode let the user run sudo without a password, or install as root; to keep user mode ask for it (--mode user)',
      },
    ],
    [
      "root without systemd",
      container,
      {
        mode: "user",
        reason: "no init system runs this host",
        needsSudo: false,
      },
    ],
  ] as const) {
    test(`takes ${choice.mode} mode for ${who}, and says why`, () => {
      assert.deepEqual(chooseMode("auto", facts), choice);
    });
  }
});

describe("service mode that is asked for", () => {
  test("is taken where it can be", () => {
    assert.equal(chooseMode("service", alice).mode, "service");
    assert.match(chooseMode("service", root).reason, /^it was asked for/);
  });

  for (const [who, facts, code, why] of [
    [
      "a user without sudo",
      bob,
      "NOT_PERMITTED",
      /user "bob" is not root, and there is no sudo; run this as root, or/,
    ],
    [
      "a host without systemd",
      container,
      "UNSUPPORTED",
      /no init system runs this host; boot it with one, or/,
    ],
  ] as const) {
    test(`is refused for ${who}, with the way out`, () => {
      assert.throws(
        () => chooseMode("service", facts),
        (error) => error instanceof ServerError && error.code === code && why.test(error.message),
      );
    });
  }
});

test("user mode that is asked for is taken everywhere, without sudo", () => {
  for (const facts of [root, alice, bob, container]) {
    assert.deepEqual(chooseMode("user", facts), {
      mode: "user",
      reason: "it was asked for",
      needsSudo: false,
    });
  }
});
