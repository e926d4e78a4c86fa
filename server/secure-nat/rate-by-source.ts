const secondMs = 1_000;

/** Holds each session to so many of something in a second. */
export class RateBySource {
  readonly #now: () => number;
  readonly #most: number;
  /** What each did in the second that began then; who did nothing is not in it. */
  readonly #counts = new Map<number, number>();
  #since = -Infinity;

  /** @param now milliseconds that only go up */
  constructor(now: () => number, most: number) {
    this.#now = now;
    this.#most = most;
  }

  /** Counts one of the port of the number `source`; false when it is too many. */
  admits(source: number): boolean {
    const now = this.#now();
    if (now - this.#since >= secondMs) {
      this.#since = now;
      this.#counts.clear();
    }
    const count = this.#counts.get(source) ?? 0;
    if (count >= this.#most) return false;
    this.#counts.set(source, count + 1);
    return true;
  }
}
