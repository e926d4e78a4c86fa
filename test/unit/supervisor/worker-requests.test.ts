import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ServerError, type ErrorCode } from "../../../server/errors.ts";
import type { WorkerMessage } from "../../../server/supervisor/messages.ts";
import { supervisorTimes } from "../../../server/supervisor/supervisor.ts";
import { crash, World, type FakeWorker } from "./supervisor-world.ts";

let world: World;
beforeEach(() => (world = new World()));

describe("a request to the worker", () => {
  const request = { desired: { hubs: [] }, dryRun: false };
  const result = { changed: false, changes: [], endedSessions: [], certificate: "PEM", hubs: [] };
  const failsWith = (code: ErrorCode, problem: RegExp) => (error: unknown) =>
    error instanceof ServerError && error.code === code && problem.test(error.message);
  const answer = (worker: FakeWorker, index: number, what: object) => {
    const number = worker.requests[index]?.number ?? -1;
    worker.events.onMessage({ type: "answer", number, ...what } as WorkerMessage);
  };

  test("is answered by its number, in whatever order, and leaves no timer", async () => {
    const { supervisor, worker } = await world.serving();
    const applied = supervisor.apply(request);
    const report = supervisor.report();
    assert.deepEqual(
      worker.requests.map(({ type }) => type),
      ["apply", "report"],
    );
    answer(worker, 1, { result: { hubs: [], warnings: [] } });
    answer(worker, 0, { result });
    assert.deepEqual(await report, { hubs: [], warnings: [] });
    assert.deepEqual(await applied, result);
    assert.equal(world.timers, 0);
  });

  test("fails as the worker says", async () => {
    const { supervisor, worker } = await world.serving();
    const applied = supervisor.apply(request);
    answer(worker, 0, { failure: { code: "USAGE", message: "hubs: is missing" } });
    await assert.rejects(applied, failsWith("USAGE", /^hubs: is missing$/));
  });

  test("fails when its time is over; an answer after that does no harm", async () => {
    const { supervisor, worker } = await world.serving();
    const report = supervisor.report();
    world.pass(supervisorTimes.reportMs);
    await assert.rejects(report, failsWith("FAILED", /did not answer within 1 s/));
    answer(worker, 0, { result: [] });
    answer(worker, 0, { result: [] });
  });

  test("fails when the worker ends, and the next worker answers the next one", async () => {
    const { supervisor, worker } = await world.serving();
    const applied = supervisor.apply(request);
    worker.end(crash);
    await assert.rejects(applied, failsWith("FAILED", /ended with exit code 1 before it answered/));
    await assert.rejects(supervisor.apply(request), failsWith("BUSY", /is being started; try again/));
    world.pause();
    await assert.rejects(supervisor.apply(request), failsWith("BUSY", /is being started/));
    world.worker.ready();
    const again = supervisor.apply(request);
    answer(world.worker, 0, { result });
    assert.deepEqual(await again, result);
  });

  test("is refused while the server is being stopped", async () => {
    const { supervisor } = await world.serving();
    supervisor.stop();
    await assert.rejects(supervisor.report(), failsWith("BUSY", /is being stopped/));
  });
});
