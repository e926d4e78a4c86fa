import { blockLimits } from "../limits.ts";

/** Instead of a number of blocks: a keep-alive follows. */
const keepAliveMark = 0xffff_ffff;

/** Bytes of a number of blocks, and of the length of each block. */
export const blockHeaderBytes = 4;

/** Where a {@link BlockDecoder} hands over what it reads. */
export interface BlockSink {
  /**
   * Whole blocks, `frames` of them: `buffer` from `start` to `end` holds `u32` length and bytes of each, one after the other.
   * The buffer is valid during the call only.
   *
   * @returns where the rest begins, for which there is no time now; nothing where all were taken. At least one is
   */
  blocks(buffer: Buffer, start: number, end: number, frames: number): number | void;
  /** A block or a keep-alive came in whole: the peer lives. Called at least once for each chunk that ends one. */
  alive(): void;
  /** A block that is longer than a frame may be, and is left out. */
  oversized(): void;
}

export interface BlockDecoderOptions {
  readonly sink: BlockSink;
  /** Longest block that is handed over; longer ones, up to {@link blockLimits.blockBytes}, are left out. */
  readonly frameBytes: number;
}

/** What makes a stream unusable; the connection that it came by is closed. */
export type BlockStreamFault = "keep-alive-too-long" | "block-too-long";

/**
 * Reads the data channel of one connection (session reference, section 5; `Cedar/Connection.c` ConnectionReceive):
 *
 *     u32 n
 *       n = 0             nothing
 *       n = 0xFFFFFFFF    keep-alive: u32 size, size bytes of no meaning
 *       else              n blocks: u32 size, size bytes, an Ethernet frame each; size 0 is nothing
 *
 * All numbers are big-endian. The blocks of a chunk that stand side by side are handed over in one call, where they are; only
 * a block that is cut by the end of a chunk is copied. It holds at most one such block.
 */
export class BlockDecoder {
  readonly #sink: BlockSink;
  readonly #frameBytes: number;
  /** A number, or a block with its length, that the end of a chunk cut. */
  readonly #cut = Buffer.allocUnsafe(blockHeaderBytes + blockLimits.blockBytes);
  #cutBytes = 0;
  /** What comes next where no blocks are left. */
  #next: "count" | "keep-alive" = "count";
  #blocksLeft = 0;
  /** Bytes of a keep-alive or of a block that are passed over. */
  #skip = 0;
  #position = 0;

  constructor(options: BlockDecoderOptions) {
    this.#sink = options.sink;
    this.#frameBytes = options.frameBytes;
  }

  /** Where the last chunk was read to: its end, unless whoever takes the blocks had no time for the rest. */
  get position(): number {
    return this.#position;
  }

  /**
   * Takes bytes, cut anywhere.
   *
   * @param from where the chunk goes on that was not read to its end before
   * @returns what makes the stream unusable, or undefined; after a fault nothing more may be put in
   */
  receive(chunk: Buffer, from = 0): BlockStreamFault | undefined {
    this.#isStopped = false;
    let at = this.#skipFrom(chunk, from);
    while (this.#cutBytes > 0 && at < chunk.length && !this.#isStopped) {
      at = this.#completeCut(chunk, at);
      if (this.#fault !== undefined) return this.#fault;
      at = this.#skipFrom(chunk, at);
    }
    while (at < chunk.length && !this.#isStopped) {
      at = this.#blocksLeft > 0 ? this.#readBlocks(chunk, at) : this.#readNumber(chunk, at);
      if (this.#fault !== undefined) return this.#fault;
      at = this.#skipFrom(chunk, at);
    }
    this.#position = at;
    return undefined;
  }

  #isStopped = false;
  #fault: BlockStreamFault | undefined;

  /** Reads blocks from `at` to the end of the batch or of the chunk; gives the position behind them. */
  #readBlocks(chunk: Buffer, at: number): number {
    const { length } = chunk;
    const frameBytes = this.#frameBytes;
    const start = at;
    let left = this.#blocksLeft;
    let frames = 0;
    while (left > 0 && at + blockHeaderBytes <= length) {
      const size = readUint32(chunk, at);
      const end = at + blockHeaderBytes + size;
      if (size === 0 || size > frameBytes || end > length) break;
      at = end;
      frames++;
      left--;
    }
    this.#blocksLeft = left;
    if (frames > 0) {
      this.#sink.alive();
      const stop = this.#sink.blocks(chunk, start, at, frames) ?? at;
      if (stop !== at) return this.#stopAt(chunk, stop, at);
    }
    if (left === 0 || at === length) return at;
    return this.#readOddBlock(chunk, at);
  }

  /** The blocks from `stop` to `end` were not taken. */
  #stopAt(chunk: Buffer, stop: number, end: number): number {
    this.#isStopped = true;
    for (let at = stop; at < end; at += blockHeaderBytes + readUint32(chunk, at)) this.#blocksLeft++;
    return stop;
  }

