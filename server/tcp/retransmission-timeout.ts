/** RFC 6298, with the lower bound that systems use instead of its one second. */
const firstMs = 1_000;
/** For data when the answer to the SYN had to be sent again, so that nothing is measured yet (section 5.7). */
const unmeasuredMs = 3_000;
const leastMs = 200;
const mostMs = 60_000;

/** How long an acknowledgement is waited for, from how long they took. */
export class RetransmissionTimeout {
  #smoothedMs = 0;
  #variationMs = 0;
  #ms = firstMs;

  get ms(): number {
    return this.#ms;
  }

  /** An acknowledgement came so long after a segment that was sent once. */
  measured(ms: number): void {
    if (this.#smoothedMs === 0) {
      this.#smoothedMs = Math.max(ms, 0.01);
      this.#variationMs = ms / 2;
    } else {
      this.#variationMs += (Math.abs(this.#smoothedMs - ms) - this.#variationMs) / 4;
      this.#smoothedMs += (ms - this.#smoothedMs) / 8;
    }
    this.answered();
  }

  /** One came, of whichever time the segment was sent: the peer is there, and is not waited for any longer than usual. */
  answered(): void {
    this.#ms =
      this.#smoothedMs === 0
        ? unmeasuredMs
        : Math.min(Math.max(this.#smoothedMs + 4 * this.#variationMs, leastMs), mostMs);
  }

  /** None came in time. */
  passed(): void {
    this.#ms = Math.min(this.#ms * 2, mostMs);
  }
}
