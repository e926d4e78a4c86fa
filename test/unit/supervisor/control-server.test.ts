import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, test } from "node:test";
import { resolveStatePaths, type StatePaths } from "../../../server/state-paths.ts";
import type { ApplyResult } from "../../../server/contract/apply-result.ts";
import { ServerError } from "../../../server/errors.ts";
import { controlLimits, type ControlRequest } from "../../../server/supervisor/control-protocol.ts";
import { ControlServer, type ControlAnswer } from "../../../server/supervisor/control-server.ts";
import { readStatus, requestApply } from "../../../server/supervisor/control.ts";
import type { RunningStatus } from "../../../server/contract/server-status.ts";

const status: RunningStatus = {
  running: true,
  version: "1.2.3",
  release: null,
  executable: "/opt/vpnserver",
  stateDirectory: "/state",
  supervisor: { pid: 10 },
  worker: { pid: 11, restarts: 2 },
  startedAt: "2026-01-31T12:00:00.000Z",
  listeners: [{ port: 5555, state: "Listening" }],
  hubs: null,
  warnings: null,
  restrictions: null,
  notServed: null,
  sessions: null,
  tlsFingerprint: "AB:CD",
};

let directory: string;
let paths: StatePaths;
let control: ControlServer | undefined;
let requests: ControlRequest[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-control-"));
  paths = resolveStatePaths({ env: {}, uid: 0, home: "/", stateDirectory: directory });
  requests = [];
});
afterEach(async () => {
  await control?.close();
  control = undefined;
  await rm(directory, { recursive: true, force: true });
});

async function listen(answer: ControlAnswer = () => ({ status })): Promise<void> {
  await mkdir(paths.runDirectory, { recursive: true });
  control = await ControlServer.listen(paths.controlSocket, (request) => {
    requests.push(request);
    return answer(request);
  });
}

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: paths.controlSocket });
    socket.once("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}

async function ask(line: string): Promise<unknown> {
  const socket = await open();
  socket.write(line);
  return JSON.parse(await text(socket));
}

describe("ControlServer", () => {
  test("answers a status request", async () => {
    await listen();
    assert.deepEqual(await readStatus(paths), status);
    assert.deepEqual(requests, [{ command: "status" }]);
  });

  test("is for its owner alone", async () => {
    await listen();
    assert.equal((await stat(paths.controlSocket)).mode & 0o777, 0o600);
  });

  test("takes the place of a socket, or anything else, that a crash left", async () => {
    await mkdir(paths.runDirectory);
    await writeFile(paths.controlSocket, "left over");
    await listen();
    assert.deepEqual(await readStatus(paths), status);
  });

  test("works where the path is longer than a socket's address may be, and leaves nothing there", async () => {
    const stateDirectory = join(directory, "long".repeat(50), "é".repeat(80));
    paths = resolveStatePaths({ env: {}, uid: 0, home: "/", stateDirectory });
    await listen();
    assert.deepEqual(await readStatus(paths), status);
    await control?.close();
    control = undefined;
    await assert.rejects(stat(paths.controlSocket), { code: "ENOENT" });
  });

  test("takes a request in pieces", async () => {
    await listen();
    const socket = await open();
    const answer = text(socket);
    for (const byte of '{"command":"stop"}\n') {
      await new Promise((resolve) => socket.write(byte, resolve));
    }
    assert.deepEqual(JSON.parse(await answer), { status });
    assert.deepEqual(requests, [{ command: "stop" }]);
  });

  for (const [line, error] of [
    ["\n", "the request is not JSON"],
    ["{\n", "the request is not JSON"],
    ["null\n", "the request has no command that is known here"],
    ["7\n", "the request has no command that is known here"],
    ['{"command":"restart"}\n', "the request has no command that is known here"],
    [`${"x".repeat(controlLimits.requestBytes + 1)}\n`, "the request is too long"],
    ["x".repeat(controlLimits.requestBytes + 1), "the request is too long"],
  ] as const) {
    test(`refuses ${JSON.stringify(line.slice(0, 30))} (${line.length} characters)`, async () => {
      await listen();
      assert.deepEqual(await ask(line), { error });
      assert.deepEqual(requests, []);
    });
  }

  test("one request per connection: the rest is not looked at", async () => {
    await listen();
    assert.deepEqual(await ask('{"command":"status"}\n{"command":"stop"}\n'), { status });
    assert.deepEqual(requests, [{ command: "status" }]);
  });

  test("closes although a client says nothing", async () => {
    await listen();
    const socket = await open();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    await control?.close();
    control = undefined;
    await closed;
  });
});

describe("requestApply", () => {
  const result = { changed: true, changes: ["x"], endedSessions: [], certificate: "PEM", hubs: ["A"] };

  test("hands over a desired state of some megabytes, and waits for the answer", async () => {
    const answered = Promise.withResolvers<{ applied: ApplyResult }>();
    await listen(() => answered.promise);
    const desired = { hubs: [{ name: "é".repeat(2 * 1024 * 1024) }] };
    const applied = requestApply(paths, { desired, dryRun: true });
    answered.resolve({ applied: result });
    assert.deepEqual(await applied, result);
    assert.deepEqual(requests, [{ command: "apply", desired, dryRun: true }]);
  });

  test("throws what the server throws", async () => {
    await listen(() => {
      throw new ServerError("USAGE", "hubs: is missing");
    });
    await assert.rejects(
      requestApply(paths, { desired: {}, dryRun: false }),
      (error) =>
        error instanceof ServerError && error.code === "USAGE" && error.message === "hubs: is missing",
    );
  });

  test("says that an older server is to be updated", async () => {
    await listen(() => ({ error: "the request has no command that is known here" }));
    await assert.rejects(requestApply(paths, { desired: {}, dryRun: false }), /older release, update it/);
  });

  test("gives undefined when no server runs", async () => {
    assert.equal(await requestApply(paths, { desired: {}, dryRun: false }), undefined);
  });
});

describe("readStatus", () => {
  test("tells that no server runs where there is no state, no socket, or a left-over one", async () => {
    assert.equal(await readStatus(paths), undefined);
    await mkdir(paths.runDirectory);
    assert.equal(await readStatus(paths), undefined);
    await writeFile(paths.controlSocket, "");
    assert.equal(await readStatus(paths), undefined);
    const gone = { ...paths, controlSocket: join(directory, "no", "x".repeat(120), "such") };
    await assert.rejects(stat(dirname(gone.controlSocket)), { code: "ENOENT" });
    assert.equal(await readStatus(gone), undefined);
  });
});
