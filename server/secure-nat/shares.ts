/** What a session may hold of something that it shares with others. */
export interface SharedEntry {
  /** Number of the port that it came from. */
  source: number;
}

/** Entries that are looked at, at most, for the one that was used longest ago. */
const lookedAt = 16;

/**
 * Who holds how much of a table: entries by their session, each session's in the order in which they came. One that was used since goes
 * to the end when it is looked at, so that using one costs nothing here.
 */
export class Shares<Entry extends SharedEntry> {
  readonly #usedAt: (entry: Entry) => number;
  /** With the time when an entry came to its place. */
  readonly #bySource = new Map<number, Map<Entry, number>>();

  /** @param usedAt when an entry was used last */
  constructor(usedAt: (entry: Entry) => number) {
    this.#usedAt = usedAt;
  }

  add(entry: Entry): void {
    let own = this.#bySource.get(entry.source);
    if (own === undefined) this.#bySource.set(entry.source, (own = new Map<Entry, number>()));
    own.set(entry, this.#usedAt(entry));
  }

  /** Whether it was there. */
  delete(entry: Entry): boolean {
    const own = this.#bySource.get(entry.source);
    if (own?.delete(entry) !== true) return false;
    if (own.size === 0) this.#bySource.delete(entry.source);
    return true;
  }

  /** Notes that an entry belongs to another session now. */
  move(entry: Entry, source: number): void {
    if (entry.source === source) return;
    this.delete(entry);
    entry.source = source;
    this.add(entry);
  }

  /** Entries of a session. */
  of(source: number): number {
    return this.#bySource.get(source)?.size ?? 0;
  }

  /** The session that has most. */
  largest(): number {
    let largest = 0;
    let most = 0;
    for (const [source, { size }] of this.#bySource) {
      if (size <= most) continue;
      most = size;
      largest = source;
    }
    return largest;
  }

  /** The entry of a session that was used longest ago, or nearly so. */
  oldest(source: number): Entry | undefined {
    const own = this.#bySource.get(source);
    let oldest: Entry | undefined;
    let looked = 0;
    for (const [entry, placedAt] of own ?? []) {
      const usedAt = this.#usedAt(entry);
      if (usedAt <= placedAt) return entry;
      if (oldest === undefined || usedAt < this.#usedAt(oldest)) oldest = entry;
      if (++looked >= lookedAt) break;
      own?.delete(entry);
      own?.set(entry, usedAt);
    }
    return oldest;
  }

  /**
   * The entry that makes room for another one of a session, where all together may be `most`: its own oldest when it has its share, that
   * of the session with most when there is no other room.
   */
  inTheWay(source: number, size: number, most: number, share: number): Entry | undefined {
    if (this.of(source) >= most * share) return this.oldest(source);
    return size >= most ? this.oldest(this.largest()) : undefined;
  }
}
