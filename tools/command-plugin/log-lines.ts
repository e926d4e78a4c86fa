import { isUtf8 } from "node:buffer";

/** Longest piece of a line that is passed on at once. */
const lineLimitBytes = 64 * 1024;
/** Lines that may wait before the source has to. */
const queueLimit = 1_000;

/**
 * Passes output on line by line, one after the other, without their line ends. Output that comes faster than it is
 * taken is held back.
 */
export class LogLines {
  readonly #send: (line: string) => Promise<void>;
  readonly #onFull: () => void;
  readonly #onDrained: () => void;
  #rest: Buffer = Buffer.alloc(0);
  #queue: string[] = [];
  #sending: Promise<void> | undefined;

  /**
   * @param source told to stop when too many lines wait, and to go on when they are gone
   */
  constructor(send: (line: string) => Promise<void>, source: { pause(): void; resume(): void }) {
    this.#send = send;
    this.#onFull = () => source.pause();
    this.#onDrained = () => source.resume();
  }

  write(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (;;) {
      const end = bytes.indexOf(0x0a);
      if (end >= 0 && end <= lineLimitBytes) {
        this.#push(bytes.subarray(0, end));
        bytes = bytes.subarray(end + 1);
      } else if (bytes.length > lineLimitBytes) {
        this.#push(bytes.subarray(0, lineLimitBytes));
        bytes = bytes.subarray(lineLimitBytes);
      } else break;
    }
    this.#rest = Buffer.from(bytes);
  }

  /** Passes on what is left, and resolves when everything was taken. */
  async end(): Promise<void> {
    if (this.#rest.length > 0) this.#push(this.#rest);
    this.#rest = Buffer.alloc(0);
    await this.#sending;
  }

  #push(line: Buffer): void {
    const text = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
    // Bytes that are no text show as one replacement character a run.
    this.#queue.push(isUtf8(text) ? text.toString() : text.toString().replace(/\uFFFD+/g, "\uFFFD"));
    if (this.#queue.length === queueLimit) this.#onFull();
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const line of batch) await this.#send(line);
      if (batch.length >= queueLimit) this.#onDrained();
    }
  }
}
