import type { Frame } from "../ethernet/frame.ts";
import { byPriority, isUserList, namesUserList, type AccessRule } from "../settings/access-rule.ts";
import { hubLimits } from "../limits.ts";
import { RuleIndex } from "./rule-index.ts";
import { DecisionCache } from "./decision-cache.ts";
import { FrameWords, RuleTests } from "./rule-tests.ts";
import { sortedInSteps } from "../long-lists.ts";
import { atOnce, stepMeter, type Steps } from "../turns.ts";

/** Who sends or gets a frame, as rules name users and groups. */
export interface AccessParty {
  /** Name of the user, in lower case. */
  readonly userKey: string;
  /** Name of the user's group, in lower case. */
  readonly groupKey: string | undefined;
}

const none = -1;
/** Of work, to read the names of a rule, and to make an index for the rules of one name. */
const [unitsPerRule, unitsPerIndex] = [256, 2_048];

/** Rules by the receiver and then the sender that they name; undefined where they name none. */
type RulesByParty = ReadonlyMap<string | undefined, ReadonlyMap<string | undefined, RuleIndex>>;

/**
 * The active rules of a hub's access list, ready to be tried (`Cedar/Hub.c` IsPacketMaskedByAccessList).
 *
 * The rules up to the first one that names a receiver's user are tried when a frame comes in. Where none of them fits, those
 * from there on are tried: once for all receivers, and once more for each name of a receiver that they have.
 */
export class AccessList {
  /** Whether rules of IPv4 hold for ARP too. */
  readonly applyToArp: boolean;
  /** Active rules that name users by a file, as many as the log tells of. */
  readonly namingUserLists: readonly AccessRule[];
  /** Active ones, in the order in which they are tried. */
  readonly #rules: readonly AccessRule[];
  readonly #onEntry: RulesByParty;
  readonly #onDelivery: RulesByParty;
  readonly #frame = new FrameWords();

  private constructor(
    rules: readonly AccessRule[],
    onEntry: RulesByParty,
    onDelivery: RulesByParty,
    { applyToArp, namingUserLists }: Pick<AccessList, "applyToArp" | "namingUserLists">,
  ) {
    this.namingUserLists = namingUserLists;
    this.#rules = rules;
    this.#onEntry = onEntry;
    this.#onDelivery = onDelivery;
    this.applyToArp = applyToArp;
  }

  static of(rules: readonly AccessRule[], options: { readonly applyToArp: boolean }): AccessList {
    return atOnce(AccessList.inSteps(rules, options));
  }

  /** Makes rules ready in steps, since they may be tens of thousands. */
  static *inSteps(
    all: readonly AccessRule[],
    { applyToArp }: { readonly applyToArp: boolean },
  ): Steps<AccessList> {
    const active = all.filter((rule) => rule.active);
    yield;
    const rules = yield* sortedInSteps(active, byPriority);
    const tests = yield* RuleTests.inSteps(rules);
    const cache = new DecisionCache();
    const firstOnDelivery = rules.findIndex((rule) => keyOf(rule, rule.destination.user) !== undefined);
    const split = firstOnDelivery === none ? rules.length : firstOnDelivery;
    const onEntry = yield* byParty(rules, tests, cache, 0, split);
    const onDelivery = yield* byParty(rules, tests, cache, split, rules.length);
    const namingUserLists = yield* firstNamingUserLists(rules);
    return new AccessList(rules, onEntry, onDelivery, { applyToArp, namingUserLists });
  }

  get isEmpty(): boolean {
    return this.#onEntry.size === 0 && this.#onDelivery.size === 0;
  }

  /** Whether there are rules to be tried for receivers. */
  get dependsOnReceiver(): boolean {
    return this.#onDelivery.size > 0;
  }

