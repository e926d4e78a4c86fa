import type { Koffi } from "./koffi.ts";
import { addressOf, PinnedMemory } from "./pinned-memory.ts";

/** `struct mmsghdr`, and a `struct iovec` (`bits/socket.h`; the same on x86-64 and arm64), in words of 32 bits. */
const header = {
  address: 0,
  addressBytes: 2,
  part: 4,
  partCount: 6,
  control: 8,
  controlBytes: 10,
  received: 14,
  words: 16,
} as const;
const part = { memory: 0, bytes: 2, words: 4 } as const;
const wordBytes = 4;

/** Datagrams that one call moves, at most (`UIO_MAXIOV`). */
const mostMessages = 1_024;
/** Of an address or of control messages. */
const mostDetailBytes = 256;

/** Sizes of what there is for each datagram of a {@link ReceiveBatch}. */
export interface ReceiveSizes {
  readonly bytes: number;
  readonly addressBytes: number;
  readonly controlBytes: number;
}

/** Headers of datagrams, one behind the other, for a call that moves several. */
class MessageHeaders {
  readonly memory: PinnedMemory;
  readonly words: Uint32Array;
  readonly #partsAt: number;

  constructor(koffi: Koffi, count: number) {
    if (!Number.isSafeInteger(count) || count < 1 || count > mostMessages)
      throw new RangeError(`a batch has 1 to ${mostMessages} datagrams`);
    this.#partsAt = count * header.words;
    this.memory = PinnedMemory.allocate(koffi, (this.#partsAt + count * part.words) * wordBytes);
    this.words = new Uint32Array(this.memory.bytes.buffer);
    for (let index = 0; index < count; index++) {
      const address = addressOf(this.memory, this.#partAt(index) * wordBytes, part.words * wordBytes);
      this.setWord(index * header.words + header.part, address);
      this.setWord(index * header.words + header.partCount, 1);
    }
  }

  setPart(index: number, address: number, bytes: number): void {
    this.setWord(this.#partAt(index) + part.memory, address);
    this.words[this.#partAt(index) + part.bytes] = bytes;
  }

  /** 64 bits, of a number that is exact. */
  setWord(at: number, value: number): void {
    this.words[at] = value % 0x1_0000_0000;
    this.words[at + 1] = Math.floor(value / 0x1_0000_0000);
  }

  #partAt(index: number): number {
    return this.#partsAt + index * part.words;
  }
}

/** Memory for datagrams that one call takes, each with where it came from and its control messages. */
export class ReceiveBatch {
  /** The datagrams, each in its place: {@link ReceiveSizes.bytes} from that many times its number on. */
  readonly bytes: Buffer;
  readonly addresses: Buffer;
  /** The length in the first header of a datagram is 0 where there is none. */
  readonly controls: Buffer;
  readonly sizes: ReceiveSizes;
  readonly count: number;
  readonly #headers: MessageHeaders;
  readonly #pieces: readonly PinnedMemory[];
  readonly #controlWords: Uint32Array;

  /**
   * For the calls of this room alone; others get it from them.
   *
   * @throws {RangeError} for sizes that cannot be
   */
  constructor(koffi: Koffi, count: number, sizes: ReceiveSizes) {
    const { bytes, addressBytes, controlBytes } = sizes;
    for (const size of [addressBytes, controlBytes]) {
      // Each begins with a header that is aligned.
      if (!Number.isSafeInteger(size) || size < 16 || size > mostDetailBytes || size % 8 !== 0)
        throw new RangeError(`${size} bytes for an address or control messages`);
    }
    if (!Number.isSafeInteger(bytes) || bytes < 1) throw new RangeError(`${bytes} bytes for a datagram`);
    const headers = new MessageHeaders(koffi, count);
    const [data, addresses, controls] = [bytes, addressBytes, controlBytes].map((size) =>
      PinnedMemory.allocate(koffi, count * size),
    ) as [PinnedMemory, PinnedMemory, PinnedMemory];
    for (let index = 0; index < count; index++) {
      const at = index * header.words;
      headers.setWord(at + header.address, addressOf(addresses, index * addressBytes, addressBytes));
      headers.setWord(at + header.control, addressOf(controls, index * controlBytes, controlBytes));
      headers.setPart(index, addressOf(data, index * bytes, bytes), bytes);
    }
    this.bytes = data.bytes;
    this.addresses = addresses.bytes;
    this.controls = controls.bytes;
    this.sizes = { bytes, addressBytes, controlBytes };
    this.count = count;
    this.#headers = headers;
    this.#pieces = [headers.memory, data, addresses, controls];
    this.#controlWords = new Uint32Array(controls.bytes.buffer);
  }

  /** Bytes that a datagram had, which may be more than there is room for. */
  lengthOf(index: number): number {
    return this.#headers.words[index * header.words + header.received] as number;
  }

  /**
   * Makes the first ones ready, for the calls of this room alone.
   *
   * @returns address of their headers
   * @throws {RangeError} for more than there are
   */
  prepare(most: number): number {
    if (!Number.isSafeInteger(most) || most < 1 || most > this.count)
      throw new RangeError(`${most} datagrams of ${this.count}`);
    const { words, memory } = this.#headers;
    const { addressBytes, controlBytes } = this.sizes;
    for (let index = 0; index < most; index++) {
      const at = index * header.words;
      words[at + header.addressBytes] = addressBytes;
      words[at + header.controlBytes] = controlBytes;
      this.#controlWords[(index * controlBytes) / wordBytes] = 0;
    }
    return addressOf(memory, 0, most * header.words * wordBytes);
  }

  /** No call takes it any more; a second time does nothing. */
  release(): void {
    for (const piece of this.#pieces) piece.release();
  }
}

/** Headers for datagrams of one piece of memory that one call sends. */
export class SendBatch {
  readonly count: number;
  readonly #headers: MessageHeaders;

  /**
   * For the calls of this room alone; others get it from them.
   *
   * @throws {RangeError} for a count that cannot be
   */
  constructor(koffi: Koffi, count: number) {
    this.#headers = new MessageHeaders(koffi, count);
    this.count = count;
  }

  /**
   * Names the datagrams, for the calls of this room alone.
   *
   * @returns address of their headers
   * @throws {RangeError} for datagrams that are not all in the memory, or more than there are headers
   */
  prepare(
    memory: PinnedMemory,
    offsets: readonly number[],
    lengths: readonly number[],
    first: number,
    end: number,
  ): number {
    const isPart = Number.isSafeInteger(first) && Number.isSafeInteger(end) && first >= 0 && first < end;
    if (!isPart || end - first > this.count || end > offsets.length || end > lengths.length)
      throw new RangeError(`datagrams ${first} to ${end} of ${offsets.length}, ${this.count} at once`);
    for (let index = first; index < end; index++) {
      const length = lengths[index] as number;
      const address = addressOf(memory, offsets[index] as number, length);
      this.#headers.setPart(index - first, address, length);
    }
    return addressOf(this.#headers.memory, 0, (end - first) * header.words * wordBytes);
  }

  /** No call takes it any more; a second time does nothing. */
  release(): void {
    this.#headers.memory.release();
  }
}
