import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { logLimits } from "../limits.ts";

export interface DailyLogOptions {
  /** Made when the first line comes. */
  readonly directory: string;
  /** Of the files: `sec` gives `sec_20260131.log`. */
  readonly prefix: string;
  /** Unix time in milliseconds. */
  readonly unixNow: () => number;
  /** Between date and time of a line, and between time and text. */
  readonly separators: readonly [string, string];
  /** What waits of all logs, in bytes. */
  readonly waiting: { bytes: number };
  /** Called with the first error after lines could be written, and never with the text of a line. */
  readonly onError: (message: string) => void;
}

/** Lines of one day that wait for the disk. */
interface Batch {
  readonly day: string;
  lines: string[];
}

/**
 * A log with one file for each day, in local time, each line with its time and CRLF. Lines are written in batches, in their
 * order. Never throws: what the disk does not take is dropped, and the next line that is written tells how many there were.
 */
export class DailyLog {
  readonly #options: DailyLogOptions;
  #batches: Batch[] = [];
  #waitingBytes = 0;
  #droppedLines = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #fails = false;
  #clock = { unixMs: Number.NaN, day: "", time: "" };

  constructor(options: DailyLogOptions) {
    this.#options = options;
  }

  write(text: string): void {
    const { day, time } = this.#now();
    const line = `${time}${withoutControls(text.slice(0, logLimits.lineCharacters))}\r\n`;
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
    if (last?.day === day) last.lines.push(line);
    else this.#batches.push({ day, lines: [line] });
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
      const { day, lines } = batch;
      const dropped = this.#droppedLines;
      const text = lines.join("");
      const bytes = Buffer.byteLength(text);
      try {
        const note = dropped === 0 ? "" : `${this.#now().time}${dropped} lines were dropped\r\n`;
        await this.#append(day, text + note);
        this.#droppedLines -= dropped;
        this.#fails = false;
      } catch (error) {
        this.#droppedLines += lines.length;
        if (!this.#fails) this.#options.onError((error as Error).message);
        this.#fails = true;
      }
      this.#waitingBytes -= bytes;
      this.#options.waiting.bytes -= bytes;
    }
  }

  async #append(day: string, text: string): Promise<void> {
    const { directory, prefix } = this.#options;
    const path = join(directory, `${prefix}_${day}.log`);
    try {
      await appendFile(path, text, { mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await appendFile(path, text, { mode: 0o600 });
    }
  }

  /** The day as in file names, and the beginning of a line. Most lines share their millisecond with another. */
  #now(): { readonly day: string; readonly time: string } {
    const { unixNow, separators } = this.#options;
    const unixMs = unixNow();
    if (unixMs !== this.#clock.unixMs) {
      const date = new Date(unixMs);
      const [year, month, day, hours, minutes, seconds] = [
        date.getFullYear(),
        date.getMonth() + 1,
        date.getDate(),
        date.getHours(),
        date.getMinutes(),
        date.getSeconds(),
      ].map((number) => String(number).padStart(2, "0"));
      const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
      const [afterDate, afterTime] = separators;
      this.#clock = {
        unixMs,
        day: `${year}${month}${day}`,
        time: `${year}-${month}-${day}${afterDate}${hours}:${minutes}:${seconds}.${milliseconds}${afterTime}`,
      };
    }
    return this.#clock;
  }
}

/** No text from outside can begin a line of its own, or steer a terminal. */
function withoutControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is replaced
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, " ");
}
