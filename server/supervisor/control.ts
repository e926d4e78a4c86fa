import { statSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { StatePaths } from "../state-paths.ts";
import { wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { controlLimits, type ControlRequest, type ControlResponse } from "./control-protocol.ts";
import { connectLocally } from "../platform/local-socket.ts";
import { errorOf } from "./failure.ts";
import type { ApplyMessage } from "./messages.ts";
import {
  identifyProcess,
  isRunning,
  signalProcess,
  type ProcessIdentity,
} from "../platform/process-identity.ts";
import { readRunFiles, type ServerProcesses } from "./run-files.ts";
import type { RunningStatus } from "../contract/server-status.ts";
import { notRunning } from "./instance-errors.ts";
import { supervisorTimes } from "./supervisor.ts";

export { startServerProcess } from "./start-process.ts";

/** How long a supervisor may take to answer. */
const defaultAnswerMs = 5_000;

const pollMs = 20;

/**
 * Asks the server of a state directory how it is.
 *
 * @returns `undefined` when none runs
 * @throws {ServerError} NOT_PERMITTED when it belongs to another user, FAILED when it does not answer
 */
export async function readStatus(paths: StatePaths): Promise<RunningStatus | undefined> {
  return requestStatus(paths, "status");
}

export interface StopOptions {
  /** Patience with an orderly end; a little over a minute by default, which the supervisor allows its worker. */
  readonly timeoutMs?: number;
  /** Patience with the answer to the request; TERM takes its place after that. */
  readonly answerMs?: number;
  /** From KILL to the end, and from the supervisor's end to that of its worker. */
  readonly killMs?: number;
}

/**
 * Ends the server of a state directory; resolves when supervisor and worker are gone. A server that does not react is
 * killed: the supervisor first, then its worker, and never another process that got their process ids since.
 *
 * @throws {ServerError} NOT_RUNNING when none runs, NOT_PERMITTED when it belongs to another user, FAILED when it survives
 */
export async function stopServer(paths: StatePaths, options: StopOptions = {}): Promise<void> {
  const { timeoutMs = supervisorTimes.stopMs + 5_000, answerMs = defaultAnswerMs, killMs = 5_000 } = options;
  const asked = await requestStatus(paths, "stop", answerMs).catch((error: unknown) => {
    if (error instanceof ServerError && error.code === "NOT_PERMITTED") throw error;
    return undefined;
  });
  const processes = new KnownProcesses(paths, asked?.supervisor.pid);
  if (!processes.someRuns()) {
    if (asked === undefined) throw notRunning(paths.stateDirectory);
    return;
  }
  if (asked === undefined && !processes.signal("supervisor", "SIGTERM")) {
    processes.signal("worker", "SIGTERM");
  }
  if (await processes.allGone(timeoutMs)) return;
  processes.signal("supervisor", "SIGKILL");
  // A worker ends by itself when its supervisor is gone.
  if (await processes.allGone(killMs)) return;
  processes.signal("worker", "SIGKILL");
  if (await processes.allGone(killMs)) return;
  throw new ServerError(
    "FAILED",
    `the server does not end, not even by KILL: ${processes.describe()} hangs in the kernel`,
  );
}

/** The processes of one server, as it replaces its worker meanwhile. */
class KnownProcesses {
  readonly #paths: StatePaths;
  #supervisor: ProcessIdentity | undefined;
  #worker: ProcessIdentity | undefined;

  constructor(paths: StatePaths, supervisorPid: number | undefined) {
    this.#paths = paths;
    const recorded = readRunFiles(paths);
    // The record may be an older one, where the disk is full.
    this.#supervisor =
      supervisorPid === undefined || supervisorPid === recorded?.supervisor.pid
        ? recorded?.supervisor
        : identifyProcess(supervisorPid);
    this.#worker = recorded?.worker;
  }

  someRuns(): boolean {
    this.#update(readRunFiles(this.#paths));
    return [this.#supervisor, this.#worker].some((identity) => identity !== undefined && isRunning(identity));
  }

  /** @returns whether the process was there */
  signal(which: "supervisor" | "worker", signal: NodeJS.Signals): boolean {
    const identity = which === "supervisor" ? this.#supervisor : this.#worker;
    if (identity === undefined) return false;
    if (!isOfState(identity.pid, this.#paths)) return false;
    try {
      return signalProcess(identity, signal);
    } catch (error) {
      throw belongsToAnother(this.#paths, error);
    }
  }

  async allGone(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (this.someRuns()) {
      if (performance.now() >= deadline) return false;
      await sleep(pollMs);
    }
    return true;
  }

  describe(): string {
    return [this.#supervisor, this.#worker]
      .filter((identity) => identity !== undefined && isRunning(identity))
      .map((identity) => `process ${identity?.pid}`)
      .join(" and ");
  }

  #update(recorded: ServerProcesses | undefined): void {
    // Another supervisor's record is that of the next server.
    if (recorded?.worker !== undefined && recorded.supervisor.started === this.#supervisor?.started) {
      this.#worker = recorded.worker;
    }
  }
}

/** As root: whether a process belongs to the owner of the state, whose record could name any process. */
function isOfState(pid: number, { stateDirectory }: StatePaths): boolean {
  if (process.geteuid?.() !== 0) return true;
  try {
    const { uid } = statSync(stateDirectory);
    return uid === 0 || statSync(`/proc/${pid}`).uid === uid;
  } catch {
    return true;
  }
}

async function requestStatus(
  paths: StatePaths,
  command: "status" | "stop",
  answerMs = defaultAnswerMs,
): Promise<RunningStatus | undefined> {
  const response = await request(paths, { command }, answerMs);
  if (response === undefined) return undefined;
  if ("status" in response) return response.status;
  throw unexpected(response);
}

/**
 * Applies a desired state to the server of a state directory.
 *
 * @returns what the server answered; `undefined` when none runs
 * @throws {ServerError} why it refused; BUSY when it is being started or stopped; NOT_PERMITTED when it belongs to
 *   another user; FAILED when it does not answer, or is one that does not know the request
 */
export async function requestApply(paths: StatePaths, content: ApplyMessage): Promise<unknown> {
  const answerMs = supervisorTimes.applyMs + defaultAnswerMs;
  const response = await request(paths, { command: "apply", ...content }, answerMs);
  if (response === undefined) return undefined;
  if ("applied" in response) return response.applied;
  throw unexpected(response);
}

function unexpected(response: ControlResponse): ServerError {
  if ("failure" in response) return errorOf(response.failure);
  const why = "error" in response ? response.error : "its answer is to another request";
  return new ServerError("FAILED", `the server refused: ${why}; if it is an older release, update it`);
}

/** @returns `undefined` when no server runs */
async function request(
  paths: StatePaths,
  content: ControlRequest,
  answerMs: number,
): Promise<ControlResponse | undefined> {
  let line: string;
  try {
    line = await exchange(paths.controlSocket, `${JSON.stringify(content)}\n`, answerMs);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM") throw belongsToAnother(paths, error);
    const pid = readRunFiles(paths)?.supervisor;
    if (pid === undefined || !isRunning(pid)) return undefined;
    throw new ServerError(
      "FAILED",
      `the server (process ${pid.pid}) does not answer: ${wordsOf(error)}; to end it: vpnserver stop`,
      { cause: error },
    );
  }
  return JSON.parse(line) as ControlResponse;
}

async function exchange(path: string, line: string, answerMs: number): Promise<string> {
  const deadline = AbortSignal.timeout(answerMs);
  try {
    return await answerOf(await connectLocally(path, deadline), line);
  } catch (error) {
    throw deadline.aborted ? new Error(`no answer within ${answerMs / 1000} s`, { cause: error }) : error;
  }
}

function answerOf(socket: Socket, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > controlLimits.responseBytes) socket.destroy(new Error("the answer is too long"));
    });
    socket.on("end", () => {
      if (text.endsWith("\n")) resolve(text);
      else socket.destroy(new Error("the answer was cut off"));
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the connection was closed")));
    socket.write(line);
  });
}

function belongsToAnother(paths: StatePaths, cause: unknown): ServerError {
  return new ServerError(
    "NOT_PERMITTED",
    `the server in ${paths.stateDirectory} belongs to another user: run this as that user, or as ${process.platform === "win32" ? "an administrator" : "root (sudo)"}`,
    { cause },
  );
}
