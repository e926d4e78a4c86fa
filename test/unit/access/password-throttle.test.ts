import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { PasswordThrottle } from "../../../server/access/password-throttle.ts";
import { handshakeLimits, passwordLimits } from "../../../server/limits.ts";
import { ManualClock, neverGone } from "./manual-clock.ts";

interface From {
  readonly address?: string;
  readonly user?: number;
  readonly account?: string;
  readonly device?: string;
  readonly gone?: AbortSignal;
}

/** A throttle whose clock the test moves. */
function createThrottle() {
  const clock = new ManualClock();
  const throttle = new PasswordThrottle(clock);
  /** When each look was taken, in milliseconds. */
  const looks: number[] = [];
  const attempt = async (
    isRight: boolean,
    { address = "192.0.2.1", user, account = "", device, gone = neverGone }: From = {},
  ) =>
    throttle.attempt(
      { address, user, account, device, gone },
      () => {
        looks.push(clock.now());
        return isRight ? "right" : "wrong";
      },
      (result) => result === "right",
    );
  /** Milliseconds that an attempt waits, when time passes until it is answered. */
  const waitOf = async (isRight: boolean, from?: From): Promise<number> => {
    const before = clock.now();
    let result: string | undefined;
    void attempt(isRight, from).then((answer) => (result = answer));
    for (;;) {
      for (let each = 0; each < 12; each++) await Promise.resolve();
      if (result !== undefined) return clock.now() - before;
      clock.pass(50);
    }
  };
  const fail = async (times: number, from?: From) => {
    for (let index = 0; index < times; index++) await waitOf(false, from);
  };
  return { clock, looks, attempt, waitOf, fail };
}

const free = passwordLimits.freeFailures;
const most = passwordLimits.waitingPerAddress;
/** Wrong passwords after which one waits for the longest time. */
const manyFailures = free + 8;
/** The last of as many as can wait has its turn by then. */
const longestWaitMs =
  passwordLimits.longestDelayMs + (most - passwordLimits.looksAtOnce) * passwordLimits.lookMs;

describe("PasswordThrottle", () => {
  test("looks at the first attempts at once, and then waits twice as long each time, up to a bound", async () => {
    const { waitOf, fail } = createThrottle();
    for (let index = 0; index <= free; index++) assert.equal(await waitOf(false), 0);
    const waits: number[] = [];
    for (let index = 0; index < 8; index++) waits.push(await waitOf(false));
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
    await fail(1);
  });

  test("lets the right password wait too, and forgets the wrong ones by it", async () => {
    const { waitOf, fail } = createThrottle();
    await fail(free + 1);
    assert.equal(await waitOf(true), 250);
    assert.equal(await waitOf(false), 0);
  });

  test("is not appeased for one account by the password of another", async () => {
    const { waitOf, fail } = createThrottle();
    await fail(free + 1);
    assert.equal(await waitOf(true, { account: "HUB" }), 0);
    assert.equal(await waitOf(false), 250);
  });

  test("takes the addresses of one IPv6 network for one, and IPv4 addresses each for itself", async () => {
    const { waitOf, fail } = createThrottle();
    await fail(free + 1, { address: "2001:db8::1" });
    assert.equal(await waitOf(false, { address: "2001:db8::ffff:2" }), 250);
    assert.equal(await waitOf(false, { address: "2001:db8:0:1::1" }), 0);
    await fail(free + 1, { address: "192.0.2.1" });
    assert.equal(await waitOf(false, { address: "192.0.2.2" }), 0);
  });

  test("begins anew after a while without a wrong password", async () => {
    const { clock, waitOf, fail } = createThrottle();
    await fail(free + 1);
    clock.pass(passwordLimits.memoryMs);
    assert.equal(await waitOf(false), 0);
  });

  test("is not made to forget an account by made-up ones of the same address", async () => {
    const { waitOf, fail } = createThrottle();
    await fail(free + 2, { account: "hub/alice" });
    for (let index = 0; index < 10_050; index++) await waitOf(false, { account: `hub/made-up-${index}` });
    assert.equal(await waitOf(false, { account: "hub/alice" }), 500);
  });

  test("is not made to forget an account by more accounts with as many wrong passwords", async () => {
    const { waitOf, fail } = createThrottle();
    await fail(free + 2, { account: "hub/alice" });
    for (let index = 0; index <= passwordLimits.accountsPerAddress; index++) {
      await fail(free + 3, { account: `hub/made-up-${index}` });
    }
    assert.ok((await waitOf(false, { account: "hub/alice" })) > 0);
    // Of another address nothing has changed.
    assert.equal(await waitOf(false, { address: "192.0.2.2", account: "hub/alice" }), 0);
  });

  test("is not made to forget an address that it delays by others that it does not", async () => {
    const { waitOf, fail } = createThrottle();
    await fail(free + 1);
    for (let index = 0; index < passwordLimits.accounts + 50; index++) {
      await waitOf(false, { address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}` });
    }
    assert.equal(await waitOf(false), 250);
  });

  test("remembers a bounded number of accounts, the latest ones", async () => {
    const { waitOf, fail } = createThrottle();
    await fail(free, { address: "192.0.2.1" });
    await fail(free, { address: "192.0.2.2" });
    for (let index = 0; index < passwordLimits.accounts - 1; index++) {
      await waitOf(false, { address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}` });
    }
    await fail(1, { address: "192.0.2.2" });
    assert.ok((await waitOf(false, { address: "192.0.2.2" })) > 0);
    await fail(1, { address: "192.0.2.1" });
    assert.equal(await waitOf(false, { address: "192.0.2.1" }), 0);
  });
});

