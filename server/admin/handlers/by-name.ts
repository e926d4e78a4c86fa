import { sortedInSteps } from "../../long-lists.ts";
import { mapped, type Steps } from "../../turns.ts";

/** In the order of their names without regard to case, as the official server lists what has names; in steps. */
export function* byName<T>(named: Iterable<T>, nameOf: (item: T) => string): Steps<T[]> {
  const keyed = yield* mapped(named, (item) => ({ item, key: nameOf(item).toLowerCase() }), namesPerStep);
  const sorted = yield* sortedInSteps(keyed, (one, other) =>
    one.key < other.key ? -1 : Number(one.key > other.key),
  );
  return yield* mapped(sorted, ({ item }) => item, namesPerStep);
}

/** That are taken or put in one step. */
const namesPerStep = 1_024;
