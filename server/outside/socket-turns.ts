export interface SocketTurnsOptions {
  /** Sockets that are dealt with in a turn. */
  readonly inTurn: number;
  /** Calls back in the next turn of the event loop. */
  readonly nextTurn: (callback: () => void) => void;
}

/**
 * Bounds how many sockets are opened, or closed, in one turn of the event loop, since the system takes its time for each. Those beyond
 * wait, and whoever they belong to take turns.
 */
export class SocketTurns {
  readonly #options: SocketTurnsOptions;
  /** What waits, by its owner; the owner that comes next is the first. */
  readonly #waiting = new Map<number, Set<() => void>>();
  #done = 0;
  #isScheduled = false;

  constructor(options: SocketTurnsOptions) {
    this.#options = options;
  }

  /**
   * Does something to a socket, at once or in a later turn.
   *
   * @returns calls that off
   */
  take(owner: number, work: () => void): () => void {
    this.#schedule();
    if (this.#waiting.size === 0 && this.#done < this.#options.inTurn) {
      this.#done++;
      work();
      return () => {};
    }
    const own = this.#waiting.get(owner) ?? new Set();
    this.#waiting.set(owner, own.add(work));
    return () => {
      if (own.delete(work) && own.size === 0) this.#waiting.delete(owner);
    };
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.nextTurn(() => {
      this.#isScheduled = false;
      this.#done = 0;
      this.#takeWaiting();
      if (this.#waiting.size > 0) this.#schedule();
    });
  }

  #takeWaiting(): void {
    while (this.#done < this.#options.inTurn) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [owner, own] = next;
      const [work] = own;
      this.#waiting.delete(owner);
      if (work === undefined) continue;
      own.delete(work);
      if (own.size > 0) this.#waiting.set(owner, own);
      this.#done++;
      work();
    }
  }
}
