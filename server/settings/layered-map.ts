/** Changes that a map has besides the one that it is made of; each is copied with every further change. */
const mostChanges = 64;

/**
 * An immutable map that is made of another by a change, and shares all else with it: where there are 10,000 users, a change of one does
 * not copy them all. In the order of a `Map` to which the same was done.
 */
export class LayeredMap<V> implements ReadonlyMap<string, V> {
  readonly #base: ReadonlyMap<string, V>;
  readonly #put: ReadonlyMap<string, V>;
  /** Of the base; what was put again after that is at the end. */
  readonly #removed: ReadonlySet<string>;
  readonly size: number;

  private constructor(
    base: ReadonlyMap<string, V>,
    put: ReadonlyMap<string, V>,
    removed: ReadonlySet<string>,
  ) {
    this.#base = base;
    this.#put = put;
    this.#removed = removed;
    let size = base.size - removed.size;
    for (const key of put.keys()) if (!base.has(key) || removed.has(key)) size++;
    this.size = size;
  }

  static with<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
    const { base, put, removed } = LayeredMap.#layersOf(map);
    return LayeredMap.#of(base, new Map(put).set(key, value), removed);
  }

  static without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
    if (!map.has(key)) return map;
    const { base, put, removed } = LayeredMap.#layersOf(map);
    const left = new Map(put);
    left.delete(key);
    return LayeredMap.#of(base, left, base.has(key) ? new Set(removed).add(key) : removed);
  }

  /** The keys by which two maps may differ; undefined when they have nothing in common that could tell. */
  static changedKeys<V>(
    one: ReadonlyMap<string, V>,
    other: ReadonlyMap<string, V>,
  ): ReadonlySet<string> | undefined {
    const [layers, others] = [LayeredMap.#layersOf(one), LayeredMap.#layersOf(other)];
    if (layers.base !== others.base) return undefined;
    const keys = [layers.put.keys(), layers.removed, others.put.keys(), others.removed];
    return new Set(keys.flatMap((each) => [...each]).filter((key) => one.get(key) !== other.get(key)));
  }

  static #of<V>(
    base: ReadonlyMap<string, V>,
    put: ReadonlyMap<string, V>,
    removed: ReadonlySet<string>,
  ): ReadonlyMap<string, V> {
    const map = new LayeredMap(base, put, removed);
    return put.size + removed.size > mostChanges ? new Map(map) : map;
  }

  static #layersOf<V>(map: ReadonlyMap<string, V>) {
    return map instanceof LayeredMap
      ? { base: (map as LayeredMap<V>).#base, put: (map as LayeredMap<V>).#put, removed: map.#removed }
      : { base: map, put: new Map<string, V>(), removed: new Set<string>() };
  }

  get(key: string): V | undefined {
    return this.#put.get(key) ?? (this.#removed.has(key) ? undefined : this.#base.get(key));
  }

  has(key: string): boolean {
    return this.#put.has(key) || (!this.#removed.has(key) && this.#base.has(key));
  }

  *entries(): MapIterator<[string, V]> {
    for (const entry of this.#base) {
      const [key] = entry;
      if (this.#removed.has(key)) continue;
      const put = this.#put.get(key);
      yield put === undefined ? entry : [key, put];
    }
    for (const entry of this.#put) {
      if (!this.#base.has(entry[0]) || this.#removed.has(entry[0])) yield entry;
    }
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  forEach(callback: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this);
  }
}
