import { endedChildren } from "../platform/proc.ts";

/** From a signal, and from look to look, to the next look: each reads the whole of `/proc`. */
const pauseMs = 1_000;

export interface OrphanReaperOptions {
  /** Takes notice of the end of that child. */
  readonly reap: (pid: number) => unknown;
  /** Children of this process that have ended. */
  readonly ended?: () => readonly number[];
}

/**
 * Takes notice of the ends of processes that became this one's children when their own parent ended: those of the first process of a
 * container. Nobody else would, and each keeps its process id until then.
 *
 * The runtime does so for the processes that it has started, and waits for each by its id; none of them may be taken from it. So a
 * child counts as an orphan that is still there a look later, after all signals of the time between were heard (the check phase of
 * the event loop comes after the one in which the runtime does that).
 */
export class OrphanReaper {
  readonly #reap: OrphanReaperOptions["reap"];
  readonly #ended: () => readonly number[];
  #seen: readonly number[] = [];
  #isLookDue = false;

  constructor({ reap, ended = () => endedChildren(process.pid) }: OrphanReaperOptions) {
    this.#reap = reap;
    this.#ended = ended;
  }

  /** From now on, for as long as this process lives, which it does not prolong. */
  start(): void {
    process.on("SIGCHLD", () => this.#lookLater());
    // Of those that ended before.
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    setTimeout(() => setImmediate(() => this.#look()), pauseMs).unref();
  }

  #look(): void {
    this.#isLookDue = false;
    const ended = this.#ended();
    for (const pid of ended) if (this.#seen.includes(pid)) this.#takeNotice(pid);
    this.#seen = ended.filter((pid) => !this.#seen.includes(pid));
    if (this.#seen.length > 0) this.#lookLater();
  }

  #takeNotice(pid: number): void {
    try {
      this.#reap(pid);
    } catch {
      // The runtime was faster.
    }
  }
}
