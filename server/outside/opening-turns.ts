import { outsideLimits } from "../limits.ts";

export interface OpeningTurnsOptions {
  /** Calls back in the next turn of the event loop. */
  readonly nextTurn: (callback: () => void) => void;
}

/**
 * Bounds how many sockets are opened in one turn of the event loop, since the system takes its time for each. Those who would open more
 * wait, and whoever they belong to take turns.
 */
export class OpeningTurns {
  readonly #options: OpeningTurnsOptions;
  /** What waits, by its owner; the owner that comes next is the first. */
  readonly #waiting = new Map<number, Set<() => void>>();
  #opened = 0;
  #isScheduled = false;

  constructor(options: OpeningTurnsOptions) {
    this.#options = options;
  }

  /**
   * Opens something, at once or in a later turn.
   *
   * @returns calls that off
   */
  open(owner: number, opening: () => void): () => void {
    this.#schedule();
    if (this.#waiting.size === 0 && this.#opened < outsideLimits.openedInTurn) {
      this.#opened++;
      opening();
      return () => {};
    }
    const own = this.#waiting.get(owner) ?? new Set();
    this.#waiting.set(owner, own.add(opening));
    return () => {
      if (own.delete(opening) && own.size === 0) this.#waiting.delete(owner);
    };
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.nextTurn(() => {
      this.#isScheduled = false;
      this.#opened = 0;
      this.#openWaiting();
      if (this.#waiting.size > 0) this.#schedule();
    });
  }

  #openWaiting(): void {
    while (this.#opened < outsideLimits.openedInTurn) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [owner, own] = next;
      const [opening] = own;
      this.#waiting.delete(owner);
      if (opening === undefined) continue;
      own.delete(opening);
      if (own.size > 0) this.#waiting.set(owner, own);
      this.#opened++;
      opening();
    }
  }
}
