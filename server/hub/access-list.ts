import type { Frame } from "../ethernet/frame.ts";
import { isUserList, type AccessRule } from "../settings/access-rule.ts";
import { RuleIndex } from "./rule-index.ts";
import { FrameWords, RuleTests } from "./rule-tests.ts";

/** Who sends or gets a frame, as rules name users and groups. */
export interface AccessParty {
  /** Name of the user, in lower case. */
  readonly userKey: string;
  /** Name of the user's group, in lower case. */
  readonly groupKey: string | undefined;
}

const none = -1;

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
  /** Active ones, in the order in which they are tried. */
  readonly #rules: readonly AccessRule[];
  readonly #onEntry: RulesByParty;
  readonly #onDelivery: RulesByParty;
  readonly #frame = new FrameWords();

  constructor(rules: readonly AccessRule[], { applyToArp }: { readonly applyToArp: boolean }) {
    this.#rules = rules.filter(({ active }) => active).sort((a, b) => a.priority - b.priority);
    const tests = new RuleTests(this.#rules);
    const firstOnDelivery = this.#rules.findIndex((rule) => keyOf(rule, rule.destination.user) !== undefined);
    const split = firstOnDelivery === none ? this.#rules.length : firstOnDelivery;
    this.#onEntry = byParty(this.#rules, tests, 0, split);
    this.#onDelivery = byParty(this.#rules, tests, split, this.#rules.length);
    this.applyToArp = applyToArp;
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

/** Puts the rules from `start` to `end` together by whom they name. */
function byParty(rules: readonly AccessRule[], tests: RuleTests, start: number, end: number): RulesByParty {
  const grouped = new Map<string | undefined, Map<string | undefined, number[]>>();
  for (let index = start; index < end; index++) {
    const rule = rules[index] as AccessRule;
    const receiver = keyOf(rule, rule.destination.user);
    const sender = keyOf(rule, rule.source.user);
    let bySender = grouped.get(receiver);
    if (bySender === undefined) grouped.set(receiver, (bySender = new Map<string | undefined, number[]>()));
    const those = bySender.get(sender);
    if (those === undefined) bySender.set(sender, [index]);
    else those.push(index);
  }
  const indexed = (bySender: ReadonlyMap<string | undefined, readonly number[]>) =>
    new Map([...bySender].map(([key, those]) => [key, new RuleIndex(tests, those)]));
  return new Map([...grouped].map(([key, bySender]) => [key, indexed(bySender)]));
}

/** How a rule names a user; undefined for everybody. */
function keyOf({ action }: AccessRule, user: string | undefined): string | undefined {
  if (user === undefined) return undefined;
  return action === "discard" && isUserList(user) ? undefined : user.toLowerCase();
}
