import { stepMeter, type Steps } from "../turns.ts";
import { RangeRow } from "./range-row.ts";
import { fieldCount, testWords, type FrameWords, type RuleTests } from "./rule-tests.ts";

/** Bits of a field that a column is about, and values that they can have. */
const digitBits = 4;
const digits = 1 << digitBits;
/** Words of a row that are tried together: the next one of each is at hand then. */
const wordsAtOnce = 4;
const cacheLineWords = 16;

/** Four bits of a field: for each value, a row of those rules that it does not rule out. */
interface DigitColumn {
  readonly field: number;
  readonly shift: number;
  /** Where the row of the value 0 begins; the others follow. */
  readonly rowsAt: number;
}

interface RangeColumn {
  readonly field: number;
  readonly mask: number;
  readonly row: RangeRow;
  /** Where the row of a frame's value is written. */
  readonly rowAt: number;
}

/**
 * Finds the first rule that fits in a time that no rules can make much longer: each rule is a bit, each four bits of a frame give a
 * row of the rules that they leave, and what is in all rows fits. So 32 rules are tried at a time, and only by what some of them ask for.
 * (T. V. Lakshman and D. Stiliadis, High-Speed Policy-based Packet Forwarding, 1998.)
 */
export class RuleMatrix {
  readonly #words: number;
  readonly #digits: readonly DigitColumn[];
  readonly #ranges: readonly RangeColumn[];
  readonly #rows: Int32Array;
  /** How many rules the rows of the digits have, in their order. */
  readonly #counts: Int32Array;
  /** Rows of the frame that is tried, those that leave fewest first, and how many each leaves. */
  readonly #tried: Int32Array;
  readonly #leaves: Int32Array;
  #triedCount = 0;
  readonly #size: number;

  private constructor(
    size: number,
    digitColumns: readonly DigitColumn[],
    rangeColumns: readonly RangeColumn[],
    rows: Int32Array,
    counts: Int32Array,
  ) {
    this.#size = size;
    this.#words = wordsOf(size);
    this.#digits = digitColumns;
    this.#ranges = rangeColumns;
    this.#rows = rows;
    this.#counts = counts;
    const columns = digitColumns.length + rangeColumns.length;
    this.#tried = new Int32Array(columns);
    this.#leaves = new Int32Array(columns);
  }

  /** @param rules their numbers, ascending */
  static *inSteps({ tests, starts }: RuleTests, rules: Int32Array): Steps<RuleMatrix> {
    const size = rules.length;
    const words = wordsOf(size);
    const masks = new Int32Array(fieldCount);
    const ranges = new Map<number, { readonly mask: number; readonly of: number[] }>();
    const looking = stepMeter();
    for (let place = 0; place < size; place++) {
      const rule = rules[place] as number;
      const end = starts[rule + 1] as number;
      for (let at = starts[rule] as number; at < end; at += testWords) {
        const [field, mask] = [tests[at] as number, tests[at + 1] as number];
        const [first, span] = [tests[at + 2] as number, tests[at + 3] as number];
        if (span === 0) masks[field] = (masks[field] as number) | mask;
        else {
          let column = ranges.get(field);
          if (column === undefined) ranges.set(field, (column = { mask, of: [] }));
          column.of.push(place, first, first + span);
        }
        if (looking(8)) yield;
      }
    }
    const columns = digitColumns(masks, words);
    const rangesAt = columns.length * digits * words;
    const rows = new Int32Array(rangesAt + ranges.size * words);
    const counts = new Int32Array(columns.length * digits).fill(size);
    const filling = stepMeter();
    for (const { rowsAt } of columns) {
      rows.fill(-1, rowsAt, rowsAt + digits * words);
      if (filling(words)) yield;
    }
    const byDigit = new Int32Array((fieldCount * 32) / digitBits).fill(-1);
    for (const [index, { field, shift }] of columns.entries()) byDigit[digitOf(field, shift)] = index;
    const clearing = stepMeter();
    for (let place = 0; place < size; place++) {
      const rule = rules[place] as number;
      const end = starts[rule + 1] as number;
      for (let at = starts[rule] as number; at < end; at += testWords) {
        if (tests[at + 3] !== 0) continue;
        const cleared = clear(rows, counts, words, place, byDigit, tests, at);
        if (clearing(cleared)) yield;
      }
    }
    const rangeColumns: RangeColumn[] = [];
    for (const [field, { mask, of }] of ranges) {
      const row = yield* RangeRow.inSteps(size, of);
      rangeColumns.push({ field, mask, row, rowAt: rangesAt + rangeColumns.length * words });
    }
    return new RuleMatrix(size, columns, rangeColumns, rows, counts);
  }

