import { hubLimits } from "../limits.ts";
import { fitsShare } from "./fair-share.ts";

interface DelayedFrame<Owner> {
  readonly owner: Owner;
  /** Length and frame, a copy. */
  readonly block: Buffer;
  readonly dueAt: number;
  /** Order of those that are due at the same time. */
  readonly order: number;
}

export interface DelayedFramesOptions<Owner> {
  readonly now: () => number;
  readonly schedule: (callback: () => void, delayMs: number) => () => void;
  /** Takes a frame whose time has come. */
  readonly release: (owner: Owner, block: Buffer) => void;
}

/** Frames that an access list holds back for a time: a heap, the next one first, and one timer for it. */
export class DelayedFrames<Owner> {
  readonly #options: DelayedFramesOptions<Owner>;
  readonly #heap: DelayedFrame<Owner>[] = [];
  /** What is kept of each owner, and of all of them. */
  readonly #bytesOf = new Map<Owner, number>();
  #bytes = 0;
  #order = 0;
  #cancel: (() => void) | undefined;

  constructor(options: DelayedFramesOptions<Owner>) {
    this.#options = options;
  }

  /** Copies a frame and keeps it for a time; false when too much is kept already. */
  add(owner: Owner, buffer: Buffer, start: number, end: number, delayMs: number): boolean {
    const bytes = end - start;
    const own = this.#bytesOf.get(owner) ?? 0;
    const kept = keptBytes(bytes);
    if (!fitsShare(kept, own, this.#bytes, hubLimits.delayedBytes)) return false;
    const block = Buffer.allocUnsafe(4 + bytes);
    block.writeUInt32BE(bytes, 0);
    buffer.copy(block, 4, start, end);
    this.#bytes += kept;
    this.#bytesOf.set(owner, own + kept);
    const delayed = { owner, block, dueAt: this.#options.now() + delayMs, order: this.#order++ };
    this.#push(delayed);
    if (this.#heap[0] === delayed) this.#wait();
    return true;
  }

  /** Drops what is kept of an owner. */
  forget(owner: Owner): void {
    const own = this.#bytesOf.get(owner);
    if (own === undefined) return;
    this.#bytes -= own;
    this.#bytesOf.delete(owner);
    const heap = this.#heap;
    let left = 0;
    for (const each of heap) if (each.owner !== owner) heap[left++] = each;
    heap.length = left;
    for (let index = (left >> 1) - 1; index >= 0; index--)
      this.#sink(index, heap[index] as DelayedFrame<Owner>);
    this.#wait();
  }

  #wait(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const next = this.#heap[0];
    if (next === undefined) return;
    const delayMs = Math.max(1, Math.ceil(next.dueAt - this.#options.now()));
    this.#cancel = this.#options.schedule(() => this.#release(), delayMs);
  }

  #release(): void {
    this.#cancel = undefined;
    const now = this.#options.now();
    for (let left = hubLimits.releasedAtOnce; left > 0; left--) {
      const next = this.#heap[0];
      if (next === undefined || next.dueAt > now) break;
      this.#pop();
      this.#uncount(next);
      this.#options.release(next.owner, next.block);
    }
    this.#wait();
  }

  #push(delayed: DelayedFrame<Owner>): void {
    const heap = this.#heap;
    let index = heap.push(delayed) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!isBefore(delayed, heap[above] as DelayedFrame<Owner>)) break;
      heap[index] = heap[above] as DelayedFrame<Owner>;
      index = above;
    }
    heap[index] = delayed;
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(0, last);
  }

  /** Puts a frame where `index` is, or below it. */
  #sink(index: number, delayed: DelayedFrame<Owner>): void {
    const heap = this.#heap;
    for (;;) {
      let below = index * 2 + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as DelayedFrame<Owner>)) below++;
      const next = heap[below] as DelayedFrame<Owner>;
      if (!isBefore(next, delayed)) break;
      heap[index] = next;
      index = below;
    }
    heap[index] = delayed;
  }

  #uncount({ owner, block }: DelayedFrame<Owner>): void {
    const kept = keptBytes(block.length - 4);
    const own = (this.#bytesOf.get(owner) ?? 0) - kept;
    this.#bytes -= kept;
    if (own <= 0) this.#bytesOf.delete(owner);
    else this.#bytesOf.set(owner, own);
  }
}

/** What a frame takes in memory, roughly. */
function keptBytes(bytes: number): number {
  return Math.max(bytes, hubLimits.delayedFrameBytes);
}

function isBefore(a: DelayedFrame<unknown>, b: DelayedFrame<unknown>): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}
