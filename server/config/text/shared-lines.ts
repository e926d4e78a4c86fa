/** Lines that are remembered until they come again; beyond that all of them are forgotten. */
const mostOnce = 4_096;
/** Lines that came again, and longest of them. */
const mostShared = 65_536;
const longestLine = 128;

/**
 * Lines of a configuration that are the same, such as `uint NumLogin 0` of 100,000 users, stand for one object, which nobody changes. So a
 * large configuration takes a quarter of the memory, and the garbage collector, which holds up everybody, as little of the time.
 */
export class SharedLines<T> {
  readonly #once = new Map<string, T>();
  readonly #shared = new Map<string, T>();

  /** What a line that came before stands for. */
  find(line: string): T | undefined {
    const shared = this.#shared.get(line);
    if (shared !== undefined) return shared;
    const once = this.#once.get(line);
    if (once === undefined) return undefined;
    this.#once.delete(line);
    if (this.#shared.size < mostShared) this.#shared.set(line, once);
    return once;
  }

  remember(line: string, made: T): void {
    if (line.length > longestLine) return;
    if (this.#once.size >= mostOnce) this.#once.clear();
    this.#once.set(line, made);
  }
}
