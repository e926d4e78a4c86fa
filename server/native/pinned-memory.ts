import type { Koffi } from "./koffi.ts";

/** Bound on one piece, so that a mistake in a length is an error and not the end of the process. */
const mostBytes = 64 * 1024 * 1024;

/** All that was not released. */
const pinned = new Set<PinnedMemory>();
const addresses = new WeakMap<PinnedMemory, number>();

/**
 * Memory that functions of C may read and write, and whose address they may keep. It is shared memory, which the engine neither moves
 * nor detaches, and it is held here until it is released, whether or not anybody else still holds it: a Buffer whose address C kept
 * and which was collected corrupted the heap.
 */
export class PinnedMemory {
  /** All of it. Other threads may get `bytes.buffer`, and make their own of it with `share`. */
  readonly bytes: Buffer<SharedArrayBuffer>;

  private constructor(bytes: Buffer<SharedArrayBuffer>) {
    this.bytes = bytes;
  }

  /**
   * For the calls of this room alone; others get memory from them.
   *
   * @throws {RangeError} for a size that cannot be
   */
  static allocate(koffi: Koffi, bytes: number): PinnedMemory {
    if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > mostBytes) {
      throw new RangeError(`memory has 1 to ${mostBytes} bytes`);
    }
    return PinnedMemory.pin(koffi, new SharedArrayBuffer(bytes));
  }

  /** The same for memory that is there. */
  static pin(koffi: Koffi, shared: SharedArrayBuffer): PinnedMemory {
    if (!(shared instanceof SharedArrayBuffer) || shared.growable || shared.byteLength === 0) {
      throw new TypeError("only shared memory of a fixed size can be pinned");
    }
    const result = new PinnedMemory(Buffer.from(shared));
    // Addresses of user space have at most 57 bits on x86-64 and 52 on arm64, and 47 or 48 unless a program asks for more.
    const address = Number(koffi.address(result.bytes));
    if (!Number.isSafeInteger(address) || address <= 0)
      throw new RangeError("memory at an address of no use");
    addresses.set(result, address);
    pinned.add(result);
    return result;
  }

  /** No call takes it any more. Only for memory whose address nothing keeps; a second time does nothing. */
  release(): void {
    pinned.delete(this);
    addresses.delete(this);
  }
}

/**
 * Address of `length` bytes from `offset` on, for a call that comes at once.
 *
 * @throws {TypeError} for memory that is not pinned, or no longer
 * @throws {RangeError} for bytes that are not all in it
 */
export function addressOf(memory: PinnedMemory, offset: number, length: number): number {
  const address = addresses.get(memory);
  if (address === undefined) throw new TypeError("not pinned memory, or released");
  if (
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(length) ||
    offset < 0 ||
    length < 0 ||
    offset + length > memory.bytes.length
  ) {
    throw new RangeError(`${length} bytes from ${offset} on are not in ${memory.bytes.length}`);
  }
  return address + offset;
}