  /** The rule that decides when a frame comes in, if one fits. */
  findOnEntry(frame: Frame, sender: AccessParty): AccessRule | undefined {
    if (this.#onEntry.size === 0 || this.#isUntouched(frame)) return undefined;
    this.#frame.read(frame);
    return this.#rules[this.#find(this.#onEntry, sender, undefined)];
  }

  /**
   * Tells whether a frame that no rule decided when it came in may go to a receiver. What it answers holds for that frame, and is found
   * out once for each name, however many receivers there are.
   */
  forReceivers(frame: Frame, sender: AccessParty): (receiver: AccessParty) => boolean {
    if (this.#onDelivery.size === 0 || this.#isUntouched(frame)) return () => true;
    this.#frame.read(frame);
    const found = new Map<string | undefined, number>();
    const findFor = (key: string | undefined) => {
      if (!this.#onDelivery.has(key)) return none;
      let rule = found.get(key);
      if (rule === undefined) found.set(key, (rule = this.#find(this.#onDelivery, sender, key)));
      return rule;
    };
    const forAll = findFor(undefined);
    return ({ userKey, groupKey }) => {
      const forGroup = groupKey === undefined ? none : findFor(groupKey);
      const first = this.#rules[firstOf(firstOf(forAll, findFor(userKey)), forGroup)];
      return first === undefined || first.action === "pass";
    };
  }

  #isUntouched(frame: Frame): boolean {
    return frame.network === "arp" && !this.applyToArp;
  }

  /** Number of the first rule that fits, of those that name a receiver, or of those that name none; or -1. */
  #find(rules: RulesByParty, { userKey, groupKey }: AccessParty, receiver: string | undefined): number {
    const bySender = rules.get(receiver);
    if (bySender === undefined) return none;
    const findOf = (key: string | undefined) => bySender.get(key)?.find(this.#frame) ?? none;
    const first = firstOf(findOf(undefined), findOf(userKey));
    return groupKey === undefined || groupKey === userKey ? first : firstOf(first, findOf(groupKey));
  }
}

/** The one that is tried first. */
function firstOf(one: number, other: number): number {
  if (one === none || other === none) return Math.max(one, other);
  return Math.min(one, other);
}

function* firstNamingUserLists(rules: readonly AccessRule[]): Steps<AccessRule[]> {
  const found: AccessRule[] = [];
  const looking = stepMeter();
  for (const rule of rules) {
    if (found.length === hubLimits.toldRules) break;
    if (namesUserList(rule)) found.push(rule);
    if (looking(unitsPerRule)) yield;
  }
  return found;
}

/** Puts the rules from `start` to `end` together by whom they name. */
function* byParty(
  rules: readonly AccessRule[],
  tests: RuleTests,
  cache: DecisionCache,
  start: number,
  end: number,
): Steps<RulesByParty> {
  const grouped = new Map<string | undefined, Map<string | undefined, number[]>>();
  const grouping = stepMeter();
  for (let index = start; index < end; index++) {
    if (grouping(unitsPerRule)) yield;
    const rule = rules[index] as AccessRule;
    const receiver = keyOf(rule, rule.destination.user);
    const sender = keyOf(rule, rule.source.user);
    let bySender = grouped.get(receiver);
    if (bySender === undefined) grouped.set(receiver, (bySender = new Map<string | undefined, number[]>()));
    const those = bySender.get(sender);
    if (those === undefined) bySender.set(sender, [index]);
    else those.push(index);
  }
  const indexed = new Map<string | undefined, Map<string | undefined, RuleIndex>>();
  const indexing = stepMeter();
  for (const [receiver, bySender] of grouped) {
    const ofReceiver = new Map<string | undefined, RuleIndex>();
    indexed.set(receiver, ofReceiver);
    for (const [sender, those] of bySender) {
      if (indexing(unitsPerIndex)) yield;
      // No other has the same first rule.
      const number = (those[0] ?? 0) + 1;
      ofReceiver.set(sender, yield* RuleIndex.inSteps(tests, Int32Array.from(those), { cache, number }));
    }
  }
  return indexed;
}

/** How a rule names a user; undefined for everybody. */
function keyOf({ action }: AccessRule, user: string | undefined): string | undefined {
  if (user === undefined) return undefined;
  return action === "discard" && isUserList(user) ? undefined : user.toLowerCase();
}
