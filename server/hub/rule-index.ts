import { stepMeter, type Steps } from "../turns.ts";
import type { DecisionCache } from "./decision-cache.ts";
import { RuleMatrix } from "./rule-matrix.ts";
import { fieldCount, testWords, type FrameWords, type RuleTests } from "./rule-tests.ts";

/** So few rules are tried one by one. */
const mostTriedInTurn = 32;
/** Lookups at most, and rules that one has at least: else the matrix tries them in less time. */
const mostLookups = 8;
const leastLookedUp = 64;
/** Rules of one value; where there are more, they are no sooner found by it. */
const mostOfValue = 64;
/** Slots of the table that are looked at for a value; one that finds no place among them is not looked up. */
const mostProbes = 32;
const none = -1;
/** Of work, for what is done for a rule. */
const unitsPerRule = 256;

/** Rules whose first test asks for one value of the same bits. */
interface Lookup {
  readonly field: number;
  readonly mask: number;
  count: number;
}

/**
 * Finds the first rule that fits a frame without trying each: where many rules test the same bits, one look finds the few of the right
 * value. All others are columns of a {@link RuleMatrix}, if there are more than a few, and what that finds is kept for the flow.
 */
export class RuleIndex {
  readonly #tests: RuleTests;
  /** Numbers of the rules in the order in which they are tried. */
  readonly #rules: Int32Array;
  readonly #lookups: readonly Lookup[];
  readonly #values: RulesOfValues;
  /** Places of those that are in no lookup. */
  readonly #others: Int32Array;
  readonly #matrix: RuleMatrix | undefined;
  readonly #cache: DecisionCache;
  readonly #number: number;
  /** Bits of a frame that any rule asks for. */
  readonly #masks: Int32Array;

  private constructor(
    tests: RuleTests,
    rules: Int32Array,
    made: Sorted & { readonly matrix: RuleMatrix | undefined; readonly masks: Int32Array },
    { cache, number }: RuleIndexOptions,
  ) {
    this.#tests = tests;
    this.#rules = rules;
    this.#lookups = made.lookups;
    this.#values = made.values;
    this.#others = made.others;
    this.#matrix = made.matrix;
    this.#masks = made.masks;
    this.#cache = cache;
    this.#number = number;
  }

  /** @param rules numbers of rules, ascending */
  static *inSteps(tests: RuleTests, rules: Int32Array, options: RuleIndexOptions): Steps<RuleIndex> {
    const sorted = yield* sortOut(tests, rules);
    const hasMatrix = sorted.others.length > mostTriedInTurn;
    const matrix = hasMatrix
      ? yield* RuleMatrix.inSteps(
          tests,
          sorted.others.map((place) => rules[place] as number),
        )
      : undefined;
    const masks = hasMatrix ? yield* masksOf(tests, rules) : new Int32Array(0);
    return new RuleIndex(tests, rules, { ...sorted, matrix, masks }, options);
  }

  /** Number of the first rule that fits, or -1. */
  find(frame: FrameWords): number {
    if (this.#matrix === undefined) return this.#find(frame);
    const kept = this.#cache.find(this.#number, frame, this.#masks);
    if (kept !== undefined) return kept;
    const found = this.#find(frame);
    this.#cache.keep(this.#number, frame, this.#masks, found);
    return found;
  }

  #find(frame: FrameWords): number {
    const rules = this.#rules;
    let best = rules.length;
    for (const { field, mask } of this.#lookups) {
      const value = (frame.words[field] as number) & mask;
      let place = this.#values.first(field, mask, value);
      while (place !== none && place < best && !this.#tests.fits(rules[place] as number, frame))
        place = this.#values.next(place);
      if (place !== none && place < best) best = place;
    }
    const other = this.#matrix === undefined ? this.#tryInTurn(frame, best) : this.#ofMatrix(frame, best);
    return rules[other] ?? none;
  }

  #ofMatrix(frame: FrameWords, best: number): number {
    const found = this.#matrix?.find(frame, countBelow(this.#others, best)) ?? none;
    return this.#others[found] ?? best;
  }

  #tryInTurn(frame: FrameWords, best: number): number {
    for (const place of this.#others) {
      if (place >= best) return best;
      if (this.#tests.fits(this.#rules[place] as number, frame)) return place;
    }
    return best;
  }
}

/** How many of ascending numbers are below one. */
function countBelow(numbers: Int32Array, limit: number): number {
  let [from, to] = [0, numbers.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((numbers[middle] as number) < limit) from = middle + 1;
    else to = middle;
  }
  return from;
}

export interface RuleIndexOptions {
  readonly cache: DecisionCache;
  /** Above 0; of no other index with that cache. */
  readonly number: number;
}

interface Sorted {
  readonly lookups: readonly Lookup[];
  readonly values: RulesOfValues;
  readonly others: Int32Array;
}

