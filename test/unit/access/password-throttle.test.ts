import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PasswordThrottle } from "../../../server/access/password-throttle.ts";
import { passwordLimits } from "../../../server/limits.ts";

/** A throttle whose clock the test moves, and which tells what it waits for. */
function createThrottle() {
  const waits: number[] = [];
  const clock = { now: 0, release: () => {} };
  let gate: Promise<void> | undefined;
  const throttle = new PasswordThrottle({
    now: () => clock.now,
    delay: (ms) => {
      waits.push(ms);
      return gate ?? Promise.resolve();
    },
  });
  const hold = () => {
    gate = new Promise((resolve) => {
      clock.release = resolve;
    });
  };
  const attempt = async (isRight: boolean, address = "192.0.2.1", account = "") =>
    throttle.attempt(
      address,
      account,
      () => (isRight ? "right" : "wrong"),
      (result) => result === "right",
    );
  const fail = async (times: number, address?: string, account?: string) => {
    for (let index = 0; index < times; index++) await attempt(false, address, account);
  };
  return { throttle, waits, clock, hold, attempt, fail };
}

const free = passwordLimits.freeFailures;

describe("PasswordThrottle", () => {
  test("looks at the first attempts at once, and then waits twice as long each time, up to a bound", async () => {
    const { waits, fail } = createThrottle();
    await fail(free + 1);
    assert.deepEqual(waits, []);
    await fail(8);
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
  });

  test("lets the right password wait too, and forgets the wrong ones by it", async () => {
    const { waits, attempt, fail } = createThrottle();
    await fail(free + 1);
    assert.equal(await attempt(true), "right");
    assert.deepEqual(waits, [250]);
    assert.equal(await attempt(false), "wrong");
    assert.deepEqual(waits, [250]);
  });

  test("is not appeased for one account by the password of another", async () => {
    const { waits, attempt, fail } = createThrottle();
    await fail(free + 1);
    assert.equal(await attempt(true, "192.0.2.1", "HUB"), "right");
    assert.deepEqual(waits, []);
    await attempt(false);
    assert.deepEqual(waits, [250]);
  });

  test("takes the addresses of one IPv6 network for one, and IPv4 addresses each for itself", async () => {
    const { waits, attempt, fail } = createThrottle();
    await fail(free + 1, "2001:db8::1");
    await attempt(false, "2001:db8::ffff:2");
    assert.equal(waits.length, 1);
    await attempt(false, "2001:db8:0:1::1");
    await fail(free + 1, "192.0.2.1");
    await attempt(false, "192.0.2.2");
    assert.equal(waits.length, 1);
  });

  test("refuses without a look when too many wait", async () => {
    const { hold, clock, fail, attempt, throttle } = createThrottle();
    await fail(free + 1);
    hold();
    const waiting = Array.from({ length: passwordLimits.waitingPerAddress }, () => attempt(true));
    const look = () => assert.fail("was looked at");
    assert.equal(await throttle.attempt("192.0.2.1", "", look, () => true), "too many");
    clock.release();
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set(["right"]));
    assert.equal(await attempt(true), "right");
  });

  test("begins anew after a while without a wrong password", async () => {
    const { waits, clock, attempt, fail } = createThrottle();
    await fail(free + 1);
    clock.now = passwordLimits.memoryMs;
    await attempt(false);
    assert.deepEqual(waits, []);
  });

  test("looks at the right password behind as many wrong ones as an address can have waiting", async () => {
    const { hold, clock, fail, attempt } = createThrottle();
    await fail(free + 1);
    hold();
    const wrong = Array.from({ length: passwordLimits.waitingPerAddress - 1 }, () => attempt(false));
    const right = attempt(true);
    clock.release();
    assert.equal(await right, "right");
    assert.deepEqual(new Set(await Promise.all(wrong)), new Set(["wrong"]));
  });

  test("is not made to forget an account by made-up ones of the same address", async () => {
    const { waits, fail, attempt } = createThrottle();
    await fail(free + 2, "192.0.2.1", "hub/alice");
    waits.length = 0;
    for (let index = 0; index < 10_050; index++) await attempt(false, "192.0.2.1", `hub/made-up-${index}`);
    assert.deepEqual(waits, []);
    await attempt(false, "192.0.2.1", "hub/alice");
    assert.deepEqual(waits, [500]);
  });

  test("is not made to forget an account by more accounts with as many wrong passwords", async () => {
    const { waits, fail, attempt } = createThrottle();
    await fail(free + 2, "192.0.2.1", "hub/alice");
    for (let index = 0; index <= passwordLimits.accountsPerAddress; index++) {
      await fail(free + 3, "192.0.2.1", `hub/made-up-${index}`);
    }
    waits.length = 0;
    await attempt(false, "192.0.2.1", "hub/alice");
    assert.equal(waits.length, 1);
    // Of another address nothing has changed.
    await attempt(false, "192.0.2.2", "hub/alice");
    assert.equal(waits.length, 1);
  });

  test("is not made to forget an address that it delays by others that it does not", async () => {
    const { waits, fail, attempt } = createThrottle();
    await fail(free + 1, "192.0.2.1");
    for (let index = 0; index < passwordLimits.accounts + 50; index++) {
      await attempt(false, `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
    }
    assert.deepEqual(waits, []);
    await attempt(false, "192.0.2.1");
    assert.equal(waits.length, 1);
  });

  test("remembers a bounded number of accounts, the latest ones", async () => {
    const { waits, fail, attempt } = createThrottle();
    await fail(free, "192.0.2.1");
    await fail(free, "192.0.2.2");
    for (let index = 0; index < passwordLimits.accounts - 1; index++) {
      await attempt(false, `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
    }
    await fail(2, "192.0.2.2");
    assert.equal(waits.length, 1);
    await fail(2, "192.0.2.1");
    assert.equal(waits.length, 1);
  });
});
