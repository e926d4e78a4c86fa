/** Room for frames at the beginning; more is made when more wait. */
const firstBytes = 16 * 1024;

/** Blocks of one port that wait, side by side in one buffer. */
export class BlockQueue {
  buffer = Buffer.allocUnsafe(firstBytes);
  /** Where the next block begins, and where the last one ends. */
  start = 0;
  #end = 0;

  /** Bytes of the blocks that wait. */
  get bytes(): number {
    return this.#end - this.start;
  }

  /** Copies the blocks of `source` from `start` to `end`. What was taken from {@link buffer} before stays as it is. */
  push(source: Buffer, start: number, end: number): void {
    const bytes = this.bytes + end - start;
    if (this.bytes === 0) this.start = this.#end = 0;
    if (this.#end + end - start > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * bytes, firstBytes));
      this.buffer.copy(larger, 0, this.start, this.#end);
      this.buffer = larger;
      this.#end -= this.start;
      this.start = 0;
    }
    this.#end += source.copy(this.buffer, this.#end, start, end);
  }
}
