/**
 * Ports in the order in which they were plugged in. Of thousands that go at once none walks over the others: the list is made again when
 * somebody asks for it, and whoever was given it before goes through the one that it was.
 */
export class PortList<T extends object> {
  readonly #set = new Set<T>();
  #all: readonly T[] | undefined;

  get all(): readonly T[] {
    return (this.#all ??= [...this.#set]);
  }

  add(port: T): void {
    this.#set.add(port);
    this.#all = undefined;
  }

  remove(port: T): void {
    if (this.#set.delete(port)) this.#all = undefined;
  }
}
