import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ServerError } from "../../../server/errors.ts";
import {
  firstStartRestarts,
  quickRestarts,
  restartDelayMs,
  supervisorTimes,
} from "../../../server/supervisor/supervisor.ts";
import { crash, ended, killed, listening, settle, World } from "./supervisor-world.ts";

let world: World;
beforeEach(() => (world = new World()));

describe("the first start", () => {
  test("is over when the worker listens on at least one port", async () => {
    const started = world.supervisor.start();
    assert.equal(world.supervisor.workerPid, 100);
    world.worker.ready();
    assert.equal(await started, true);
    assert.deepEqual(world.supervisor.listeners, listening);
    assert.equal(world.supervisor.tlsFingerprint, "AB:CD");
    assert.equal(world.supervisor.restarts, 0);
    assert.equal(world.timers, 0);
  });

  test("fails with the worker's reason, and the exit code of it", async () => {
    const started = world.supervisor.start();
    world.worker.failed("STATE_INVALID", "the certificate is damaged");
    world.worker.end(crash);
    await assert.rejects(started, {
      name: "ServerError",
      code: "STATE_INVALID",
      message: "the certificate is damaged",
    });
    await settle();
    assert.equal(world.exitCode, 7);
    assert.equal(world.workers.length, 1);
    assert.equal(world.timers, 0);
  });

  test("fails when the worker crashes, and says how it ended", async () => {
    const started = world.supervisor.start();
    world.worker.end(crash);
    await assert.rejects(started, /worker 100 ended with exit code 1 while it started/);
    await settle();
    assert.equal(world.exitCode, 1);
  });

  test("fails with the reason of every listener when none could be opened, once the worker is gone", async () => {
    const started = world.supervisor.start();
    world.worker.ready([
      { port: 443, state: "Error", reason: "EADDRINUSE" },
      { port: 992, state: "Error", reason: "EACCES" },
    ]);
    await assert.rejects(
      started,
      (error) =>
        error instanceof ServerError &&
        error.code === "UNHEALTHY" &&
        /^none of the listeners could be opened: TCP 443: EADDRINUSE; TCP 992: EACCES$/.test(error.message),
    );
    await settle();
    assert.equal(world.exitCode, undefined);
    assert.deepEqual(world.worker.signals, ["SIGTERM"]);
    world.worker.end(ended);
    await settle();
    assert.equal(world.exitCode, 6);
  });

  test("fails when no listener is enabled", async () => {
    const started = world.supervisor.start();
    world.worker.ready([{ port: 443, state: "Stopped" }]);
    await assert.rejects(started, /no listener is enabled/);
  });

  test("kills a worker that never becomes ready, and fails", async () => {
    const started = world.supervisor.start();
    world.pass(supervisorTimes.startMs - 1);
    assert.deepEqual(world.worker.signals, []);
    world.pass(1);
    assert.deepEqual(world.worker.signals, ["SIGKILL"]);
    world.worker.end(killed);
    await assert.rejects(started, /not ready within 60 s/);
    await settle();
    assert.equal(world.exitCode, 1);
  });

  test("replaces a worker that somebody killed, a few times", async () => {
    const started = world.supervisor.start();
    for (let time = 0; time < firstStartRestarts; time++) {
      world.worker.end(killed);
      world.pause();
    }
    world.worker.end(killed);
    await assert.rejects(started, /was ended by SIGKILL while it started/);
    assert.equal(world.workers.length, 1 + firstStartRestarts);
  });

  test("goes on with the worker that took the place of a killed one", async () => {
    const started = world.supervisor.start();
    world.worker.end(killed);
    world.pause();
    world.worker.ready();
    assert.equal(await started, true);
    assert.equal(world.supervisor.restarts, 1);
  });

  test("fails when no process can be made", async () => {
    const started = world.supervisor.start();
    world.worker.end({ code: null, signal: null, error: new Error("EAGAIN") });
    await assert.rejects(started, /could not be started: EAGAIN/);
  });
});

