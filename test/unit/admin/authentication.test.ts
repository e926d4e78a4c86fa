import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { authenticateAdministrator, isSame } from "../../../server/admin/authentication.ts";
import type { AttemptQueueOptions } from "../../../server/access/attempt-queue.ts";
import { createHastyClock, ManualClock, neverGone } from "../access/manual-clock.ts";
import { PasswordThrottle } from "../../../server/access/password-throttle.ts";
import { passwordLimits } from "../../../server/limits.ts";
import { hashAdminPassword } from "../../../server/wire/sha0.ts";
import { hubOf } from "../access/login-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

/** Logs in at a server with hub "Hub", whose administrator's password is "hub", and hub "Open" without a password. */
function createLogin(serverPassword: string, clock: AttemptQueueOptions = createHastyClock()) {
  const open = hubOf({ name: "Open", hashedPassword: hashAdminPassword("") });
  const settings = {
    ...new TestAdministration([hubOf({ name: "Hub" }), open]).settings(),
    hashedPassword: hashAdminPassword(serverPassword),
  };
  const throttle = new PasswordThrottle(clock);
  return async (hubName: string, password: string, peerAddress = "192.0.2.1", byHttp = false) => {
    const proves = (hash: Uint8Array) => isSame(hash, hashAdminPassword(password));
    const result = await authenticateAdministrator(
      () => settings,
      { hubName, peerAddress, byHttp, gone: neverGone, proves },
      throttle,
    );
    if (result.type === "refused") return result.error;
    const { hashedPassword: _proved, ...administrator } = result;
    return administrator;
  };
}

describe("the login of administrators", () => {
  test("knows the server's by its password, from anywhere", async () => {
    const login = createLogin("secret");
    const server = { type: "administrator", administrator: { type: "server" }, emptyPassword: false };
    assert.deepEqual(await login("", "secret"), server);
    assert.deepEqual(await login("", "secret", "2001:db8::1"), server);
    assert.equal(await login("", "wrong"), "accessDenied");
    assert.equal(await login("", ""), "accessDenied");
  });

  test("knows a hub's by the hub's password alone, and calls the hub as it is called", async () => {
    const login = createLogin("secret");
    assert.deepEqual(await login("HUB", "hub"), {
      type: "administrator",
      administrator: { type: "hub", hubName: "Hub" },
      emptyPassword: false,
    });
    assert.equal(await login("Hub", "secret"), "accessDenied");
    assert.equal(await login("", "hub"), "accessDenied");
    assert.equal(await login("None", "hub"), "hubNotFound");
  });

  test("lets nobody be a hub's administrator by HTTP who has no password, as the official server has it", async () => {
    const login = createLogin("");
    assert.equal(await login("Open", "", "127.0.0.1", true), "accessDenied");
    assert.equal(typeof (await login("Open", "", "127.0.0.1")), "object");
    assert.equal(typeof (await login("", "", "127.0.0.1", true)), "object");
    assert.equal(typeof (await login("Hub", "hub", "192.0.2.1", true)), "object");
  });

  test("takes zeros for the hash of no password", async () => {
    const zeros = new Uint8Array(20);
    const settings = {
      ...new TestAdministration([hubOf({ name: "Hub", hashedPassword: zeros })]).settings(),
      hashedPassword: zeros,
    };
    const throttle = new PasswordThrottle(createHastyClock());
    for (const hubName of ["", "Hub"]) {
      const claim = { hubName, peerAddress: "127.0.0.1", byHttp: false, gone: neverGone, proves: () => true };
      const result = await authenticateAdministrator(() => settings, claim, throttle);
      assert.equal(result.type, "refused");
    }
  });

  test("takes an empty password from the server's own host alone, and says that it is empty", async () => {
    const login = createLogin("");
    for (const address of [
      "192.0.2.1",
      "10.0.0.1",
      "2001:db8::1",
      "::ffff:127.0.0.1",
      "127.evil",
      "gone",
      "",
    ]) {
      assert.equal(await login("", "", address), "emptyPasswordLocalOnly", address);
      assert.equal(await login("Open", "", address), "emptyPasswordLocalOnly", address);
    }
    for (const address of ["127.0.0.1", "127.1.2.3", "::1"]) {
      const result = await login("", "", address);
      assert.ok(typeof result === "object" && result.type === "administrator" && result.emptyPassword);
    }
    assert.equal(await login("", "anything", "127.0.0.1"), "accessDenied");
  });

  test("refuses without a look who tried too often", async () => {
    const clock = new ManualClock();
    const login = createLogin("secret", clock);
    for (let index = 0; index <= passwordLimits.freeFailures; index++) await login("", "wrong");
    const { looksAtOnce, waitingPerAddress } = passwordLimits;
    const early = Array.from({ length: looksAtOnce }, () => login("", "wrong"));
    const oldest = login("", "secret");
    for (let index = 0; index < waitingPerAddress; index++) void login("", "wrong");
    await Promise.all(early);
    clock.pass(passwordLimits.longestDelayMs);
    assert.equal(await oldest, "accessDenied");
    assert.equal(typeof (await login("", "secret", "192.0.2.2")), "object");
  });
});
