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
  const whole = (worker: FakeWorker) => worker.requests.filter(({ type }) => type !== "part");
  const tell = (worker: FakeWorker, index: number, what: object) => {
    const number = whole(worker)[index]?.number ?? -1;
    worker.events.onMessage({ type: "answer", number, ...what } as WorkerMessage);
  };
  const answer = (worker: FakeWorker, index: number, what: { result?: unknown; failure?: object }) => {
    const isApply = whole(worker)[index]?.type === "apply";
    if (!isApply || what.failure !== undefined) return tell(worker, index, what);
    // In two parts, cut anywhere.
    const text = JSON.stringify(what.result);
    for (const part of [text.slice(0, 7), text.slice(7)]) tell(worker, index, { type: "part", text: part });
    tell(worker, index, { inParts: true });
  };

  test("is answered by its number, in whatever order, and leaves no timer", async () => {
    const { supervisor, worker } = await world.serving();
    const applied = supervisor.apply(request);
    const report = supervisor.report();
    assert.deepEqual(
      whole(worker).map(({ type }) => type),
      ["apply", "report"],
    );
    answer(worker, 1, { result: { hubs: [], warnings: [] } });
    answer(worker, 0, { result });
    assert.deepEqual(await report, { hubs: [], warnings: [] });
    assert.deepEqual(await applied, result);
    assert.equal(world.timers, 0);
  });

  test("of megabytes goes in parts of some thousands, and so comes its answer", async () => {
    const { supervisor, worker } = await world.serving();
    // Of characters that are cut in two by some of the cuts.
    const desired = { hubs: ["\u{1F511}".repeat(1_000_001)] };
    const applied = supervisor.apply({ desired, dryRun: true });
    const texts = worker.requests.flatMap((each) => (each.type === "part" ? [each.text] : []));
    assert.ok(texts.length > 20 && texts.every(({ length }) => length <= 65_536));
    assert.deepEqual(JSON.parse(texts.join("")), desired);
    const [last] = worker.requests.slice(-1);
    assert.deepEqual(last, { type: "apply", number: last?.number, dryRun: true });
    answer(worker, 0, { result });
    assert.deepEqual(await applied, result);
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