/** Which rules are looked up, by what, and which are not. */
function* sortOut(tests: RuleTests, rules: Int32Array): Steps<Sorted> {
  const values = new RulesOfValues(tests, rules);
  const all = new Map<number, Lookup>();
  const counting = stepMeter();
  for (let place = 0; place < rules.length && rules.length > mostTriedInTurn; place++) {
    const rule = rules[place] as number;
    const lookup = lookupOf(tests, rule, all, true);
    if (lookup !== undefined) {
      lookup.count++;
      values.count(place);
    }
    if (counting(unitsPerRule)) yield;
  }
  const most = [...all.values()]
    .filter(({ count }) => count >= leastLookedUp)
    .sort((one, other) => other.count - one.count)
    .slice(0, mostLookups);
  const lookups = new Set(most);
  yield;
  const others = new Int32Array(rules.length);
  let otherCount = 0;
  const entering = stepMeter();
  // From the last one on, so that those of a value are in order.
  for (let place = rules.length - 1; place >= 0; place--) {
    const lookup = lookupOf(tests, rules[place] as number, all, false);
    if (lookup !== undefined && lookups.has(lookup) && values.countOf(place) <= mostOfValue)
      values.enter(place);
    else others[otherCount++] = place;
    if (entering(unitsPerRule)) yield;
  }
  return { lookups: most, values, others: others.slice(0, otherCount).reverse() };
}

/** The lookup that the first test of a rule belongs to; none where it asks for a range, or there is no test. */
function lookupOf(
  { tests, starts }: RuleTests,
  rule: number,
  lookups: Map<number, Lookup>,
  mayMake: boolean,
): Lookup | undefined {
  const start = starts[rule] as number;
  if (start === starts[rule + 1] || tests[start + 3] !== 0) return undefined;
  const [field, mask] = [tests[start] as number, tests[start + 1] as number];
  // A small number, which is quicker; bits that share one are looked up by the first of them alone.
  const key = Math.imul(mask ^ (field << 13), 0x9e3779b1) >>> 2;
  let lookup = lookups.get(key);
  if (lookup === undefined && mayMake) {
    lookup = { field, mask, count: 0 };
    lookups.set(key, lookup);
  }
  return lookup?.field === field && lookup.mask === mask ? lookup : undefined;
}

function* masksOf({ tests, starts }: RuleTests, rules: Int32Array): Steps<Int32Array> {
  const masks = new Int32Array(fieldCount);
  const looking = stepMeter();
  for (const rule of rules) {
    const end = starts[rule + 1] as number;
    for (let at = starts[rule] as number; at < end; at += testWords) {
      const field = tests[at] as number;
      masks[field] = (masks[field] as number) | (tests[at + 1] as number);
    }
    if (looking(unitsPerRule)) yield;
  }
  return masks;
}

/** Rules by what their first test asks for, in the order in which they are tried; by their places. */
class RulesOfValues {
  readonly #tests: RuleTests;
  readonly #rules: Int32Array;
  /** Places of a rule of each value, by their hash; its length is a power of two, and at most a half is taken. */
  readonly #table: Int32Array;
  readonly #counts: Int32Array;
  /** By their slot in the table, the first rule that was entered; by the place of a rule, the next one of its value. */
  readonly #firsts: Int32Array;
  readonly #chain: Int32Array;

  constructor(tests: RuleTests, rules: Int32Array) {
    this.#tests = tests;
    this.#rules = rules;
    const slots = 2 << (32 - Math.clz32(rules.length));
    this.#table = new Int32Array(slots).fill(none);
    this.#counts = new Int32Array(slots);
    this.#firsts = new Int32Array(slots).fill(none);
    this.#chain = new Int32Array(rules.length);
  }

  /** Counts a rule among those of its value, before any is entered. */
  count(place: number): void {
    const slot = this.#slotOfRule(place);
    if (slot === none) return;
    if (this.#table[slot] === none) this.#table[slot] = place;
    this.#counts[slot] = (this.#counts[slot] as number) + 1;
  }

  /** Without end for a value that cannot be looked up. */
  countOf(place: number): number {
    return this.#counts[this.#slotOfRule(place)] ?? Infinity;
  }

  /** Enters a rule that was counted before those of its value that were entered already. */
  enter(place: number): void {
    const slot = this.#slotOfRule(place);
    this.#chain[place] = this.#firsts[slot] as number;
    this.#firsts[slot] = place;
  }

  /** The first rule of a value, or -1. */
  first(field: number, mask: number, value: number): number {
    return this.#firsts[this.#slot(field, mask, value)] ?? none;
  }

  next(place: number): number {
    return this.#chain[place] as number;
  }

  #slotOfRule(place: number): number {
    const { tests, starts } = this.#tests;
    const at = starts[this.#rules[place] as number] as number;
    return this.#slot(tests[at] as number, tests[at + 1] as number, tests[at + 2] as number);
  }

  /** Where the table has the rules of a value, or would have them; -1 where others have taken all such places. */
  #slot(field: number, mask: number, low: number): number {
    const table = this.#table;
    const { tests, starts } = this.#tests;
    let hash = Math.imul(low ^ Math.imul(mask ^ (field << 13), 0x9e3779b1), 0x85ebca77);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae3d);
    hash ^= hash >>> 13;
    for (let probe = 0; probe < mostProbes; probe++) {
      const slot = (hash + probe) & (table.length - 1);
      const place = table[slot] as number;
      if (place === none) return slot;
      const test = starts[this.#rules[place] as number] as number;
      if (tests[test + 2] === low && tests[test + 1] === mask && tests[test] === field) return slot;
    }
    return none;
  }
}
