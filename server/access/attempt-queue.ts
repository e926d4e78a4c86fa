import { passwordLimits } from "../limits.ts";

export interface AttemptQueueOptions {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Calls back once after a while; returns what cancels it. */
  readonly schedule: (callback: () => void, delayMs: number) => () => void;
}

/** An attempt to prove a password that waits for its turn. */
export interface WaitingAttempt {
  readonly address: string;
  /** When it has waited for long enough, by the clock of the queue. */
  readonly dueAt: number;
  readonly look: () => void;
  /** Others took its place: nobody looks at it. */
  readonly drop: () => void;
}

/**
 * The attempts for one account from one network that wait, and their turns: one that is due is looked at as soon as the rate of looks
 * allows. The addresses of the network take turns, so that one that sends many attempts delays its own.
 *
 * When too many wait, one leaves at once: it is looked at early if the rate allows, else the oldest of the address with most of them
 * is dropped. So whoever comes is let in, and no more looks are taken because more come.
 */
export class AttemptQueue {
  readonly #options: AttemptQueueOptions;
  /** By address, each in the order in which they came; the address whose turn is next comes first. */
  readonly #waiting = new Map<string, WaitingAttempt[]>();
  #size = 0;
  /** Looks that may be taken at once, as of {@link #countedAt}. */
  #looks: number = passwordLimits.looksAtOnce;
  #countedAt: number;
  #cancelWake: (() => void) | undefined;

  constructor(options: AttemptQueueOptions) {
    this.#options = options;
    this.#countedAt = options.now();
  }

  get size(): number {
    return this.#size;
  }

  /** @returns what takes the attempt out again */
  add(attempt: WaitingAttempt): () => void {
    const ofAddress = this.#waiting.get(attempt.address);
    if (ofAddress === undefined) this.#waiting.set(attempt.address, [attempt]);
    else ofAddress.push(attempt);
    this.#size++;
    if (this.#size > passwordLimits.waitingPerAddress) this.#makeRoom();
    this.#plan();
    return () => {
      if (this.#remove(attempt)) this.#plan();
    };
  }

  #makeRoom(): void {
    const [next] = this.#waiting.values();
    if (next?.[0] !== undefined && this.#takeLook()) {
      this.#lookAt(next[0]);
      return;
    }
    const [oldest] = [...this.#waiting.values()].reduce((most, each) =>
      each.length > most.length ? each : most,
    );
    if (oldest !== undefined && this.#remove(oldest)) oldest.drop();
  }

  #lookAt(attempt: WaitingAttempt): void {
    this.#remove(attempt);
    const others = this.#waiting.get(attempt.address);
    if (others !== undefined) {
      this.#waiting.delete(attempt.address);
      this.#waiting.set(attempt.address, others);
    }
    attempt.look();
  }

  /** Looks at what is due, and sees to the rest later. */
  #takeTurns(): void {
    const now = this.#options.now();
    for (;;) {
      const next = [...this.#waiting.values()].find(
        ([oldest]) => oldest !== undefined && oldest.dueAt <= now,
      );
      if (next?.[0] === undefined || !this.#takeLook()) break;
      this.#lookAt(next[0]);
    }
    this.#plan();
  }

  #plan(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (this.#size === 0) return;
    const now = this.#options.now();
    const dueAt = Math.min(...[...this.#waiting.values()].map(([oldest]) => oldest?.dueAt ?? Infinity));
    const untilLook = Math.max(0, 1 - this.#looksBy(now)) * passwordLimits.lookMs;
    this.#cancelWake = this.#options.schedule(
      () => {
        this.#cancelWake = undefined;
        this.#takeTurns();
      },
      // Timers know whole milliseconds, and a rest of rounding would have it called again and again for nothing.
      Math.ceil(Math.max(dueAt - now, untilLook)),
    );
  }

  /** Whether one more look may be taken now; counts it. */
  #takeLook(): boolean {
    const now = this.#options.now();
    const looks = this.#looksBy(now);
    if (looks < 1) return false;
    this.#looks = looks - 1;
    this.#countedAt = now;
    return true;
  }

  #looksBy(now: number): number {
    return Math.min(
      passwordLimits.looksAtOnce,
      this.#looks + (now - this.#countedAt) / passwordLimits.lookMs,
    );
  }

  #remove(attempt: WaitingAttempt): boolean {
    const ofAddress = this.#waiting.get(attempt.address);
    const index = ofAddress?.indexOf(attempt) ?? -1;
    if (ofAddress === undefined || index === -1) return false;
    ofAddress.splice(index, 1);
    if (ofAddress.length === 0) this.#waiting.delete(attempt.address);
    this.#size--;
    return true;
  }
}
