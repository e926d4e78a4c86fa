import { slabLimits } from "../../limits.ts";
import { blockHeaderBytes, readUint32 } from "../../wire/block-stream.ts";
import { compressedBound, compressFrame } from "../../wire/frame-compression.ts";
import type { Batch, Outbox } from "./outbox.ts";
import type { QueueAccount } from "./queue-memory.ts";
import { slabBytes, type Slab, type SlabPool } from "./slab-pool.ts";

interface Target {
  readonly slab: Slab;
  length: number;
  frames: number;
}

/** Compresses what waits in an outbox, frame by frame, when it is about to be sent: what is dropped before has cost nothing. */
export class BatchCompressor {
  readonly #outbox: Outbox;
  readonly #pool: SlabPool;
  readonly #account: QueueAccount;
  #source: { readonly batch: Batch; at: number } | undefined;
  #target: Target | undefined;

  constructor(outbox: Outbox, pool: SlabPool, account: QueueAccount) {
    this.#outbox = outbox;
    this.#pool = pool;
    this.#account = account;
  }

  get isEmpty(): boolean {
    return this.#source === undefined && this.#target === undefined && this.#outbox.isEmpty;
  }

  /** The next batch, or undefined when nothing waits, or it is over before the batch is complete. */
  shift(isOver: () => boolean): Batch | undefined {
    if (this.#source === undefined) {
      const batch = this.#outbox.shift();
      if (batch === undefined) return undefined;
      this.#source = { batch, at: blockHeaderBytes };
    }
    const source = this.#source;
    const { bytes } = source.batch;
    const target = (this.#target ??= this.#createTarget(bytes.length));
    while (source.at < bytes.length) {
      const frameAt = source.at + blockHeaderBytes;
      const end = frameAt + readUint32(bytes, source.at);
      const at = target.length + blockHeaderBytes;
      if (at + compressedBound(end - frameAt) > target.slab.length) return this.#complete(target);
      const length = compressFrame(bytes.subarray(frameAt, end), target.slab, at);
      target.slab.writeUInt32BE(length, target.length);
      target.length = at + length;
      target.frames++;
      source.at = end;
      if (end < bytes.length && isOver()) return undefined;
    }
    this.#outbox.release(source.batch);
    this.#source = undefined;
    return this.#complete(target);
  }

  /** Drops what waits. */
  clear(): void {
    for (const each of [this.#source?.batch, this.#target])
      if (each !== undefined) this.#outbox.release(each);
    this.#source = this.#target = undefined;
    this.#outbox.clear();
  }

  #createTarget(sourceBytes: number): Target {
    const size = slabBytes(Math.min(compressedBound(sourceBytes) * 2, slabLimits.bytes));
    this.#account.takeAnyway(size);
    return { slab: this.#pool.take(size), length: blockHeaderBytes, frames: 0 };
  }

  #complete({ slab, length, frames }: Target): Batch {
    this.#target = undefined;
    slab.writeUInt32BE(frames, 0);
    return { bytes: slab.subarray(0, length), slab, frames };
  }
}
