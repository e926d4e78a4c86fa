import { turnLimits } from "../limits.ts";

/** Work that can be done in parts. */
export interface Work {
  /**
   * Does a part, until all is done or `isOver` says so; at least the smallest part that there is.
   *
   * @returns whether something is left; then it is called again in a later turn
   */
  work(isOver: () => boolean): boolean;
}

export interface ThreadTimeOptions {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Calls back in the next turn of the event loop, after its sockets were read. */
  readonly nextTurn: (callback: () => void) => void;
}

/**
 * Shares the time of the one thread between hubs, so that what the members of one hub make the server do delays the members of the
 * others by a bounded time, whatever makes the work: rules, logs, compression, copies for many, encryption.
 *
 * What a hub brings while sockets are read is done at once, up to {@link turnLimits.atOnceMs} in a turn of the event loop. The rest,
 * and all that is sent, waits for the end of the turn. There the hubs take slices of {@link turnLimits.sliceMs} in turn, and within a
 * hub whoever has work, until {@link turnLimits.totalMs} are over. What is left waits for the next turn, in which all sockets are
 * read first.
 */
export class ThreadTime {
  readonly #options: ThreadTimeOptions;
  /** Hubs with work that waits; the first is next. */
  readonly #waiting: Set<HubTime> = new Set();
  /** Hubs that did something at once in this turn. */
  readonly #spenders: HubTime[] = [];
  #atOnceMs = 0;
  #scheduled = false;
  #isWorking = false;

  constructor(options: ThreadTimeOptions) {
    this.#options = options;
  }

  /** The share of another hub. */
  createShare(): HubTime {
    return new HubTime(this);
  }

  get now(): () => number {
    return this.#options.now;
  }

  /** What a hub may still do at once in this turn, in milliseconds. */
  leftAtOnce(spentMs: number): number {
    const most = this.#atOnceMs < turnLimits.totalMs ? turnLimits.atOnceMs : turnLimits.crowdedMs;
    return Math.min(most - spentMs, turnLimits.sliceMs);
  }

  spend(hub: HubTime, ms: number): void {
    if (hub.spentMs === 0) this.#spenders.push(hub);
    hub.spentMs += ms;
    this.#atOnceMs += ms;
    this.#schedule();
  }

  waits(hub: HubTime): void {
    this.#waiting.add(hub);
    this.#schedule();
  }

  /** Does now what waits, as far as the time of a turn allows. */
  run(): void {
    // Whoever is called within it waits for its own turn.
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      this.#work();
    } finally {
      this.#isWorking = false;
      if (this.#waiting.size > 0) this.#schedule();
    }
  }

  #work(): void {
    const { now } = this.#options;
    const end = now() + turnLimits.totalMs;
    for (let at = now(); at < end; at = now()) {
      const [hub] = this.#waiting;
      if (hub === undefined) return;
      this.#waiting.delete(hub);
      try {
        hub.workUntil(Math.min(at + turnLimits.sliceMs, end));
      } finally {
        if (hub.hasWork) this.#waiting.add(hub);
      }
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.nextTurn(() => {
      this.#scheduled = false;
      for (const hub of this.#spenders) hub.spentMs = 0;
      this.#spenders.length = 0;
      this.#atOnceMs = 0;
      this.run();
    });
  }
}

/** A hub's share of the thread; see {@link ThreadTime}. */
export class HubTime {
  /** Of this turn, for what was done at once. */
  spentMs = 0;
  readonly #thread: ThreadTime;
  /** Who waits; the first is next. */
  readonly #waiting = new Set<Work>();
  readonly #now: () => number;
  /** When what is being done has to end. */
  #end = 0;
  readonly #isOver = () => this.#now() >= this.#end;

  constructor(thread: ThreadTime) {
    this.#thread = thread;
    this.#now = thread.now;
  }

  /**
   * Does something at once, as far as there is time in this turn, and the rest in later turns.
   *
   * @param costMs what was done for it already, such as to decrypt what came in
   */
  begin(what: Work, costMs = 0): void {
    if (this.#waiting.has(what)) return;
    if (this.#doAtOnce(what, costMs)) this.later(what);
  }

  /**
   * Does something at once, as far as there is time in this turn, and the rest never. Some time there is always: what the members of the
   * hub bring must not have all that comes from elsewhere lost.
   */
  atOnce(what: Work): void {
    this.#doAtOnce(what, 0, turnLimits.crowdedMs);
  }

  /** Does something at the end of this turn, or in a later one; once, however often it asks meanwhile. */
  later(what: Work): void {
    if (this.#waiting.size === 0) this.#thread.waits(this);
    this.#waiting.add(what);
  }

  /** Whoever it is has nothing to do any more. */
  forget(what: Work): void {
    this.#waiting.delete(what);
  }

  get hasWork(): boolean {
    return this.#waiting.size > 0;
  }

  /** Does what waits, each in turn. */
  workUntil(end: number): void {
    const outerEnd = this.#end;
    this.#end = end;
    try {
      do {
        const [next] = this.#waiting;
        if (next === undefined) return;
        this.#waiting.delete(next);
        if (next.work(this.#isOver)) this.#waiting.add(next);
      } while (!this.#isOver());
    } finally {
      this.#end = outerEnd;
    }
  }

  #doAtOnce(what: Work, costMs: number, leastMs = 0): boolean {
    const left = Math.max(leastMs, this.#thread.leftAtOnce(this.spentMs));
    const began = this.#now();
    const outerEnd = this.#end;
    this.#end = began + left;
    try {
      return left <= 0 || what.work(this.#isOver);
    } finally {
      this.#end = outerEnd;
      this.#thread.spend(this, this.#now() - began + costMs);
    }
  }
}
