import { stepMeter, type Steps } from "./turns.ts";

/** Values that are sorted at once, and units of work that a comparison of two is. */
const valuesPerRun = 256;
const unitsPerComparison = 16;

/** Tells which of two comes first by a number below zero, above zero, or zero where they stay as they came. */
export type Comparison<T> = (one: T, other: T) => number;

/** The values in order, as `Array.prototype.toSorted` has them; in steps, since it sorts tens of thousands in one go. */
export function* sortedInSteps<T>(values: Iterable<T>, compare: Comparison<T>): Steps<T[]> {
  let sorted = [...values];
  const { length } = sorted;
  if (length <= valuesPerRun) return sorted.sort(compare);
  const sorting = stepMeter();
  for (let start = 0; start < length; start += valuesPerRun) {
    const run = sorted.slice(start, start + valuesPerRun).sort(compare);
    for (let index = 0; index < run.length; index++) sorted[start + index] = run[index] as T;
    if (sorting(run.length * Math.log2(valuesPerRun) * unitsPerComparison)) yield;
  }
  let merged = [...sorted];
  for (let width = valuesPerRun; width < length; width *= 2) {
    for (let start = 0; start < length; start += 2 * width) {
      const [middle, end] = [Math.min(start + width, length), Math.min(start + 2 * width, length)];
      yield* merge(sorted, merged, { start, middle, end }, compare, sorting);
    }
    [sorted, merged] = [merged, sorted];
  }
  return sorted;
}

/** Two neighbours, each of which is in order: from `start` to `middle`, and from there to `end`. */
interface Neighbours {
  readonly start: number;
  readonly middle: number;
  readonly end: number;
}

function* merge<T>(
  from: readonly T[],
  to: T[],
  { start, middle, end }: Neighbours,
  compare: Comparison<T>,
  merging: ReturnType<typeof stepMeter>,
): Steps<void> {
  let [left, right] = [start, middle];
  // Most lists are in order already: then one look tells.
  const isInOrder = middle === end || compare(from[middle - 1] as T, from[middle] as T) <= 0;
  for (let at = start; at < end; at++) {
    const takesLeft =
      isInOrder || right === end
        ? left < middle
        : left < middle && compare(from[left] as T, from[right] as T) <= 0;
    to[at] = from[takesLeft ? left++ : right++] as T;
    if (merging(unitsPerComparison)) yield;
  }
}
