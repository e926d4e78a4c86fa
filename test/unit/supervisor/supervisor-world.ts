import assert from "node:assert/strict";
import type { ErrorCode } from "../../../server/errors.ts";
import type { ListenerStatus } from "../../../server/contract/listener-status.ts";
import type { NumberedRequest } from "../../../server/supervisor/messages.ts";
import { Supervisor, type WorkerEnd, type WorkerEvents } from "../../../server/supervisor/supervisor.ts";

/** What a worker tells of its listeners when it serves. */
export const listening: readonly ListenerStatus[] = [
  { port: 443, state: "Error", reason: "EACCES" },
  { port: 5555, state: "Listening" },
  { port: 992, state: "Stopped" },
];
/** How workers end. */
export const crash: WorkerEnd = { code: 1, signal: null };
export const killed: WorkerEnd = { code: null, signal: "SIGKILL" };
export const ended: WorkerEnd = { code: 0, signal: null };

/** A worker that does nothing by itself, and keeps what it was told. */
export class FakeWorker {
  readonly pid: number | undefined;
  readonly events: WorkerEvents;
  readonly signals: string[] = [];
  readonly requests: NumberedRequest[] = [];

  constructor(pid: number | undefined, events: WorkerEvents) {
    this.pid = pid;
    this.events = events;
  }

  askToEnd(): void {
    this.signals.push("SIGTERM");
  }

  kill(): void {
    this.signals.push("SIGKILL");
  }

  send(request: NumberedRequest): void {
    this.requests.push(request);
  }

  ready(listeners = listening): void {
    this.events.onMessage({ type: "ready", listeners, tlsFingerprint: "AB:CD" });
  }

  failed(code: ErrorCode, message: string): void {
    this.events.onMessage({ type: "failed", failure: { code, message } });
  }

  end(how: WorkerEnd): void {
    this.events.onEnd(how);
  }
}

/** A world where time passes only when it is told to, and processes do only what they are told. */
export class World {
  now = 0;
  readonly workers: FakeWorker[] = [];
  readonly pids: (number | undefined)[] = [];
  readonly log: string[] = [];
  readonly supervisor: Supervisor;
  exitCode: number | undefined;
  #timers: { at: number; callback: () => void }[] = [];

  constructor() {
    this.supervisor = new Supervisor({
      spawnWorker: (events) => {
        const worker = new FakeWorker(100 + this.workers.length, events);
        this.workers.push(worker);
        return worker;
      },
      schedule: (callback, delayMs) => {
        const timer = { at: this.now + delayMs, callback };
        this.#timers.push(timer);
        return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
      },
      now: () => this.now,
      log: {
        info: (line) => this.log.push(line),
        warn: (line) => this.log.push(line),
        error: (line) => this.log.push(line),
      },
      onWorkerChanged: (pid) => this.pids.push(pid),
    });
    void this.supervisor.ended.then((exitCode) => (this.exitCode = exitCode));
  }

  /** The newest worker. */
  get worker(): FakeWorker {
    const worker = this.workers.at(-1);
    assert.ok(worker, "no worker was spawned");
    return worker;
  }

  get timers(): number {
    return this.#timers.length;
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.now = due.at;
      due.callback();
    }
    this.now = end;
  }

  /** How long until another worker is spawned. */
  pause(): number {
    const count = this.workers.length;
    const begin = this.now;
    while (this.workers.length === count) {
      assert.ok(this.now - begin < 60_000, "no other worker within a minute");
      this.pass(1);
    }
    return this.now - begin;
  }

  async serving(): Promise<this> {
    const started = this.supervisor.start();
    this.worker.ready();
    assert.equal(await started, true);
    return this;
  }
}

/** Lets promises that are settled call back. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