  /** A block that is empty, too long or not whole. */
  #readOddBlock(chunk: Buffer, at: number): number {
    if (at + blockHeaderBytes > chunk.length) return this.#keepCut(chunk, at);
    const size = readUint32(chunk, at);
    if (size > 0 && size <= this.#frameBytes) return this.#keepCut(chunk, at);
    this.#passOver(size);
    return at + blockHeaderBytes;
  }

  /** Takes note of a block that is not handed over, whose length was just read. */
  #passOver(size: number): void {
    if (size > blockLimits.blockBytes) {
      this.#fault = "block-too-long";
      return;
    }
    this.#blocksLeft--;
    this.#skip = size;
    if (size === 0) this.#sink.alive();
    else this.#sink.oversized();
  }

  #readNumber(chunk: Buffer, at: number): number {
    if (at + blockHeaderBytes > chunk.length) return this.#keepCut(chunk, at);
    this.#takeNumber(readUint32(chunk, at));
    return at + blockHeaderBytes;
  }

  #takeNumber(number: number): void {
    if (this.#next === "keep-alive") {
      this.#next = "count";
      if (number > blockLimits.keepAliveBytes) this.#fault = "keep-alive-too-long";
      this.#skip = number;
      this.#sink.alive();
    } else if (number === keepAliveMark) this.#next = "keep-alive";
    else this.#blocksLeft = number;
  }

  #keepCut(chunk: Buffer, at: number): number {
    this.#cutBytes = chunk.copy(this.#cut, 0, at);
    return chunk.length;
  }

  /** Goes on with what the end of the last chunk cut, by one number or one block; gives the position behind. */
  #completeCut(chunk: Buffer, at: number): number {
    at = this.#fillCut(chunk, at, blockHeaderBytes);
    if (this.#cutBytes < blockHeaderBytes) return at;
    const size = readUint32(this.#cut, 0);
    if (this.#blocksLeft === 0) {
      this.#cutBytes = 0;
      this.#takeNumber(size);
      return at;
    }
    if (size === 0 || size > this.#frameBytes) {
      this.#cutBytes = 0;
      this.#passOver(size);
      return at;
    }
    const end = blockHeaderBytes + size;
    at = this.#fillCut(chunk, at, end);
    if (this.#cutBytes < end) return at;
    this.#cutBytes = 0;
    this.#blocksLeft--;
    this.#sink.alive();
    this.#sink.blocks(this.#cut, 0, end, 1);
    return at;
  }

  #fillCut(chunk: Buffer, at: number, until: number): number {
    if (this.#cutBytes >= until) return at;
    const end = Math.min(chunk.length, at + until - this.#cutBytes);
    this.#cutBytes += chunk.copy(this.#cut, this.#cutBytes, at, end);
    return end;
  }

  #skipFrom(chunk: Buffer, at: number): number {
    const skipped = Math.min(this.#skip, chunk.length - at);
    this.#skip -= skipped;
    return at + skipped;
  }
}

/**
 * Encodes a keep-alive.
 *
 * @param filling bytes of no meaning, at most {@link blockLimits.keepAliveBytes}: a peer closes the connection at more
 */
export function encodeKeepAlive(filling: Uint8Array): Buffer {
  if (filling.length > blockLimits.keepAliveBytes) {
    throw new RangeError(
      `keep-alive: ${filling.length} bytes; at most ${blockLimits.keepAliveBytes} are allowed`,
    );
  }
  const message = Buffer.allocUnsafe(2 * blockHeaderBytes + filling.length);
  message.writeUInt32BE(keepAliveMark, 0);
  message.writeUInt32BE(filling.length, blockHeaderBytes);
  message.set(filling, 2 * blockHeaderBytes);
  return message;
}

/** The number at `at`, big-endian; the caller has checked that it is there. */
export function readUint32(buffer: Buffer, at: number): number {
  // Read by hand: this is done for every frame, and costs a third of readUInt32BE.
  return (
    ((buffer[at] as number) * 0x100_0000 +
      (((buffer[at + 1] as number) << 16) |
        ((buffer[at + 2] as number) << 8) |
        (buffer[at + 3] as number))) >>>
    0
  );
}