describe("a worker that served and ended abnormally", () => {
  for (const how of [crash, killed, { code: null, signal: "SIGSEGV" } as const]) {
    test(`is replaced after 100 ms (${how.signal ?? `exit code ${how.code}`})`, async () => {
      await world.serving();
      world.worker.end(how);
      assert.equal(world.supervisor.workerPid, undefined);
      assert.equal(world.pause(), 100);
      assert.equal(world.supervisor.workerPid, 101);
      assert.equal(world.supervisor.restarts, 1);
      assert.deepEqual(world.pids, [100, undefined, 101]);
      assert.equal(world.exitCode, undefined);
    });
  }

  test("leaves no listener that is said to listen", async () => {
    await world.serving();
    world.worker.end(killed);
    assert.deepEqual(
      world.supervisor.listeners.map(({ port, state }) => ({ port, state })),
      [
        { port: 443, state: "Error" },
        { port: 5555, state: "Error" },
        { port: 992, state: "Stopped" },
      ],
    );
    assert.match(world.supervisor.listeners[1]?.reason ?? "", /worker 100 was ended by SIGKILL/);
    world.pause();
    world.worker.ready();
    assert.deepEqual(world.supervisor.listeners, listening);
  });

  test("is replaced for ever, after pauses that grow to a few seconds", async () => {
    await world.serving();
    const pauses: number[] = [];
    for (let time = 0; time < 50; time++) {
      world.worker.end(crash);
      pauses.push(world.pause());
      world.worker.ready();
    }
    assert.deepEqual(pauses.slice(0, quickRestarts), Array<number>(quickRestarts).fill(100));
    assert.deepEqual(pauses.slice(quickRestarts, quickRestarts + 3), [200, 400, 800]);
    assert.deepEqual(
      pauses,
      [...pauses].sort((a, b) => a - b),
    );
    assert.equal(pauses.at(-1), supervisorTimes.longestRestartMs);
    assert.equal(world.supervisor.restarts, 50);
  });

  test("is replaced at once again when it served for a while in between", async () => {
    await world.serving();
    for (let time = 0; time < 3 * quickRestarts; time++) {
      world.pass(supervisorTimes.stableMs);
      world.worker.end(killed);
      assert.equal(world.pause(), 100);
      world.worker.ready();
    }
  });

  test("is replaced also when the next one cannot start: its reason is logged", async () => {
    await world.serving();
    world.worker.end(crash);
    world.pause();
    world.worker.failed("STATE_INVALID", "the configuration is damaged");
    world.worker.end(crash);
    world.pause();
    assert.equal(world.workers.length, 3);
    assert.ok(world.log.some((line) => line.includes("the configuration is damaged")));
    assert.equal(world.exitCode, undefined);
  });

  test("may come back without a port to listen on: it keeps trying", async () => {
    await world.serving();
    world.worker.end(crash);
    world.pause();
    world.worker.ready([{ port: 5555, state: "Error", reason: "EADDRINUSE" }]);
    assert.deepEqual(world.worker.signals, []);
    world.worker.events.onMessage({ type: "listeners", listeners: [{ port: 5555, state: "Listening" }] });
    assert.deepEqual(world.supervisor.listeners, [{ port: 5555, state: "Listening" }]);
  });
});

describe("the end", () => {
  test("comes when the worker was asked to end by somebody else", async () => {
    for (const how of [ended, { code: null, signal: "SIGTERM" } as const]) {
      const other = await new World().serving();
      other.worker.end(how);
      await settle();
      assert.equal(other.exitCode, 0);
      assert.equal(other.timers, 0);
      assert.equal(other.workers.length, 1);
    }
  });

  test("waits for the worker, which is asked once", async () => {
    await world.serving();
    world.supervisor.stop();
    world.supervisor.stop();
    assert.deepEqual(world.worker.signals, ["SIGTERM"]);
    await settle();
    assert.equal(world.exitCode, undefined);
    world.worker.end(ended);
    await settle();
    assert.equal(world.exitCode, 0);
    assert.equal(world.timers, 0);
  });

  test("kills a worker that does not react for a minute", async () => {
    await world.serving();
    world.supervisor.stop();
    world.pass(supervisorTimes.stopMs);
    assert.deepEqual(world.worker.signals, ["SIGTERM", "SIGKILL"]);
    world.worker.end(killed);
    await settle();
    assert.equal(world.exitCode, 0);
    assert.equal(world.workers.length, 1);
  });

  test("a worker that crashes while it ends is not replaced", async () => {
    await world.serving();
    world.supervisor.stop();
    world.worker.end(crash);
    world.pass(60_000);
    assert.equal(world.workers.length, 1);
    await settle();
    assert.equal(world.exitCode, 0);
  });

  test("comes at once in the pause between two workers", async () => {
    await world.serving();
    world.worker.end(crash);
    world.supervisor.stop();
    await settle();
    assert.equal(world.exitCode, 0);
    world.pass(60_000);
    assert.equal(world.workers.length, 1);
  });

  test("asked for during the start, ends the worker; the start did not succeed", async () => {
    const started = world.supervisor.start();
    world.supervisor.stop();
    assert.deepEqual(world.worker.signals, ["SIGTERM"]);
    // It gets as far as to serve before it looks.
    world.worker.ready();
    world.worker.end(ended);
    assert.equal(await started, false);
    await settle();
    assert.equal(world.exitCode, 0);
    assert.equal(world.timers, 0);
  });

  test("a worker that is ended by TERM during the start ends the server", async () => {
    const started = world.supervisor.start();
    world.worker.end({ code: null, signal: "SIGTERM" });
    assert.equal(await started, false);
    await settle();
    assert.equal(world.exitCode, 0);
  });

  test("asked for before the start, starts nothing", async () => {
    world.supervisor.stop();
    assert.equal(await world.supervisor.start(), false);
    assert.equal(await world.supervisor.ended, 0);
    assert.equal(world.workers.length, 0);
  });
});

test("the pause never grows beyond its bound", () => {
  for (const count of [1, 10, 100, 10_000, Number.MAX_SAFE_INTEGER]) {
    const pause = restartDelayMs(count);
    assert.ok(
      pause >= supervisorTimes.restartMs && pause <= supervisorTimes.longestRestartMs,
      `${count}: ${pause}`,
    );
  }
});
