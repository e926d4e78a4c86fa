import { readQuotaLimits } from "./limits.ts";

export interface ReadQuotaOptions {
  /** What may be read in a turn of the event loop. */
  readonly bytes: number;
  /** Calls back in the next turn. */
  readonly nextTurn: (callback: () => void) => void;
}

/**
 * Bounds what is read in one turn of the event loop from those who can wait, all together: what comes in has to be decrypted, copied and
 * looked at, and a fast peer brings megabytes in a turn. The others wait their turn, in the order in which they came.
 */
export class ReadQuota {
  readonly #options: ReadQuotaOptions;
  #read = 0;
  #isScheduled = false;
  readonly #held: (() => void)[] = [];

  constructor(options: ReadQuotaOptions) {
    this.#options = options;
  }

  /**
   * Counts what was read.
   *
   * @param goOn called once when the peer may be read again; only where it must not be now
   * @returns whether nothing more may be read from the peer until then
   */
  exceeds(bytes: number, goOn: () => void): boolean {
    this.#read += bytes;
    this.#schedule();
    if (this.#read <= this.#options.bytes) return false;
    this.#held.push(goOn);
    return true;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.nextTurn(() => {
      this.#isScheduled = false;
      this.#read = 0;
      // As many as may bring a whole read each.
      const count = Math.max(1, Math.floor(this.#options.bytes / readQuotaLimits.readBytes));
      for (const goOn of this.#held.splice(0, count)) goOn();
      if (this.#held.length > 0) this.#schedule();
    });
  }
}

const nextTurn = (callback: () => void) => void setImmediate(callback);

/** Of requests of administrators. */
export const requestQuota = new ReadQuota({ bytes: readQuotaLimits.requestBytes, nextTurn });

/** Of what comes for clients of SecureNAT from outside. */
export const outsideQuota = new ReadQuota({ bytes: readQuotaLimits.outsideBytes, nextTurn });
