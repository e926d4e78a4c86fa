import { passwordLimits } from "../limits.ts";
import { networkOf } from "../ethernet/ip-address.ts";

interface Source {
  failures: number;
  lastFailureAt: number;
  /** Attempts that wait for their turn. */
  waiting: number;
}

/** What came of an attempt. */
export type Attempt<Result> = Result | "too many";

export interface PasswordThrottleOptions {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly delay: (ms: number) => Promise<void>;
}

/**
 * Makes guessing a password slow: each wrong one makes the next attempts from the same source wait longer before they are
 * looked at, the right one included. A source is an account and an address, so that who knows the password of one account gains
 * nothing for guessing another's. It is forgotten after a while without a wrong one, and the table is bounded.
 */
export class PasswordThrottle {
  readonly #options: PasswordThrottleOptions;
  /** In the order of their last wrong passwords. */
  readonly #sources = new Map<string, Source>();

  constructor(options: PasswordThrottleOptions) {
    this.#options = options;
  }

  /**
   * Looks at an attempt when it is its turn: at once, or when it has waited.
   *
   * @param account tells accounts apart, without regard to case
   * @param look looks at the password
   * @param isRight whether that was right
   * @returns what `look` gave, or "too many" when too many attempts of this source wait already
   */
  attempt<Result>(
    address: string,
    account: string,
    look: () => Result,
    isRight: (result: Result) => boolean,
  ): Attempt<Result> | Promise<Attempt<Result>> {
    const key = `${networkOf(address)} ${account.toLowerCase()}`;
    const source = this.#find(key);
    if (source === undefined || source.failures <= passwordLimits.freeFailures) {
      return this.#look(key, look, isRight);
    }
    if (source.waiting >= passwordLimits.waitingPerAddress) return "too many";
    source.waiting++;
    return this.#options.delay(delayMs(source.failures)).then(() => {
      source.waiting--;
      return this.#look(key, look, isRight);
    });
  }

  #look<Result>(key: string, look: () => Result, isRight: (result: Result) => boolean): Result {
    const result = look();
    if (isRight(result)) this.#sources.delete(key);
    else this.#failed(key);
    return result;
  }

  #find(key: string): Source | undefined {
    const source = this.#sources.get(key);
    if (source === undefined || source.waiting > 0) return source;
    if (this.#options.now() - source.lastFailureAt < passwordLimits.memoryMs) return source;
    this.#sources.delete(key);
    return undefined;
  }

  #failed(key: string): void {
    const source = this.#sources.get(key) ?? { failures: 0, lastFailureAt: 0, waiting: 0 };
    source.failures++;
    source.lastFailureAt = this.#options.now();
    this.#sources.delete(key);
    this.#sources.set(key, source);
    const [oldest] = this.#sources.keys();
    if (this.#sources.size > passwordLimits.addresses && oldest !== undefined) this.#sources.delete(oldest);
  }
}

/** Doubles with each wrong password, up to a bound. */
function delayMs(failures: number): number {
  const doublings = Math.min(failures - passwordLimits.freeFailures - 1, 16);
  return Math.min(passwordLimits.firstDelayMs * 2 ** doublings, passwordLimits.longestDelayMs);
}
