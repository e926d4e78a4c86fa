import { wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import type { ListenerStatus } from "../contract/listener-status.ts";
import type { Logger } from "../logger.ts";
import {
  restartExitCode,
  type ApplyMessage,
  type NumberedRequest,
  type WorkerMessage,
  type WorkerReport,
  type WorkerRequest,
} from "./messages.ts";
import { errorOf } from "./failure.ts";
import { WorkerRequests } from "./worker-requests.ts";

export const supervisorTimes = {
  /** From the end of a worker to the next one, as in the original (`Mayaqua/Unix.c`). */
  restartMs: 100,
  /** The longest pause, for a worker that ends again and again. */
  longestRestartMs: 5_000,
  /** A worker that served so long is not one that ends again and again. */
  stableMs: 10_000,
  /** From the spawn of a worker to its word that it serves; the first one makes a key. */
  startMs: 60_000,
  /** From the request to end to the end, as in the original. */
  stopMs: 60_000,
  /** From the wish for a report to the answer. */
  reportMs: 1_000,
  /** From a desired state to the answer. */
  applyMs: 60_000,
} as const;

/** Restarts in a row without a growing pause. */
export const quickRestarts = 5;

/** How often a first worker that was killed while it started is replaced before the start is given up. */
export const firstStartRestarts = 3;

/** How a worker ended; `error` when it could not be spawned at all. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

export interface WorkerEvents {
  onMessage(message: WorkerMessage): void;
  /** Called once, after the last message, and never before `spawnWorker` has returned. */
  onEnd(end: WorkerEnd): void;
}

export interface WorkerHandle {
  /** `undefined` when the spawn failed. */
  readonly pid: number | undefined;
  /** Asks it to end, as TERM does. */
  askToEnd(): void;
  /** Ends it by force. */
  kill(): void;
  /** Asks it something; a message to a worker that is gone is lost. */
  send(request: NumberedRequest): void;
}

export interface SupervisorOptions {
  readonly spawnWorker: (events: WorkerEvents) => WorkerHandle;
  /** Calls back once after a delay, unless the returned function is called before. */
  readonly schedule: (callback: () => void, delayMs: number) => () => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
  /** Called when there is a worker, and when there is none any more. */
  readonly onWorkerChanged?: (pid: number | undefined) => void;
}

interface Worker {
  readonly handle: WorkerHandle;
  /** Cancels the bound on the start. */
  readonly cancelStartTimer: () => void;
  readonly requests: WorkerRequests;
  readyAt?: number;
  failure?: ServerError;
}

