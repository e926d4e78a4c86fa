import { outsideLimits } from "../limits.ts";

/** A connection that may end from outside. */
export interface MayEnd {
  /** Reads nothing more, so that no end of it is noticed, until {@link goOn}. */
  hold(): void;
  goOn(): void;
}

export interface EndTurnsOptions {
  /** Calls back in the next turn of the event loop. */
  readonly nextTurn: (callback: () => void) => void;
}

/**
 * Spreads the ends of many connections over turns of the event loop. The runtime tells of every end as soon as it has come, and ten
 * thousand that come at once would take the whole of a turn. So when {@link outsideLimits.endedInTurn} have ended in a turn, the others are
 * not read for a while: they go on a few at a time, and more as long as none of them ends.
 */
export class EndTurns {
  readonly #options: EndTurnsOptions;
  readonly #open = new Set<MayEnd>();
  readonly #held = new Set<MayEnd>();
  #ended = 0;
  /** That go on in the next turn. */
  #next: number = outsideLimits.endedInTurn;
  #isScheduled = false;

  constructor(options: EndTurnsOptions) {
    this.#options = options;
  }

  add(connection: MayEnd): void {
    this.#open.add(connection);
  }

  /** It is gone, from within. */
  delete(connection: MayEnd): void {
    this.#open.delete(connection);
    this.#held.delete(connection);
  }

  /** It has ended, or one of its ways, from outside. */
  ended(connection: MayEnd): void {
    this.delete(connection);
    this.#schedule();
    if (++this.#ended !== outsideLimits.endedInTurn) return;
    for (const other of this.#open) {
      this.#held.add(other);
      other.hold();
    }
    this.#open.clear();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    const isRush = this.#ended >= outsideLimits.endedInTurn / 2;
    this.#next = isRush ? outsideLimits.endedInTurn : 2 * this.#next;
    this.#ended = 0;
    let left = this.#next;
    for (const connection of this.#held) {
      if (left-- === 0) break;
      this.#held.delete(connection);
      this.#open.add(connection);
      connection.goOn();
    }
    if (this.#held.size > 0) this.#schedule();
    else this.#next = outsideLimits.endedInTurn;
  }
}
