import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusReport } from "../../../server/native/windows/service-process.ts";
import { ServiceReports } from "../../../server/windows/service-reports.ts";

/** A service whose time is passed by hand. */
function service() {
  const told: StatusReport[] = [];
  const timers = new Set<() => void>();
  const reports = new ServiceReports({
    report: (status) => told.push(status),
    schedule: (callback) => {
      timers.add(callback);
      return () => timers.delete(callback);
    },
  });
  const pass = () => {
    for (const callback of [...timers]) {
      timers.delete(callback);
      callback();
    }
  };
  const states = () => told.map(({ state, checkPoint }) => [state, checkPoint]);
  return { reports, told, timers, pass, states };
}

const [STOPPED, START_PENDING, STOP_PENDING, RUNNING] = [1, 2, 3, 4];

test("a service that starts, runs and stops tells each step, with check points while it is pending", () => {
  const { reports, pass, states, timers, told } = service();
  pass();
  pass();
  reports.running();
  assert.equal(timers.size, 0, "nothing is told while it runs");
  reports.stopping();
  pass();
  reports.stopped(0);
  pass();
  assert.deepEqual(states(), [
    [START_PENDING, 1],
    [START_PENDING, 2],
    [START_PENDING, 3],
    [RUNNING, 0],
    [STOP_PENDING, 1],
    [STOP_PENDING, 2],
    [STOPPED, 0],
  ]);
  for (const { state, controlsAccepted, waitHintMs } of told) {
    // Stop, shutdown and preshutdown; none while it is pending.
    assert.equal(controlsAccepted, state === RUNNING ? 0x105 : 0);
    assert.equal(waitHintMs > 1_000, state === START_PENDING || state === STOP_PENDING);
  }
});

test("a service that cannot start says why, so that Windows starts it again", () => {
  const { reports, told, timers } = service();
  reports.stopped(6);
  assert.equal(timers.size, 0);
  const { state, exitCode, specificExitCode } = told.at(-1) as StatusReport;
  assert.deepEqual([state, exitCode, specificExitCode], [STOPPED, 1066, 6]);
});

test("what would lead back is not told", () => {
  const { reports, states } = service();
  reports.stopping();
  reports.running();
  reports.stopping();
  reports.stopped(0);
  reports.stopped(1);
  reports.running();
  reports.stopping();
  assert.deepEqual(states(), [
    [START_PENDING, 1],
    [STOP_PENDING, 1],
    [STOPPED, 0],
  ]);
});
