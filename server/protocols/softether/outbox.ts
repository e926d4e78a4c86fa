import { slabLimits } from "../../limits.ts";
import { blockHeaderBytes } from "../../wire/block-stream.ts";
import type { Slab, SlabPool } from "./slab-pool.ts";

/** A batch that is ready to be sent: the number of blocks, and the blocks. */
export interface Batch {
  /** The bytes to send; `slab` holds them. */
  readonly bytes: Buffer;
  /** To be given back to the pool when they are sent. */
  readonly slab: Slab;
  readonly frames: number;
}

interface FillingBatch {
  readonly slab: Slab;
  length: number;
  frames: number;
}

/**
 * Frames on their way to a peer, in batches as the data channel has them. What comes in is copied, once, so that a slow peer
 * holds the bytes of its own frames and not the buffers in which they came in.
 */
export class Outbox {
  readonly #pool: SlabPool;
  readonly #batches: FillingBatch[] = [];
  #bytes = 0;
  #frames = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Frames that wait. */
  get frames(): number {
    return this.#frames;
  }

  /** Whether a batch is full: it gets no better by waiting for more. */
  get hasFullBatch(): boolean {
    return this.#batches.length > 1;
  }

  /** Copies the blocks of `buffer` from `start` to `end`, at most {@link slabLimits.runBytes}, behind those that wait. */
  push(buffer: Buffer, start: number, end: number, frames: number): void {
    const batch = this.#batchWithRoomFor(end - start);
    buffer.copy(batch.slab, batch.length, start, end);
    batch.length += end - start;
    batch.frames += frames;
    this.#bytes += end - start;
    this.#frames += frames;
  }

  /** Takes the oldest batch, or undefined when nothing waits. */
  shift(): Batch | undefined {
    const batch = this.#batches.shift();
    if (batch === undefined) return undefined;
    const { slab, length, frames } = batch;
    this.#bytes -= length - blockHeaderBytes;
    this.#frames -= frames;
    slab.writeUInt32BE(frames, 0);
    return { bytes: slab.subarray(0, length), slab, frames };
  }

  /** Drops all that waits. */
  clear(): void {
    for (const { slab } of this.#batches) this.#pool.release(slab);
    this.#batches.length = 0;
    this.#bytes = 0;
    this.#frames = 0;
  }

  #batchWithRoomFor(bytes: number): FillingBatch {
    const last = this.#batches.at(-1);
    if (last !== undefined && last.length + bytes <= slabLimits.bytes) return last;
    const batch = { slab: this.#pool.take(), length: blockHeaderBytes, frames: 0 };
    this.#batches.push(batch);
    return batch;
  }
}
