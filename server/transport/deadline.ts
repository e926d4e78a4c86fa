/** Calls back once after a time that can be stopped, as a chess clock is: what others take of it does not count. */
export class Deadline {
  readonly #expired: () => void;
  #leftMs: number;
  #runningSince = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Runs from now on. */
  constructor(ms: number, expired: () => void) {
    this.#leftMs = ms;
    this.#expired = expired;
    this.resume();
  }

  /** Stops the clock. */
  pause(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= performance.now() - this.#runningSince;
  }

  /** Lets the clock run with the time that is left. */
  resume(): void {
    if (this.#timer !== undefined) return;
    this.#runningSince = performance.now();
    this.#timer = setTimeout(this.#expired, Math.max(0, this.#leftMs));
  }
}
