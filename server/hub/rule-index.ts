import { testWords, type FrameWords, type RuleTests } from "./rule-tests.ts";

/** Fewer rules are tried one by one. */
const leastIndexed = 8;
const none = -1;

/** Rules whose first test asks for one value of the same bits. */
interface Lookup {
  readonly field: number;
  readonly mask: number;
  count: number;
}

/**
 * Finds the first rule that fits a frame without trying each: where many rules test the same bits, one look finds those of the right
 * value, and the other rules are tried by one test each.
 */
export class RuleIndex {
  readonly #tests: RuleTests;
  /** Numbers of the rules in the order in which they are tried. */
  readonly #rules: readonly number[];
  readonly #lookups: readonly Lookup[] = [];
  /** Places of the first rule of each value in lookups, by their hash; its length is a power of two. */
  readonly #table: Int32Array | undefined;
  /** By the place of a rule, that of the next one of its value. */
  readonly #chain = new Int32Array(0);
  /** Places of those that are in no lookup, and the first test of each. */
  readonly #others = new Int32Array(0);
  readonly #firstTests = new Int32Array(0);

  /** @param rules numbers of rules, ascending */
  constructor(tests: RuleTests, rules: readonly number[]) {
    this.#tests = tests;
    this.#rules = rules;
    if (rules.length < leastIndexed) return;
    const lookups = new Map<number, Lookup>();
    for (const rule of rules) {
      const lookup = this.#lookupOf(rule, lookups, true);
      if (lookup !== undefined) lookup.count++;
    }
    const others = new Int32Array(rules.length);
    let otherCount = 0;
    this.#table = new Int32Array(2 << (32 - Math.clz32(rules.length))).fill(none);
    this.#chain = new Int32Array(rules.length);
    // From the last one on, so that the chains are in order.
    for (let place = rules.length - 1; place >= 0; place--) {
      const rule = rules[place] as number;
      const lookup = this.#lookupOf(rule, lookups, false);
      if (lookup === undefined || lookup.count < leastIndexed) {
        others[otherCount++] = place;
        continue;
      }
      const at = this.#tableAt(lookup, tests.tests[(tests.starts[rule] as number) + 2] as number);
      this.#chain[place] = this.#table[at] as number;
      this.#table[at] = place;
    }
    this.#lookups = [...lookups.values()].filter(({ count }) => count >= leastIndexed);
    this.#others = others.subarray(0, otherCount).reverse();
    this.#firstTests = new Int32Array(otherCount * testWords);
    for (let index = 0; index < otherCount; index++) {
      const rule = rules[this.#others[index] as number] as number;
      const [start, end] = [tests.starts[rule] as number, tests.starts[rule + 1] as number];
      // Without a test every frame passes, as it does with an empty mask.
      for (let word = 0; end > start && word < testWords; word++)
        this.#firstTests[index * testWords + word] = tests.tests[start + word] as number;
    }
  }

  /** Number of the first rule that fits, or -1. */
  find(frame: FrameWords): number {
    const rules = this.#rules;
    const table = this.#table;
    if (table === undefined) {
      for (const rule of rules) if (this.#tests.fits(rule, frame)) return rule;
      return none;
    }
    let best = rules.length;
    for (const lookup of this.#lookups) {
      const value = (frame.words[lookup.field] as number) & lookup.mask;
      let place = table[this.#tableAt(lookup, value)] as number;
      while (place !== none && place < best && !this.#tests.fits(rules[place] as number, frame))
        place = this.#chain[place] as number;
      if (place !== none && place < best) best = place;
    }
    return rules[this.#findOther(frame, best)] ?? none;
  }

  /** Where the table has the rules of a value, or would have them. */
  #tableAt({ field, mask }: Lookup, low: number): number {
    const table = this.#table as Int32Array;
    const { tests, starts } = this.#tests;
    let hash = Math.imul(low ^ Math.imul(mask ^ (field << 13), 0x9e3779b1), 0x85ebca77);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae3d);
    for (let at = (hash ^ (hash >>> 13)) & (table.length - 1); ; at = (at + 1) & (table.length - 1)) {
      const place = table[at] as number;
      if (place === none) return at;
      const test = starts[this.#rules[place] as number] as number;
      if (tests[test + 2] === low && tests[test + 1] === mask && tests[test] === field) return at;
    }
  }

  /** Place of the first rule that fits and is in no lookup, or `best` when there is none before that. */
  #findOther(frame: FrameWords, best: number): number {
    const { words } = frame;
    const tests = this.#firstTests;
    const others = this.#others;
    for (let at = 0; at < tests.length; at += testWords) {
      const word = (words[tests[at] as number] as number) & (tests[at + 1] as number);
      if ((word - (tests[at + 2] as number)) >>> 0 > (tests[at + 3] as number)) continue;
      const place = others[at / testWords] as number;
      if (place >= best) return best;
      if (this.#tests.fits(this.#rules[place] as number, frame)) return place;
    }
    return best;
  }

  /** The lookup that the first test of a rule belongs to; none where it asks for a range, or there is no test. */
  #lookupOf(rule: number, lookups: Map<number, Lookup>, mayMake: boolean): Lookup | undefined {
    const { tests, starts } = this.#tests;
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
}
