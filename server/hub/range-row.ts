import { stepMeter, type Steps } from "../turns.ts";

/** Values of a field that ranges are of: those of a port. */
const values = 0x1_0000;
/** Changes from one stored row to the next. */
const changesPerRow = 256;
export const rangeNumbers = 3;
/** Of work, to put the ends of a range where they belong. */
const unitsPerRange = 64;

/**
 * For each value of a field, which rules have it within their range, as a row of bits. So many rows would be too much: some are stored,
 * and the one of a value is made of the last stored one and the changes from there on, of which there are few.
 */
export class RangeRow {
  readonly #words: number;
  /** Stored rows, one behind the other, and how many rules each has. */
  readonly #rows: Int32Array;
  readonly #counts: Int32Array;
  /** Places of rules that change, in the order of the values from which on they do. */
  readonly #changes: Int32Array;
  readonly #changeValues: Uint16Array;

  private constructor(words: number, rows: Int32Array, counts: Int32Array, sorted: SortedChanges) {
    this.#words = words;
    this.#rows = rows;
    this.#counts = counts;
    this.#changes = sorted.places;
    this.#changeValues = sorted.values;
  }

  /**
   * @param count of all rules; those without a range have every value
   * @param ranges {@link rangeNumbers} for each: the place of a rule, which has one at most, and what it asks for, both ends included
   */
  static *inSteps(count: number, ranges: readonly number[]): Steps<RangeRow> {
    const words = Math.ceil(count / 32);
    const sorted = yield* sortChanges(ranges);
    const row = new Int32Array(words).fill(-1);
    let having = count;
    for (let at = 0; at < ranges.length; at += rangeNumbers)
      if (ranges[at + 1] !== 0) having += flip(row, 0, ranges[at] as number);
    yield;
    const stored = Math.floor(sorted.places.length / changesPerRow) + 1;
    const rows = new Int32Array(stored * words);
    const counts = new Int32Array(stored);
    const storing = stepMeter();
    for (let index = 0; index < stored; index++) {
      rows.set(row, index * words);
      counts[index] = having;
      const next = (index + 1) * changesPerRow;
      for (const place of sorted.places.subarray(next - changesPerRow, next)) having += flip(row, 0, place);
      if (storing(words + changesPerRow)) yield;
    }
    return new RangeRow(words, rows, counts, sorted);
  }

  /** Writes the row of a value; gives how many rules it has. */
  write(value: number, to: Int32Array, at: number): number {
    const end = this.#firstAbove(value);
    const stored = Math.floor(end / changesPerRow);
    const from = stored * this.#words;
    for (let word = 0; word < this.#words; word++) to[at + word] = this.#rows[from + word] as number;
    let having = this.#counts[stored] as number;
    for (let index = stored * changesPerRow; index < end; index++)
      having += flip(to, at, this.#changes[index] as number);
    return having;
  }

  /** How many changes there are up to a value. */
  #firstAbove(value: number): number {
    let [from, to] = [0, this.#changes.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#changeValues[middle] as number) <= value) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

interface SortedChanges {
  readonly places: Int32Array;
  readonly values: Uint16Array;
}

/** By their values, counted: there are no more values than that. */
function* sortChanges(ranges: readonly number[]): Steps<SortedChanges> {
  const ends = new Int32Array(values + 2);
  const each = (at: number, take: (value: number, place: number) => void) => {
    const [place, first, last] = [ranges[at] as number, ranges[at + 1] as number, ranges[at + 2] as number];
    if (first > 0) take(first, place);
    if (last + 1 < values) take(last + 1, place);
  };
  const counting = stepMeter();
  for (let at = 0; at < ranges.length; at += rangeNumbers) {
    each(at, (value) => (ends[value + 1] = (ends[value + 1] as number) + 1));
    if (counting(unitsPerRange)) yield;
  }
  for (let value = 1; value < ends.length; value++)
    ends[value] = (ends[value] as number) + (ends[value - 1] as number);
  yield;
  const total = ends.at(-1) as number;
  const sorted = { places: new Int32Array(total), values: new Uint16Array(total) };
  const putting = stepMeter();
  for (let at = 0; at < ranges.length; at += rangeNumbers) {
    each(at, (value, place) => {
      const to = ends[value] as number;
      ends[value] = to + 1;
      sorted.places[to] = place;
      sorted.values[to] = value;
    });
    if (putting(unitsPerRange)) yield;
  }
  return sorted;
}

/** Changes the bit of a rule; gives by how much their number grows. */
function flip(row: Int32Array, at: number, place: number): 1 | -1 {
  const word = at + (place >>> 5);
  const bit = 1 << (place & 31);
  const changed = (row[word] as number) ^ bit;
  row[word] = changed;
  return (changed & bit) === 0 ? -1 : 1;
}