  /** Place of the first rule that fits among those before `end`; -1 when there is none. */
  find({ words }: FrameWords, end: number): number {
    this.#triedCount = 0;
    for (let column = 0; column < this.#digits.length; column++) {
      const { field, shift, rowsAt } = this.#digits[column] as DigitColumn;
      const digit = ((words[field] as number) >>> shift) & (digits - 1);
      const left = this.#counts[column * digits + digit] as number;
      if (left === 0) return -1;
      if (left < this.#size) this.#try(rowsAt + digit * this.#words, left);
    }
    for (const { field, mask, row, rowAt } of this.#ranges) {
      const left = row.write((words[field] as number) & mask, this.#rows, rowAt);
      if (left === 0) return -1;
      if (left < this.#size) this.#try(rowAt, left);
    }
    return this.#findInRows(Math.min(end, this.#size));
  }

  /** Enters a row where it belongs: those come first that leave fewest. */
  #try(rowAt: number, left: number): void {
    const [tried, leaves] = [this.#tried, this.#leaves];
    let to = this.#triedCount++;
    for (; to > 0 && (leaves[to - 1] as number) > left; to--) {
      tried[to] = tried[to - 1] as number;
      leaves[to] = leaves[to - 1] as number;
    }
    tried[to] = rowAt;
    leaves[to] = left;
  }

  #findInRows(end: number): number {
    const [rows, tried, count] = [this.#rows, this.#tried, this.#triedCount];
    for (let word = 0; word * 32 < end; word += wordsAtOnce) {
      let [one, two, three, four] = [-1, -1, -1, -1];
      for (let index = 0; index < count && (one | two | three | four) !== 0; index++) {
        const at = (tried[index] as number) + word;
        one &= rows[at] as number;
        two &= rows[at + 1] as number;
        three &= rows[at + 2] as number;
        four &= rows[at + 3] as number;
      }
      if ((one | two | three | four) === 0) continue;
      let place = word * 32;
      let left = one;
      for (const next of [two, three, four]) {
        if (left !== 0) break;
        left = next;
        place += 32;
      }
      place += 31 - Math.clz32(left & -left);
      return place < end ? place : -1;
    }
    return -1;
  }
}

/**
 * Of a row: those of its rules, and a line of the processor's cache more. Rows of 4 KiB would begin at the same place of the cache and
 * push each other out.
 */
function wordsOf(rules: number): number {
  return Math.ceil(rules / 32 / cacheLineWords) * cacheLineWords + cacheLineWords;
}

/** The four bits of all fields have numbers. */
function digitOf(field: number, shift: number): number {
  return (field * 32 + shift) / digitBits;
}

/** One for each four bits that a rule asks for. */
function digitColumns(masks: Int32Array, words: number): DigitColumn[] {
  const columns: DigitColumn[] = [];
  for (let field = 0; field < fieldCount; field++) {
    for (let shift = 0; shift < 32; shift += digitBits) {
      if ((((masks[field] as number) >>> shift) & (digits - 1)) === 0) continue;
      columns.push({ field, shift, rowsAt: columns.length * digits * words });
    }
  }
  return columns;
}

/** Takes a rule out of the rows of values that fail a test; gives how many there were to look at. */
function clear(
  rows: Int32Array,
  counts: Int32Array,
  words: number,
  place: number,
  byDigit: Int32Array,
  tests: Int32Array,
  at: number,
): number {
  const [field, mask, low] = [tests[at] as number, tests[at + 1] as number, tests[at + 2] as number];
  const bit = 1 << (place & 31);
  let looks = 0;
  for (let shift = 0; shift < 32; shift += digitBits) {
    const [asked, wanted] = [(mask >>> shift) & (digits - 1), (low >>> shift) & (digits - 1)];
    if (asked === 0) continue;
    const column = byDigit[digitOf(field, shift)] as number;
    looks += digits;
    for (let digit = 0; digit < digits; digit++) {
      if ((digit & asked) === wanted) continue;
      const row = column * digits + digit;
      const word = row * words + (place >>> 5);
      rows[word] = (rows[word] as number) & ~bit;
      counts[row] = (counts[row] as number) - 1;
    }
  }
  return looks;
}
