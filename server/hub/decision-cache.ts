import { hubLimits } from "../limits.ts";
import { fieldCount, type FrameWords } from "./rule-tests.ts";

/** A power of two. */
const entries = hubLimits.keptDecisions;
/** Of an entry: whose decision it is, what was asked for, and the answer. */
const entryWords = fieldCount + 2;

/**
 * What was found for the frames of flows that go on, so that each is looked for once. Its size is that of one access list, however
 * many users that tells apart; who makes up flows only finds none.
 */
export class DecisionCache {
  readonly #entries = new Int32Array(entries * entryWords);
  #at = 0;

  /**
   * The answer for a frame of which only the bits of `masks` count; undefined when it is not there, and {@link keep} may bring it.
   *
   * @param owner a number of its own, above 0, of whoever asks
   */
  find(owner: number, { words }: FrameWords, masks: Int32Array): number | undefined {
    let hash = owner;
    for (let field = 0; field < fieldCount; field++) {
      hash = Math.imul(hash ^ ((words[field] as number) & (masks[field] as number)), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    const kept = this.#entries;
    const at = (this.#at = (hash & (entries - 1)) * entryWords);
    let isSame = kept[at] === owner;
    for (let field = 0; field < fieldCount && isSame; field++)
      isSame = kept[at + 1 + field] === ((words[field] as number) & (masks[field] as number));
    return isSame ? kept[at + entryWords - 1] : undefined;
  }

  /** Keeps the answer for what was asked for last. */
  keep(owner: number, { words }: FrameWords, masks: Int32Array, answer: number): void {
    const [kept, at] = [this.#entries, this.#at];
    kept[at] = owner;
    for (let field = 0; field < fieldCount; field++)
      kept[at + 1 + field] = (words[field] as number) & (masks[field] as number);
    kept[at + entryWords - 1] = answer;
  }
}
