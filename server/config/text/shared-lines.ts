import { detached } from "./config-lines.ts";

/** Places of lines that came once, a power of two. Of each line there is a number alone: most come once, and would be kept for nothing. */
const places = 8_192;
/** Characters at the end of a line that tell its number, beside its length. */
const tellingCharacters = 16;
/** Lines that came again, and longest of them. */
const mostShared = 65_536;
const longestLine = 128;

/**
 * Lines of a configuration that are the same, such as `uint NumLogin 0` of 100,000 users, stand for one object, which nobody changes. So a
 * large configuration takes a quarter of the memory, and the garbage collector, which holds up everybody, as little of the time.
 */
export class SharedLines<T> {
  /** Number of the last line in each place. */
  readonly #once = new Int32Array(places);
  readonly #shared = new Map<string, T>();

  /** What a line that came twice before stands for. */
  find(line: string): T | undefined {
    return this.#shared.get(line);
  }

  /** To be called with what a line stands for that was not found. */
  remember(line: string, made: T): void {
    if (line.length > longestLine || this.#shared.size >= mostShared) return;
    const number = numberOf(line);
    const place = number & (places - 1);
    // Another line may have the same number: then this one is kept though it may never come again.
    if (this.#once[place] === number) this.#shared.set(detached(line), made);
    else this.#once[place] = number;
  }
}

function numberOf(line: string): number {
  let number = line.length;
  for (let at = Math.max(0, line.length - tellingCharacters); at < line.length; at++) {
    number = (Math.imul(number, 31) + line.charCodeAt(at)) | 0;
  }
  return number;
}
