import { logLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { FoundFile } from "./log-files.ts";

export interface LogKeeperOptions {
  readonly files: {
    readonly list: () => Promise<readonly FoundFile[]>;
    readonly remove: (path: string) => Promise<void>;
  };
  readonly log: Logger;
  readonly bounds?: { readonly kindBytes: number; readonly kindFiles: number; readonly sweepBytes: number };
}

/**
 * Holds the log files to their bounds: of each kind (server, security, packet) as many bytes and files as allowed, the oldest
 * removed first. Each kind has a bound of its own, so that packets cannot push out who logged in.
 */
export class LogKeeper {
  readonly #options: LogKeeperOptions;
  #written = 0;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  #fails = false;

  constructor(options: LogKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    void this.sweep();
    this.#timer = setInterval(() => void this.sweep(), logLimits.sweepMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Tells that so much went to the disk. */
  wrote(bytes: number): void {
    this.#written += bytes;
    if (this.#written >= (this.#options.bounds ?? logLimits).sweepBytes) void this.sweep();
  }

  /** Removes what is too much; never fails. */
  sweep(): Promise<void> {
    this.#written = 0;
    this.#sweeping ??= this.#sweepAll().finally(() => (this.#sweeping = undefined));
    return this.#sweeping;
  }

  async #sweepAll(): Promise<void> {
    const { files, log } = this.#options;
    try {
      const kinds = new Map<string, FoundFile[]>();
      for (const file of await files.list()) {
        const [kind = "", ...rest] = file.path.split("/");
        // The journal's own files are not of these logs.
        if (rest.length === 0) continue;
        const others = kinds.get(kind);
        if (others === undefined) kinds.set(kind, [file]);
        else others.push(file);
      }
      for (const [kind, found] of kinds) await this.#removeOldest(kind, found);
      this.#fails = false;
    } catch (error) {
      if (!this.#fails) log.warn(`cannot remove old log files: ${(error as Error).message}`);
      this.#fails = true;
    }
  }

  async #removeOldest(kind: string, found: FoundFile[]): Promise<void> {
    const { files, log, bounds = logLimits } = this.#options;
    const oldestFirst = found.sort((one, other) => one.updatedAt - other.updatedAt);
    let bytes = found.reduce((sum, file) => sum + file.bytes, 0);
    let count = found.length;
    for (const file of oldestFirst) {
      if (bytes <= bounds.kindBytes && count <= bounds.kindFiles) break;
      await files.remove(file.path);
      bytes -= file.bytes;
      count -= 1;
    }
    const removed = found.length - count;
    if (removed > 0) log.info(`removed the ${removed} oldest files of ${kind}, for its bounds`);
  }
}
