import type { Position } from "./sequence.ts";

/** Ranges of positions that do not touch each other, in order: what came in beyond a gap, or what the peer has acknowledged so. */
export class Ranges {
  readonly #starts: Position[] = [];
  readonly #ends: Position[] = [];
  readonly #most: number;
  #bytes = 0;

  /** @param most ranges at the same time */
  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#starts.length;
  }

  /** In all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** End of the last one; -1 when there is none. */
  get last(): Position {
    return this.#ends.at(-1) ?? -1;
  }

  start(index: number): Position {
    return this.#starts[index] as Position;
  }

  end(index: number): Position {
    return this.#ends[index] as Position;
  }

  /**
   * Adds `start` to `end`, one with whatever it touches.
   *
   * @returns false when it would be one range too many, and nothing has changed
   */
  add(start: Position, end: Position): boolean {
    const first = this.indexAt(start);
    let after = first;
    while (after < this.count && this.start(after) <= end) after++;
    if (first === after) {
      if (this.count >= this.#most) return false;
      this.#starts.splice(first, 0, start);
      this.#ends.splice(first, 0, end);
      this.#bytes += end - start;
      return true;
    }
    const from = Math.min(start, this.start(first));
    const to = Math.max(end, this.end(after - 1));
    for (let index = first; index < after; index++) this.#bytes -= this.end(index) - this.start(index);
    this.#starts[first] = from;
    this.#ends[first] = to;
    if (after > first + 1) {
      this.#starts.splice(first + 1, after - first - 1);
      this.#ends.splice(first + 1, after - first - 1);
    }
    this.#bytes += to - from;
    return true;
  }

  /** Takes everything before `position` away. */
  removeBelow(position: Position): void {
    while (this.count > 0 && this.end(0) <= position) {
      this.#bytes -= this.end(0) - this.start(0);
      this.#starts.shift();
      this.#ends.shift();
    }
    if (this.count > 0 && this.start(0) < position) {
      this.#bytes -= position - this.start(0);
      this.#starts[0] = position;
    }
  }

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
    this.#bytes = 0;
  }

  /** Index of the first range that ends at `position` or later; {@link count} when there is none. */
  indexAt(position: Position): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.end(middle) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Bytes from `start` to `end` that are in no range. */
  missing(start: Position, end: Position): number {
    let missing = Math.max(end - start, 0);
    for (let index = this.indexAt(start); index < this.count && this.start(index) < end; index++) {
      missing -= Math.max(Math.min(this.end(index), end) - Math.max(this.start(index), start), 0);
    }
    return missing;
  }
}
