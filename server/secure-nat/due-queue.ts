/** Something that is to be looked at when its time has come. */
export interface Due {
  dueAt: number;
  /** Where a {@link DueQueue} has it; -1 while it is in none. */
  dueIndex: number;
}

/**
 * What is due, the first one first, as a binary heap: to find it, and to enter or move another, takes the same few steps however many
 * there are.
 */
export class DueQueue<Entry extends Due> {
  readonly #heap: Entry[] = [];

  get first(): Entry | undefined {
    return this.#heap[0];
  }

  /** Enters one, or moves it to another time. */
  set(entry: Entry, dueAt: number): void {
    const isLater = dueAt > entry.dueAt;
    entry.dueAt = dueAt;
    if (entry.dueIndex === -1) this.#up(entry, this.#heap.push(entry) - 1);
    else if (isLater) this.#down(entry, entry.dueIndex);
    else this.#up(entry, entry.dueIndex);
  }

  delete(entry: Entry): void {
    const index = entry.dueIndex;
    if (index === -1) return;
    entry.dueIndex = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#up(last, index);
    this.#down(last, last.dueIndex);
  }

  #up(entry: Entry, from: number): void {
    let index = from;
    while (index > 0) {
      const parent = this.#heap[(index - 1) >>> 1] as Entry;
      if (parent.dueAt <= entry.dueAt) break;
      this.#put(parent, index);
      index = (index - 1) >>> 1;
    }
    this.#put(entry, index);
  }

  #down(entry: Entry, from: number): void {
    let index = from;
    for (;;) {
      let child = this.#heap[2 * index + 1];
      const other = this.#heap[2 * index + 2];
      if (child !== undefined && other !== undefined && other.dueAt < child.dueAt) child = other;
      if (child === undefined || child.dueAt >= entry.dueAt) break;
      const at = child.dueIndex;
      this.#put(child, index);
      index = at;
    }
    this.#put(entry, index);
  }

  #put(entry: Entry, index: number): void {
    this.#heap[index] = entry;
    entry.dueIndex = index;
  }
}
