import { pieceLimits } from "../limits.ts";

/**
 * Buffers for what streams hold on its way, in sizes that double. Used ones are kept for the next that asks: memory that is made anew
 * for each read and write has the runtime collect garbage, and the system find pages, for a fifth of the time.
 */
export class PiecePool {
  /** Free ones, by their size. */
  readonly #free = new Map<number, Buffer<ArrayBuffer>[]>();

  constructor() {
    for (let bytes: number = pieceLimits.leastBytes; bytes <= pieceLimits.mostBytes; bytes *= 2)
      this.#free.set(bytes, []);
  }

  /** Those that are kept for later use. */
  get kept(): number {
    return [...this.#free.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * A buffer whose contents are left-overs: for so many bytes at least, or of {@link pieceLimits.mostBytes}. It is not much larger, since
   * many streams have little to say.
   */
  take(bytes: number): Buffer {
    // The runtime has a way of its own with small ones.
    if (2 * bytes <= pieceLimits.leastBytes) return Buffer.allocUnsafe(bytes);
    for (const [size, free] of this.#free)
      if (bytes <= size || size === pieceLimits.mostBytes) return free.pop() ?? Buffer.allocUnsafeSlow(size);
    throw new RangeError("no size");
  }

  /** Takes back a buffer that nobody reads or writes any more; it is empty afterwards, or another's. */
  release(buffer: Buffer): void {
    const free = this.#free.get(buffer.length);
    if (free === undefined) return;
    if (free.length < pieceLimits.kept) free.push(buffer as Buffer<ArrayBuffer>);
    else freeMemory(buffer as Buffer<ArrayBuffer>);
  }

  /** Frees what is kept, when nobody is about to need it. */
  clear(): void {
    for (const free of this.#free.values()) for (const buffer of free.splice(0)) freeMemory(buffer);
  }
}

/** Of the one thread that there is. */
export const pieces = new PiecePool();

function freeMemory({ buffer }: Buffer<ArrayBuffer>): void {
  // Takes the memory from the buffer, and gives it back to the system when it goes to none.
  buffer.transfer(0);
}
