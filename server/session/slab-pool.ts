import { slabLimits } from "../limits.ts";

/**
 * Buffers that sessions collect outgoing frames in. Used ones are kept for the next that asks, because making and freeing
 * memory of this size for each write costs more than filling it.
 */
export class SlabPool {
  readonly #free: Buffer[] = [];

  /** A buffer of {@link slabLimits.bytes}, whose contents are left-overs. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(slabLimits.bytes);
  }

  /** Takes back a buffer that nobody reads any more. */
  release(slab: Buffer): void {
    if (this.#free.length < slabLimits.kept) this.#free.push(slab);
  }
}
