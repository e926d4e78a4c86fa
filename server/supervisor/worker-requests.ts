import { ServerError } from "../errors.ts";
import { errorOf } from "./failure.ts";
import { MessageParts, partsOf } from "./message-parts.ts";
import type { NumberedRequest, WorkerAnswer, WorkerRequest } from "./messages.ts";

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly cancelTimer: () => void;
}

export interface WorkerRequestsOptions {
  /** Calls back once after a delay, unless the returned function is called before. */
  readonly schedule: (callback: () => void, delayMs: number) => () => void;
}

/** The requests to one worker that wait for their answers. Each is answered, or fails when its time is over. */
export class WorkerRequests {
  readonly #options: WorkerRequestsOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #parts = new MessageParts();
  #count = 0;

  constructor(options: WorkerRequestsOptions) {
    this.#options = options;
  }

  /** @throws {ServerError} what the worker answered, or FAILED when it did not answer in time */
  ask(request: WorkerRequest, send: (request: NumberedRequest) => void, timeoutMs: number): Promise<unknown> {
    const number = ++this.#count;
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.schedule(() => {
        this.#waiting.delete(number);
        reject(
          new ServerError(
            "FAILED",
            `the worker did not answer within ${timeoutMs / 1000} s; look into its log`,
          ),
        );
      }, timeoutMs);
      this.#waiting.set(number, { resolve, reject, cancelTimer });
      if (request.type === "report") return void send({ type: "report", number });
      const { type, desired, dryRun } = request;
      for (const part of partsOf(number, JSON.stringify(desired))) send(part);
      send({ type, number, dryRun });
    });
  }

  /** Takes an answer; one that nobody waits for any more is left alone. */
  take(answer: WorkerAnswer): void {
    if (answer.type === "part") return this.#parts.add(answer);
    const parts = this.#parts.take(answer.number);
    const waiting = this.#waiting.get(answer.number);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.number);
    waiting.cancelTimer();
    if ("failure" in answer) waiting.reject(errorOf(answer.failure));
    else waiting.resolve("inParts" in answer ? JSON.parse(parts.join("")) : answer.result);
  }

  /** The worker is gone. */
  fail(error: ServerError): void {
    for (const { reject, cancelTimer } of this.#waiting.values()) {
      cancelTimer();
      reject(error);
    }
    this.#waiting.clear();
  }
}
