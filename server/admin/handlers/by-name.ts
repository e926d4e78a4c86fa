/** In the order of their names without regard to case, as the official server lists what has names. */
export function byName<T>(named: Iterable<T>, nameOf: (item: T) => string): T[] {
  const keyed = Array.from(named, (item) => ({ item, key: nameOf(item).toLowerCase() }));
  return keyed.sort((one, other) => (one.key < other.key ? -1 : 1)).map(({ item }) => item);
}
