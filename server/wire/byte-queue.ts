const firstCapacity = 1024;

/**
 * Bytes that came in and were not taken yet, in one piece. Each byte is copied once when it comes in and once more, on
 * average, when the buffer grows: the cost is linear however small the chunks are.
 *
 * It knows no limit of its own; who feeds it stops before the limits of what it is reading.
 */
export class ByteQueue {
  #buffer = Buffer.allocUnsafe(firstCapacity);
  #start = 0;
  #end = 0;

  /** Bytes held. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Copies `chunk` to the end. */
  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const needed = this.length + chunk.length;
      const target =
        needed * 2 > this.#buffer.length
          ? Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
          : this.#buffer;
      this.#buffer.copy(target, 0, this.#start, this.#end);
      this.#buffer = target;
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Position of the first `byte` at or after `from`, both counted from the first byte held, or -1. */
  indexOf(byte: number, from: number): number {
    return this.#buffer.subarray(this.#start, this.#end).indexOf(byte, from);
  }

  /** The bytes from `from` to `to`, which must be held, as latin1 text. They stay in the queue. */
  peekText(from: number, to: number): string {
    return this.#buffer.toString("latin1", this.#start + from, this.#start + to);
  }

  /** Takes the next `count` bytes as a copy that the caller owns, or undefined while fewer are held. */
  take(count: number): Buffer | undefined {
    if (count > this.length) return undefined;
    const taken = Buffer.from(this.#buffer.subarray(this.#start, this.#start + count));
    this.skip(count);
    return taken;
  }

  /** Drops the next `count` bytes, or all when fewer are held, and tells how many were dropped. */
  skip(count: number): number {
    const dropped = Math.min(count, this.length);
    this.#start += dropped;
    if (this.#start === this.#end) this.#start = this.#end = 0;
    return dropped;
  }
}