describe("PasswordThrottle, when many wait", () => {
  test("gives the right password its turn behind as many wrong ones as can wait, before its login is over", async () => {
    const { clock, attempt, fail } = createThrottle();
    await fail(manyFailures);
    clock.pass(passwordLimits.longestDelayMs);
    const wrong = Array.from({ length: most - 1 }, () => attempt(false));
    const right = attempt(true);
    clock.pass(longestWaitMs);
    assert.equal(await Promise.race([right, turn("late")]), "right");
    assert.deepEqual(new Set(await Promise.all(wrong)), new Set(["wrong"]));
    assert.ok(longestWaitMs < handshakeLimits.loginMs);
  });

  test("gives the place of a connection that has ended to others at once", async () => {
    const { clock, looks, attempt, fail } = createThrottle();
    await fail(manyFailures);
    clock.pass(passwordLimits.longestDelayMs);
    const before = looks.length;
    const right = attempt(true);
    // Somebody on the same address who connects again and again, and never waits.
    for (let index = 0; index < 10_000; index++) {
      const connections = Array.from({ length: most - 1 }, () => new AbortController());
      if (index % 1_000 !== 0) connections.length = 1;
      const guesses = connections.map(({ signal }) => attempt(false, { gone: signal }));
      for (const connection of connections) connection.abort();
      assert.deepEqual(new Set(await Promise.all(guesses)), new Set(["gone"]));
      clock.pass(0.5);
    }
    clock.pass(longestWaitMs);
    assert.equal(await Promise.race([right, turn("late")]), "right");
    assert.equal(looks.length - before, 1, "nobody looks at what has left");
    assert.equal(clock.timers, 0);
  });

  test("takes no attempt of a connection that has ended already", async () => {
    const { clock, attempt, fail } = createThrottle();
    await fail(free + 1);
    assert.equal(await attempt(true, { gone: AbortSignal.abort() }), "gone");
    assert.equal(clock.timers, 0);
  });

  test("lets the newcomer in and the oldest go, without a look and no sooner than with one", async () => {
    const { clock, attempt, fail, looks } = createThrottle();
    await fail(manyFailures);
    clock.pass(passwordLimits.longestDelayMs);
    const answers: string[] = [];
    const count = passwordLimits.looksAtOnce + most + 1;
    for (let index = 0; index < count; index++) {
      void attempt(false).then((answer) => answers.push(answer));
    }
    await turn();
    // The rate allows as many early looks as it allows at once; the next one that comes too many is not looked at.
    assert.deepEqual(answers, new Array(passwordLimits.looksAtOnce).fill("wrong"));
    clock.pass(passwordLimits.longestDelayMs - 1);
    await turn();
    assert.ok(!answers.includes("too many"));
    clock.pass(1);
    await turn();
    assert.equal(answers.filter((answer) => answer === "too many").length, 1);
    clock.pass(longestWaitMs);
    await turn();
    assert.equal(answers.length, count);
    assert.equal(looks.length, manyFailures + count - 1);
  });

  test("takes turns among the addresses of a network, and drops what the one with most sent", async () => {
    const { clock, attempt, fail } = createThrottle();
    const attacker = { address: "2001:db8::bad" };
    await fail(manyFailures, attacker);
    clock.pass(passwordLimits.longestDelayMs);
    const right = attempt(true, { address: "2001:db8::1" });
    // As fast as can be, for as long as it takes.
    for (let index = 0; index < 2_000; index++) {
      void attempt(false, attacker);
      clock.pass(4);
    }
    clock.pass(2 * passwordLimits.lookMs);
    assert.equal(await Promise.race([right, turn("late")]), "right");
  });

  test("lets no user of this host wait for what another one guesses, by whatever address of it", async () => {
    const { clock, attempt, waitOf, fail } = createThrottle();
    const attacker = { address: "127.0.0.1", user: 1_000 };
    await fail(manyFailures, attacker);
    for (let index = 0; index < 1_000; index++) {
      void attempt(false, attacker);
      clock.pass(1);
    }
    assert.equal(await waitOf(true, { address: "127.0.0.1", user: 0 }), 0);
    assert.ok((await waitOf(false, { address: "127.1.2.3", user: 1_000 })) > 0);
  });

  test("lets nobody wait who comes by a device of its own from before, whoever guesses at the same address", async () => {
    const { clock, attempt, waitOf, fail, looks } = createThrottle();
    const owner = { account: "Hub/Alice", device: "of alice" };
    assert.equal(await waitOf(true, owner), 0);
    // As fast as can be, by devices that are made up, and for names that are.
    await fail(manyFailures, { account: "hub/alice" });
    for (let index = 0; index < 1_000; index++) {
      void attempt(false, { account: "hub/alice", device: `made up ${index}` });
      void attempt(false, { account: `hub/made up ${index}`, device: owner.device });
      clock.pass(4);
    }
    assert.equal(await waitOf(true, owner), 0);
    // Who has taken the device too guesses no faster by it.
    await fail(manyFailures, owner);
    const before = looks.length;
    for (let index = 0; index < 1_000; index++) {
      void attempt(false, owner);
      clock.pass(10);
    }
    const most = passwordLimits.looksAtOnce + 10_000 / passwordLimits.lookMs;
    assert.ok(
      looks.filter((_, index) => index >= before).length <= 2 * most + passwordLimits.accountsPerAddress,
    );
  });

  test("remembers a bounded number of devices of an account, the latest ones", async () => {
    const { waitOf, fail } = createThrottle();
    for (let index = 0; index <= passwordLimits.devicesPerAccount; index++)
      await waitOf(true, { account: "hub/alice", device: `${index}` });
    await fail(free + 3, { account: "hub/alice" });
    assert.ok((await waitOf(false, { account: "hub/alice", device: "0" })) > 0);
    assert.equal(await waitOf(true, { account: "hub/alice", device: "1" }), 0);
  });

  test("looks at no more guesses however many come, and however they come", async () => {
    for (const stay of [true, false]) {
      for (const addresses of [1, 50]) {
        const { clock, attempt, fail, looks } = createThrottle();
        await fail(manyFailures, { address: "2001:db8::0" });
        const begin = clock.now();
        const before = looks.length;
        const seconds = 60;
        let open: AbortController[] = [];
        for (let index = 0; index < seconds * 20; index++) {
          for (let each = 0; each < 10; each++) {
            const connection = new AbortController();
            const address = `2001:db8::${(index % addresses).toString(16)}`;
            void attempt(false, { address, gone: connection.signal });
            open.push(connection);
          }
          if (!stay) {
            const left = open.slice(-most);
            for (const connection of open.slice(0, -most)) connection.abort();
            open = left;
          }
          clock.pass(50);
        }
        await turn();
        assert.equal(clock.now() - begin, seconds * 1_000);
        const bound = passwordLimits.looksAtOnce + (seconds * 1_000) / passwordLimits.lookMs;
        const taken = looks.length - before;
        assert.ok(taken <= bound, `${taken} looks of ${bound}`);
        // It is the rate that bounds them: those who wait are not starved.
        assert.ok(taken >= bound / 2, `${taken} looks of ${bound}`);
      }
    }
  });
});
