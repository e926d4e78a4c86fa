import type { AttemptQueueOptions } from "../../../server/access/attempt-queue.ts";

/** Time that passes when a test says so. */
export class ManualClock implements AttemptQueueOptions {
  #now: number;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  constructor(now = 0) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;

  readonly schedule = (callback: () => void, delayMs: number): (() => void) => {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Timers that have not fired. */
  get timers(): number {
    return this.#timers.size;
  }

  pass(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at);
      const [next] = due;
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = until;
  }
}

/** A clock of those who do not want to wait: what is to be done after a while is done in the next microtask, when that has passed. */
export function createHastyClock(): AttemptQueueOptions {
  const clock = new ManualClock();
  return {
    now: clock.now,
    schedule: (callback, delayMs) => {
      queueMicrotask(() => clock.pass(delayMs));
      return clock.schedule(callback, delayMs);
    },
  };
}

/** Of a connection that stays. */
export const neverGone = new AbortController().signal;
