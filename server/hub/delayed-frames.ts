import { hubLimits } from "../limits.ts";

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
  #bytes = 0;
  #order = 0;
  #cancel: (() => void) | undefined;

  constructor(options: DelayedFramesOptions<Owner>) {
    this.#options = options;
  }

  /** Copies a frame and keeps it for a time; false when too much is kept already. */
  add(owner: Owner, buffer: Buffer, start: number, end: number, delayMs: number): boolean {
    const bytes = end - start;
    if (this.#bytes + bytes > hubLimits.delayedBytes) return false;
    const block = Buffer.allocUnsafe(4 + bytes);
    block.writeUInt32BE(bytes, 0);
    buffer.copy(block, 4, start, end);
    this.#bytes += bytes;
    const delayed = { owner, block, dueAt: this.#options.now() + delayMs, order: this.#order++ };
    this.#push(delayed);
    if (this.#heap[0] === delayed) this.#wait();
    return true;
  }

  /** Drops what is kept of an owner. */
  forget(owner: Owner): void {
    const kept = this.#heap.filter((each) => each.owner !== owner);
    if (kept.length === this.#heap.length) return;
    this.#heap.length = 0;
    this.#bytes = 0;
    for (const each of kept) {
      this.#bytes += each.block.length - 4;
      this.#push(each);
    }
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
    for (let next = this.#heap[0]; next !== undefined && next.dueAt <= now; next = this.#heap[0]) {
      this.#pop();
      this.#bytes -= next.block.length - 4;
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
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let below = index * 2 + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as DelayedFrame<Owner>)) below++;
      const next = heap[below] as DelayedFrame<Owner>;
      if (!isBefore(next, last)) break;
      heap[index] = next;
      index = below;
    }
    heap[index] = last;
  }
}

function isBefore(a: DelayedFrame<unknown>, b: DelayedFrame<unknown>): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}
