/**
 * A queue in which owners take turns: whoever brings a lot waits for himself alone. The items of one owner stay in order. Urgent
 * ones go before all others.
 */
export class FairQueue<Item> {
  readonly #urgent: Item[] = [];
  /** By owner; who comes first is next. */
  readonly #byOwner = new Map<string, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: Item, owner: string, urgent: boolean): void {
    const items = this.#itemsOf(owner, urgent);
    if (items === undefined) this.#byOwner.set(owner, [item]);
    else items.push(item);
    this.#size++;
  }

  shift(): Item | undefined {
    if (this.#size === 0) return undefined;
    this.#size--;
    if (this.#urgent.length > 0) return this.#urgent.shift();
    const [next] = this.#byOwner;
    if (next === undefined) return undefined;
    const [owner, items] = next;
    this.#byOwner.delete(owner);
    const item = items.shift();
    // Behind all others.
    if (items.length > 0) this.#byOwner.set(owner, items);
    return item;
  }

  /** Takes an item out, wherever it stands; nothing happens when it is not there any more. */
  remove(item: Item, owner: string, urgent: boolean): void {
    const items = this.#itemsOf(owner, urgent);
    const index = items?.indexOf(item) ?? -1;
    if (items === undefined || index === -1) return;
    items.splice(index, 1);
    this.#size--;
    if (!urgent && items.length === 0) this.#byOwner.delete(owner);
  }

  #itemsOf(owner: string, urgent: boolean): Item[] | undefined {
    return urgent ? this.#urgent : this.#byOwner.get(owner);
  }
}
