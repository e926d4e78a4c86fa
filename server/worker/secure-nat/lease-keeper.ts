import { wordsOf } from "../../error-words.ts";

export interface LeaseKeeperOptions {
  /** Changes when there is something to write. */
  readonly changes: () => string;
  /** Writes all leases as they are now; rejects as the file system has it. */
  readonly write: () => Promise<void>;
  /** Where to, for messages. */
  readonly file: string;
  readonly warn: (problem: string) => void;
}

/**
 * Writes leases to their file when they have changed. Where that cannot be, they are in memory alone: clients get their addresses all the
 * same, and it is tried again until it can.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #kept: string;
  #writing: Promise<void> = Promise.resolve();
  #problem: string | undefined;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#kept = options.changes();
  }

  /** Why the file is not as it should be; undefined when it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when what has changed is written, or could not be. */
  keep(): Promise<void> {
    const changes = this.#options.changes();
    if (changes !== this.#kept) {
      this.#kept = changes;
      this.#writing = this.#writing.then(() => this.#write());
    }
    return this.#writing;
  }

  async #write(): Promise<void> {
    const { write, file, warn } = this.#options;
    try {
      await write();
      this.#problem = undefined;
    } catch (error) {
      const former = this.#problem;
      this.#problem = `cannot write ${file}: ${wordsOf(error)}`;
      if (this.#problem !== former) warn(this.#problem);
      // The disk may have room the next time.
      this.#kept = "";
    }
  }
}
