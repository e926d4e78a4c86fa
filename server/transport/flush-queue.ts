/** Something that hands over what it collected. */
export interface Flushable {
  flush(): void;
}

/**
 * Calls back those that asked once all that has come in by now was read, so that what is collected from many reads goes out in
 * one write.
 */
export class FlushQueue {
  #asked = new Set<Flushable>();
  #scheduled = false;

  request(who: Flushable): void {
    this.#asked.add(who);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the sockets of this turn of the event loop, unlike a microtask.
    setImmediate(() => this.run());
  }

  /** Calls back those that asked now. */
  run(): void {
    const asked = this.#asked;
    this.#asked = new Set();
    this.#scheduled = false;
    for (const who of asked) who.flush();
  }
}
