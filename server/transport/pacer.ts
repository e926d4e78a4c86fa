import { paceLimits } from "../limits.ts";
import { FairQueue } from "./fair-queue.ts";

/** Work that may have to wait. */
export interface PacedJob {
  /** Does the work. */
  readonly run: () => void;
  /** Called instead when it has waited for {@link paceLimits.waitMs}. */
  readonly late: () => void;
}

/** The begin of something that costs most when its peer is first heard, which is later. */
export interface PacedStart extends PacedJob {
  /** Whether the peer was heard, or is gone. */
  readonly heard: () => boolean;
  /** Listens to the peer no more, until {@link listen}. */
  readonly hold: () => void;
  readonly listen: () => void;
}

/** Whose work it is, and whether it goes before that of all others. */
export interface PacedOwner {
  readonly name: string;
  readonly urgent: boolean;
}

export interface PacerOptions {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Calls back in the next turn of the event loop, after its sockets were read. */
  readonly nextTurn: (callback: () => void) => void;
  /** Calls back after {@link paceLimits.pollMs}. */
  readonly later: (callback: () => void) => void;
  /** Called before work that waited: what must not wait for it goes first. */
  readonly giveWay: () => void;
}

interface Waiting {
  readonly since: number;
}

interface WaitingStart extends PacedStart, Waiting {
  readonly owner: PacedOwner;
  /** It was begun, and put off again. */
  readonly held: boolean;
}

/** One that is listened to. */
interface Listening {
  readonly start: WaitingStart;
  /** Until when it keeps its place. */
  readonly until: number;
}

/**
 * Keeps handshakes and logins from holding up what sessions send. In each turn of the event loop they may take
 * {@link paceLimits.turnMs}; one job is always begun. The rest waits for the next turn, in which all sockets are read first. As long
 * as nothing waits and there is time left, work is done at once.
 *
 * The costly part of a handshake is done by the runtime when the client's first message is read, out of sight. So no more than
 * {@link paceLimits.listening} clients are listened to that may send it at any moment. Who does not send it gives way to those who
 * wait, and waits with them:
 *
 *     waits --begun--> is listened to --first message--> done
 *       ^                    | silent
 *       +--------------------+
 */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #jobs = new FairQueue<PacedJob & Waiting>();
  readonly #starts = new FairQueue<WaitingStart>();
  #listening: Listening[] = [];
  #spentMs = 0;
  /** Handshakes that may yet begin in this turn. */
  #startsLeft: number = paceLimits.listening;
  /** Whether a first message came since the last turn. */
  #heard = false;
  #scheduled = false;

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** Jobs and starts that wait. */
  get size(): number {
    return this.#jobs.size + this.#starts.size;
  }

  /**
   * Does a job now or later, in the order of those of the same owner.
   *
   * @returns undefined when it is done; otherwise what takes it back as long as it waits
   */
  run(job: PacedJob, { name, urgent }: PacedOwner): (() => void) | undefined {
    if (this.#jobs.size === 0 && this.#spentMs < paceLimits.turnMs) {
      this.#schedule();
      this.#measure(job.run);
      return undefined;
    }
    const waiting = { ...job, since: this.#options.now() };
    this.#jobs.push(waiting, name, urgent);
    this.#schedule();
    return () => this.#jobs.remove(waiting, name, urgent);
  }

  /**
   * Begins something now or later.
   *
   * @returns as {@link run}
   */
  start(start: PacedStart, owner: PacedOwner): (() => void) | undefined {
    const waiting = { ...start, owner, since: this.#options.now(), held: false };
    if (this.#starts.size === 0 && this.#startsLeft > 0 && this.#listening.length < paceLimits.listening) {
      this.#begin(waiting);
      this.#schedule();
      return undefined;
    }
    this.#starts.push(waiting, owner.name, owner.urgent);
    this.#schedule();
    return () => this.#starts.remove(waiting, owner.name, owner.urgent);
  }

  /** A turn has passed, or a while. */
  #turn(): void {
    this.#scheduled = false;
    this.#spentMs = 0;
    this.#makeRoom();
    // Who begins together is heard together. While some wait, as in a rush, they begin one after the other.
    const isRush = this.#heard || this.#starts.size > 0;
    this.#startsLeft = isRush ? paceLimits.startsInTurn : paceLimits.listening;
    if (this.size === 0) return;
    this.#options.giveWay();
    try {
      this.#work();
    } finally {
      // Also when all is done: what comes in with the next turn finds its time used up.
      this.#schedule();
    }
  }

  /** Does of what waits as much as fits into this turn. */
  #work(): void {
    const { now } = this.#options;
    while (this.#startsLeft > 0 && this.#listening.length < paceLimits.listening) {
      const start = this.#starts.shift();
      if (start === undefined) break;
      this.#begin(start);
    }
    for (let first = true; first || this.#spentMs < paceLimits.turnMs; first = false) {
      const job = this.#jobs.shift();
      if (job === undefined) break;
      this.#measure(isLate(job, now()) ? job.late : job.run);
    }
  }

  /** Lets those go that were heard, and those that were silent for long if others wait. */
  #makeRoom(): void {
    const now = this.#options.now();
    const before = this.#listening.length;
    this.#listening = this.#listening.filter(({ start }) => !start.heard());
    this.#heard = this.#listening.length < before;
    let needed = Math.min(this.#starts.size, paceLimits.listening);
    this.#listening = this.#listening.filter(({ start, until }) => {
      if (needed === 0 || now < until) return true;
      needed--;
      start.hold();
      // Not before others any more, whoever it is.
      this.#starts.push({ ...start, held: true, since: now }, start.owner.name, false);
      return false;
    });
  }

  #begin(start: WaitingStart): void {
    const now = this.#options.now();
    if (start.held && start.heard()) return;
    if (isLate(start, now)) return start.late();
    this.#startsLeft--;
    // Who has waited for long has sent by now, if at all, and is heard in the next turn.
    const until = start.held ? now : Math.max(start.since + paceLimits.silentMs, now);
    this.#listening.push({ start, until });
    this.#measure(start.held ? start.listen : start.run);
  }

  #measure(work: () => void): void {
    const { now } = this.#options;
    const began = now();
    try {
      work();
    } finally {
      this.#spentMs += now() - began;
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const { nextTurn, later } = this.#options;
    // Nothing to do but to listen: that needs no haste.
    const listens = this.#starts.size > 0 && this.#jobs.size === 0 && !this.#heard;
    (listens ? later : nextTurn)(() => this.#turn());
  }
}

function isLate({ since }: Waiting, now: number): boolean {
  return now - since >= paceLimits.waitMs;
}
