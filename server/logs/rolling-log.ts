import { join } from "node:path";
import type { LogTurnover } from "../settings/hub-settings.ts";
import { logLimits } from "../limits.ts";
import type { LogDisk } from "./log-disk.ts";
import { fileStamp, logTime } from "./log-time.ts";

export interface RollingLogOptions {
  /** Made when the first line comes. */
  readonly directory: string;
  /** Of the files: `sec` gives `sec_20260131.log`. */
  readonly prefix: string;
  /** When it goes on in a new file, as it is set now. */
  readonly turnover: () => LogTurnover;
  /** Unix time in milliseconds. */
  readonly unixNow: () => number;
  /** Between date and time of a line, and between time and text. */
  readonly separators: readonly [string, string];
  /** What waits of all logs, in bytes. */
  readonly waiting: { bytes: number };
  readonly disk: LogDisk;
  /** Size beyond which a file is not appended to. */
  readonly fileBytes: number;
  /** Called with the first error after lines could be written, and never with the text of a line. */
  readonly onError: (message: string) => void;
  /** Called when lines can be written again. */
  readonly onRecovered: (droppedLines: number) => void;
  readonly onWritten: (bytes: number) => void;
}

/** Lines of one file that wait for the disk. */
interface Batch {
  /** Name of the file without its number and ending. */
  readonly stem: string;
  lines: string[];
}

/**
 * A log that goes on in a new file with time and with size, each line with its local time and CRLF. Lines are written in
 * batches, in their order. Never throws: what the disk does not take is dropped, and the next line that is written tells how
 * many there were.
 *
 * Files are named as those of the official server (`Cedar/Logging.c` MakeLogFileName): `sec_20260131.log`, and
 * `sec_20260131~01.log` once that is full.
 */
export class RollingLog {
  readonly #options: RollingLogOptions;
  #batches: Batch[] = [];
  #waitingBytes = 0;
  #droppedLines = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #fails = false;
  /** What is appended to. */
  #file: { stem: string; number: number; bytes: number } | undefined;
  #clock = { unixMs: Number.NaN, stem: "", begin: "", turnover: "none" as LogTurnover };

  constructor(options: RollingLogOptions) {
    this.#options = options;
  }

  write(text: string): void {
    const { stem, begin } = this.#now();
    const line = `${begin}${withoutControls(cut(text, logLimits.lineCharacters))}\r\n`;
    const bytes = Buffer.byteLength(line);
    const { waiting } = this.#options;
    if (
      this.#waitingBytes + bytes > logLimits.waitingBytes ||
      waiting.bytes + bytes > logLimits.totalWaitingBytes
    ) {
      this.#droppedLines++;
      return;
    }
    const last = this.#batches.at(-1);
    if (last?.stem === stem) last.lines.push(line);
    else this.#batches.push({ stem, lines: [line] });
    this.#waitingBytes += bytes;
    waiting.bytes += bytes;
    if (this.#waitingBytes >= logLimits.flushBytes) this.#startWriting();
    else this.#timer ??= setTimeout(() => this.#startWriting(), logLimits.flushMs);
  }

  /** Resolves when every line that came before is on its way to the disk, or dropped. */
  async flush(): Promise<void> {
    this.#startWriting();
    while (this.#writing !== undefined) await this.#writing;
  }

  #startWriting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      const { stem, lines } = batch;
      const text = lines.join("");
      const bytes = Buffer.byteLength(text);
      await this.#writeBatch(stem, text, lines.length);
      this.#waitingBytes -= bytes;
      this.#options.waiting.bytes -= bytes;
    }
  }

  async #writeBatch(stem: string, text: string, lines: number): Promise<void> {
    const dropped = this.#droppedLines;
    const note = dropped === 0 ? "" : `${this.#now().begin}${dropped} lines were dropped\r\n`;
    try {
      await this.#append(stem, text + note);
    } catch (error) {
      this.#droppedLines += lines;
      if (!this.#fails) this.#options.onError((error as Error).message);
      this.#fails = true;
      return;
    }
    this.#droppedLines -= dropped;
    if (this.#fails) this.#options.onRecovered(dropped);
    this.#fails = false;
  }

  async #append(stem: string, text: string): Promise<void> {
    const { disk, fileBytes } = this.#options;
    const bytes = Buffer.byteLength(text);
    let number = 0;
    let size: number;
    if (this.#file?.stem === stem) ({ number, bytes: size } = this.#file);
    else size = await disk.size(this.#pathOf(stem, number));
    while (size > 0 && size + bytes > fileBytes) size = await disk.size(this.#pathOf(stem, ++number));
    this.#file = { stem, number, bytes: await disk.append(this.#pathOf(stem, number), text) };
    this.#options.onWritten(bytes);
  }

  #pathOf(stem: string, number: number): string {
    const suffix = number === 0 ? "" : `~${String(number).padStart(2, "0")}`;
    return join(this.#options.directory, `${stem}${suffix}.log`);
  }

  /** The file and the begin of a line. Most lines share their millisecond with another. */
  #now(): { readonly stem: string; readonly begin: string } {
    const { unixNow, separators, prefix } = this.#options;
    const unixMs = unixNow();
    const turnover = this.#options.turnover();
    if (unixMs !== this.#clock.unixMs || turnover !== this.#clock.turnover) {
      const now = logTime(unixMs);
      const [afterDate, afterTime] = separators;
      this.#clock = {
        unixMs,
        turnover,
        stem: `${prefix}${fileStamp(now, turnover)}`,
        begin: `${now.date}${afterDate}${now.time}${afterTime}`,
      };
    }
    return this.#clock;
  }
}

/** With a mark where something is missing: what somebody outside chose must not look like the end of a line of ours. */
function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}

/** No text from outside can begin a line of its own, or steer a terminal. */
function withoutControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is replaced
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, " ");
}