/**
 * Keeps one worker running.
 *
 *     starting --ready--> serving --abnormal end--> pausing --timer--> starting
 *        |                   |                         |
 *        |                   +---normal end, TERM------+---> stopping --worker gone--> ended
 *        +--first start failed-------------------------------^
 *
 * A worker that ends normally (exit code 0, or TERM) was asked to, and the supervisor ends with it. Any other end is
 * followed by a new worker, for ever; but a server that cannot start in the first place is not started again.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #ended = Promise.withResolvers<number>();
  readonly #started = Promise.withResolvers<boolean>();
  #hasServed = false;
  #stopping = false;
  #exitCode = 0;
  #worker: Worker | undefined;
  #cancelPause: (() => void) | undefined;
  #cancelStopTimer: (() => void) | undefined;
  #restarts = 0;
  #abnormalEndsInARow = 0;
  #listeners: readonly ListenerStatus[] = [];
  #tlsFingerprint = "";

  constructor(options: SupervisorOptions) {
    this.#options = options;
    // Whoever waits for the end only need not care for the start.
    this.#started.promise.catch(() => {});
  }

  /** Exit code of the server, once no worker is left. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  get workerPid(): number | undefined {
    return this.#worker?.handle.pid;
  }

  /** Workers that were started in the place of another. */
  get restarts(): number {
    return this.#restarts;
  }

  get listeners(): readonly ListenerStatus[] {
    return this.#listeners;
  }

  get tlsFingerprint(): string {
    return this.#tlsFingerprint;
  }

  /**
   * Starts the first worker. Resolves with `true` once it serves on at least one port, with `false` when it was asked to end
   * before.
   *
   * @throws {ServerError} why it does not serve; the supervisor then ends
   */
  start(): Promise<boolean> {
    if (!this.#stopping) this.#startWorker();
    return this.#started.promise;
  }

  /** Ends the worker, by force after a minute, and then the supervisor. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#started.resolve(false);
    this.#cancelPause?.();
    if (this.#worker === undefined) {
      this.#end();
      return;
    }
    const { handle } = this.#worker;
    handle.askToEnd();
    this.#cancelStopTimer = this.#options.schedule(() => {
      this.#options.log.error(
        `worker ${handle.pid} did not end within ${supervisorTimes.stopMs / 1000} s: killing it`,
      );
      handle.kill();
    }, supervisorTimes.stopMs);
  }

  /** @throws {ServerError} see {@link apply} */
  async report(): Promise<WorkerReport> {
    return (await this.#ask({ type: "report" }, supervisorTimes.reportMs)) as WorkerReport;
  }

  /**
   * Has the worker apply a desired state.
   *
   * @throws {ServerError} what it answered; BUSY when there is none that serves at present; FAILED when it ends, or does not
   *   answer in time
   */
  async apply(request: ApplyMessage): Promise<unknown> {
    return this.#ask({ type: "apply", ...request }, supervisorTimes.applyMs);
  }

  async #ask(request: WorkerRequest, timeoutMs: number): Promise<unknown> {
    const worker = this.#worker;
    if (worker?.readyAt === undefined || this.#stopping) {
      const what = this.#stopping ? "is being stopped" : "is being started";
      throw new ServerError("BUSY", `the server ${what}; try again`);
    }
    return worker.requests.ask(request, (numbered) => worker.handle.send(numbered), timeoutMs);
  }

  #startWorker(): void {
    const { spawnWorker, schedule, log, onWorkerChanged } = this.#options;
    const handle = spawnWorker({
      onMessage: (message) => this.#onMessage(worker, message),
      onEnd: (end) => this.#onEnd(worker, end),
    });
    const worker: Worker = {
      handle,
      requests: new WorkerRequests({ schedule }),
      cancelStartTimer: schedule(() => {
        worker.failure = new ServerError(
          "FAILED",
          `the worker was not ready within ${supervisorTimes.startMs / 1000} s`,
        );
        log.error(`${worker.failure.message}: killing it`);
        handle.kill();
      }, supervisorTimes.startMs),
    };
    this.#worker = worker;
    if (handle.pid !== undefined) {
      log.info(`worker ${handle.pid} started`);
      onWorkerChanged?.(handle.pid);
    }
  }

  #onMessage(worker: Worker, message: WorkerMessage): void {
    switch (message.type) {
      case "ready":
        worker.cancelStartTimer();
        worker.readyAt = this.#options.now();
        this.#listeners = message.listeners;
        this.#tlsFingerprint = message.tlsFingerprint;
        this.#onReady();
        break;
      case "listeners":
        this.#listeners = message.listeners;
        break;
      case "certificate":
        this.#tlsFingerprint = message.tlsFingerprint;
        break;
      case "failed":
        worker.failure = errorOf(message.failure);
        break;
      case "part":
      case "answer":
        worker.requests.take(message);
        break;
    }
  }

  #onReady(): void {
    if (this.#hasServed || this.#stopping) return;
    if (this.#listeners.some((listener) => listener.state === "Listening")) {
      this.#hasServed = true;
      this.#started.resolve(true);
    } else {
      this.#failStart(nothingListens(this.#listeners));
      this.stop();
    }
  }

  #onEnd(worker: Worker, end: WorkerEnd): void {
    const { log, now, schedule, onWorkerChanged } = this.#options;
    const { pid } = worker.handle;
    const how = `worker ${pid === undefined ? "" : `${pid} `}${describe(end)}`;
    worker.cancelStartTimer();
    worker.requests.fail(new ServerError("FAILED", `the ${how} before it answered`));
    this.#worker = undefined;
    onWorkerChanged?.(undefined);
    if (this.#stopping || end.code === 0 || end.signal === "SIGTERM") {
      log.info(how);
      this.#started.resolve(false);
      this.#end();
      return;
    }
    if (end.code === restartExitCode) {
      log.info(`${how}: an administrator wants it to be started anew`);
      this.#restarts++;
      this.#startWorker();
      return;
    }
    const failure = worker.failure ?? new ServerError("FAILED", `the ${how} while it started`);
    this.#abnormalEndsInARow =
      worker.readyAt !== undefined && now() - worker.readyAt >= supervisorTimes.stableMs
        ? 1
        : this.#abnormalEndsInARow + 1;
    const wasKilled = end.signal !== null && worker.failure === undefined;
    if (!this.#hasServed && (!wasKilled || this.#abnormalEndsInARow > firstStartRestarts)) {
      log.error(`${how}: ${failure.message}`);
      this.#failStart(failure);
      this.#end();
      return;
    }
    const reason = worker.failure === undefined ? how : `${how}: ${worker.failure.message}`;
    this.#listeners = this.#listeners.map(({ port, state }) =>
      state === "Stopped" ? { port, state } : { port, state: "Error", reason: `being restarted: ${reason}` },
    );
    const delayMs = restartDelayMs(this.#abnormalEndsInARow);
    log.error(`${reason}; starting another in ${delayMs} ms`);
    this.#cancelPause = schedule(() => {
      this.#restarts++;
      this.#startWorker();
    }, delayMs);
  }

  #failStart(failure: ServerError): void {
    this.#exitCode = failure.exitCode;
    this.#started.reject(failure);
  }

  #end(): void {
    this.#stopping = true;
    this.#cancelStopTimer?.();
    this.#ended.resolve(this.#exitCode);
  }
}

/** The pause before the next worker, by the number of abnormal ends in a row. */
export function restartDelayMs(abnormalEndsInARow: number): number {
  const doublings = Math.max(0, abnormalEndsInARow - quickRestarts);
  return Math.min(supervisorTimes.longestRestartMs, supervisorTimes.restartMs * 2 ** Math.min(doublings, 16));
}

function nothingListens(listeners: readonly ListenerStatus[]): ServerError {
  const enabled = listeners.filter((listener) => listener.state !== "Stopped");
  if (enabled.length === 0) {
    return new ServerError(
      "UNHEALTHY",
      "no listener is enabled in the configuration: enable one in ListenerList of vpn_server.config",
    );
  }
  // On one line, which the journal of a service keeps together.
  const reasons = enabled.map(({ port, reason }) => `TCP ${port}: ${reason ?? "not open"}`);
  return new ServerError("UNHEALTHY", `none of the listeners could be opened: ${reasons.join("; ")}`);
}

function describe(end: WorkerEnd): string {
  if (end.error !== undefined) return `could not be started: ${wordsOf(end.error)}`;
  return end.signal === null ? `ended with exit code ${end.code}` : `was ended by ${end.signal}`;
}
