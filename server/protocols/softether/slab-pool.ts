import { slabLimits } from "../../limits.ts";

/** A buffer of {@link slabLimits.bytes} or {@link slabLimits.smallBytes} that shares its memory with no other. */
export type Slab = Buffer<ArrayBuffer>;

/**
 * Buffers that sessions collect outgoing frames in. Used ones are kept for the next that asks, because making and freeing
 * memory of this size for each write costs more than filling it. What nobody asks for is freed at once, not when the runtime
 * collects its garbage next: a server that has become idle may not do that for hours.
 */
export class SlabPool {
  readonly #small = new Kept(slabLimits.smallBytes);
  readonly #large = new Kept(slabLimits.bytes);
  #lent = 0;

  /** Buffers that are kept for later use. */
  get kept(): number {
    return this.#small.count + this.#large.count;
  }

  /** Buffers that were taken and not given back. */
  get lent(): number {
    return this.#lent;
  }

  /** A buffer whose contents are left-overs: the smallest that so many bytes fit into. */
  take(bytes: number = slabLimits.bytes): Slab {
    this.#lent++;
    return this.#keptOf(slabBytes(bytes)).take();
  }

  /** Takes back a buffer that nobody reads any more; it is empty afterwards, or another's. */
  release(slab: Slab): void {
    this.#lent--;
    this.#keptOf(slab.length).release(slab);
  }

  /** Frees what was not needed since it was last called; to be called every {@link slabLimits.trimMs}. */
  trim(): void {
    this.#small.trim();
    this.#large.trim();
  }

  #keptOf(bytes: number): Kept {
    return bytes === slabLimits.smallBytes ? this.#small : this.#large;
  }
}

/** The size of the buffer for so many bytes. */
export function slabBytes(bytes: number): number {
  return bytes <= slabLimits.smallBytes ? slabLimits.smallBytes : slabLimits.bytes;
}

/** Free buffers of one size. */
class Kept {
  readonly #bytes: number;
  readonly #free: Slab[] = [];
  /** The fewest that were free since {@link trim}: nobody needed those. */
  #spare = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get count(): number {
    return this.#free.length;
  }

  take(): Slab {
    const slab = this.#free.pop();
    this.#spare = Math.min(this.#spare, this.#free.length);
    return slab ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  release(slab: Slab): void {
    if (this.#free.length < slabLimits.kept) this.#free.push(slab);
    else freeMemory(slab);
  }

  trim(): void {
    for (const slab of this.#free.splice(0, this.#spare)) freeMemory(slab);
    this.#spare = this.#free.length;
  }
}

function freeMemory({ buffer }: Slab): void {
  // Takes the memory from the buffer, and gives it back to the system when it goes to none.
  buffer.transfer(0);
}
