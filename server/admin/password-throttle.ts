import { passwordLimits } from "../limits.ts";

interface Source {
  failures: number;
  lastFailureAt: number;
  /** Attempts that wait for their turn. */
  waiting: number;
}

export interface PasswordThrottleOptions {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly delay: (ms: number) => Promise<void>;
}

/**
 * Makes guessing a password slow: each wrong one makes the next attempts from the same address wait longer before they are
 * looked at, the right one included. An address is forgotten after a while without a wrong one, and the table is bounded.
 */
export class PasswordThrottle {
  readonly #options: PasswordThrottleOptions;
  /** In the order of their last wrong passwords. */
  readonly #sources = new Map<string, Source>();

  constructor(options: PasswordThrottleOptions) {
    this.#options = options;
  }

  /**
   * Looks at an attempt when it is its turn.
   *
   * @param isRight tells whether the password was right
   * @returns "too many" when too many attempts of this address wait already; this one was not looked at
   */
  async attempt(address: string, isRight: () => boolean): Promise<"right" | "wrong" | "too many"> {
    const source = this.#find(address);
    if (source !== undefined && source.failures > passwordLimits.freeFailures) {
      if (source.waiting >= passwordLimits.waitingPerAddress) return "too many";
      source.waiting++;
      await this.#options.delay(delayMs(source.failures));
      source.waiting--;
    }
    if (isRight()) {
      this.#sources.delete(address);
      return "right";
    }
    this.#failed(address);
    return "wrong";
  }

  #find(address: string): Source | undefined {
    const source = this.#sources.get(address);
    if (source === undefined || source.waiting > 0) return source;
    if (this.#options.now() - source.lastFailureAt < passwordLimits.memoryMs) return source;
    this.#sources.delete(address);
    return undefined;
  }

  #failed(address: string): void {
    const source = this.#sources.get(address) ?? { failures: 0, lastFailureAt: 0, waiting: 0 };
    source.failures++;
    source.lastFailureAt = this.#options.now();
    this.#sources.delete(address);
    this.#sources.set(address, source);
    const [oldest] = this.#sources.keys();
    if (this.#sources.size > passwordLimits.addresses && oldest !== undefined) this.#sources.delete(oldest);
  }
}

/** Doubles with each wrong password, up to a bound. */
function delayMs(failures: number): number {
  const doublings = Math.min(failures - passwordLimits.freeFailures - 1, 16);
  return Math.min(passwordLimits.firstDelayMs * 2 ** doublings, passwordLimits.longestDelayMs);
}
