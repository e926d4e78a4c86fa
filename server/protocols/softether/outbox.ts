import { slabLimits } from "../../limits.ts";
import { blockHeaderBytes } from "../../wire/block-stream.ts";
import type { QueueAccount } from "./queue-memory.ts";
import { slabBytes, type Slab, type SlabPool } from "./slab-pool.ts";

/** A batch that is ready to be sent: the number of blocks, and the blocks. */
export interface Batch {
  /** The bytes to send; `slab` holds them. */
  readonly bytes: Buffer;
  /** To be given back by {@link Outbox.release} when they are sent. */
  readonly slab: Slab;
  readonly frames: number;
}

interface FillingBatch {
  slab: Slab;
  length: number;
  frames: number;
}

/**
 * Frames on their way to a peer, in batches as the data channel has them. What comes in is copied, once, so that a slow peer
 * holds the bytes of its own frames and not the buffers in which they came in.
 */
export class Outbox {
  readonly #pool: SlabPool;
  readonly #account: QueueAccount;
  readonly #batches: FillingBatch[] = [];

  constructor(pool: SlabPool, account: QueueAccount) {
    this.#pool = pool;
    this.#account = account;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Whether a batch is full: it gets no better by waiting for more. */
  get hasFullBatch(): boolean {
    return this.#batches.length > 1;
  }

  /**
   * Copies the blocks of `buffer` from `start` to `end`, at most {@link slabLimits.runBytes}, behind those that wait.
   *
   * @returns whether there was memory for them
   */
  push(buffer: Buffer, start: number, end: number, frames: number): boolean {
    const batch = this.#batchWithRoomFor(end - start);
    if (batch === undefined) return false;
    buffer.copy(batch.slab, batch.length, start, end);
    batch.length += end - start;
    batch.frames += frames;
    return true;
  }

  /** Takes the oldest batch, or undefined when nothing waits. */
  shift(): Batch | undefined {
    const batch = this.#batches.shift();
    if (batch === undefined) return undefined;
    const { slab, length, frames } = batch;
    slab.writeUInt32BE(frames, 0);
    return { bytes: slab.subarray(0, length), slab, frames };
  }

  /** Gives the memory of a batch back that nobody reads any more. */
  release({ slab }: Pick<Batch, "slab">): void {
    this.#account.give(slab.length);
    this.#pool.release(slab);
  }

  /** Drops all that waits. */
  clear(): void {
    for (const batch of this.#batches.splice(0)) this.release(batch);
  }

  #batchWithRoomFor(bytes: number): FillingBatch | undefined {
    const last = this.#batches.at(-1);
    if (last !== undefined) {
      const length = last.length + bytes;
      if (length <= last.slab.length) return last;
      // Where there is no memory for a large one, another small one may do.
      if (length <= slabLimits.bytes && this.#enlarge(last)) return last;
    }
    const size = slabBytes(blockHeaderBytes + bytes);
    if (!this.#account.take(size)) return undefined;
    const batch = { slab: this.#pool.take(size), length: blockHeaderBytes, frames: 0 };
    this.#batches.push(batch);
    return batch;
  }

  #enlarge(batch: FillingBatch): boolean {
    if (!this.#account.take(slabLimits.bytes)) return false;
    const { slab, length } = batch;
    batch.slab = this.#pool.take();
    slab.copy(batch.slab, 0, 0, length);
    this.release({ slab });
    return true;
  }
}
