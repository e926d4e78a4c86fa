import { Coverage } from "./coverage.ts";
import { Chance, mutate } from "./mutate.ts";

/** One decoder, or several that meet the same bytes. */
export interface FuzzTarget {
  readonly about: string;
  /** Inputs that are as they should be, to begin with. */
  readonly seeds: () => readonly Buffer[];
  /**
   * Takes an input. What the decoder may throw for malformed bytes is caught here.
   *
   * @throws for a fault
   */
  readonly run: (input: Buffer) => void;
  /** @default 2048 */
  readonly mostBytes?: number;
}

export interface FuzzOptions {
  readonly seed: number;
  /** Inputs of former runs, regressions among them. */
  readonly corpus: readonly Buffer[];
  /** Ends after so many inputs, which makes a run the same each time, */
  readonly runs?: number;
  /** or after so much time. */
  readonly seconds?: number;
  /** Part of the paths of the files whose places count. @default "/server/" */
  readonly sources?: string;
  /** Called with each input that comes to places where none came before. */
  readonly onNew?: (input: Buffer) => void;
}

export interface FuzzResult {
  readonly runs: number;
  /** Inputs in the corpus at the end. */
  readonly kept: number;
  readonly places: number;
  /** The first input that met a fault. */
  readonly fault?: { readonly input: Buffer; readonly error: unknown };
}

/** Coverage is looked at after so many inputs, since a look takes as long as many of them; after more while nothing new comes. */
const batch = { least: 64, most: 1_024 } as const;
/** No input may take longer, for the whole server waits meanwhile. */
const slowMs = 250;
const defaultMostBytes = 2_048;

/** Runs a target on mutations of its corpus, and keeps those inputs that come to new places. */
export function fuzz(target: FuzzTarget, options: FuzzOptions): FuzzResult {
  const chance = new Chance(options.seed);
  const { mostBytes = defaultMostBytes } = target;
  const mostRuns = options.runs ?? Infinity;
  const until = performance.now() + (options.seconds ?? Infinity) * 1000;
  const corpus = [...target.seeds(), ...options.corpus];
  if (corpus.length === 0) corpus.push(Buffer.alloc(0));
  let runs = 0;
  const coverage = new Coverage(options.sources ?? "/server/");
  const result = (fault?: FuzzResult["fault"]): FuzzResult => ({
    ...{ runs, kept: corpus.length, places: coverage.places },
    ...(fault !== undefined && { fault }),
  });
  try {
    for (const input of corpus) {
      const error = faultOf(target, input);
      runs++;
      if (error !== undefined) return result({ input, error });
    }
    coverage.lookForNew();
    let size: number = batch.least;
    while (runs < mostRuns && performance.now() < until) {
      const inputs = Array.from({ length: Math.min(size, mostRuns - runs) }, () =>
        mutate(chance.pick(corpus), corpus, chance, mostBytes),
      );
      for (const input of inputs) {
        const error = faultOf(target, input);
        runs++;
        if (error !== undefined) return result({ input, error });
      }
      const reached = coverage.lookForNew();
      size = reached.size > 0 ? batch.least : Math.min(2 * size, batch.most);
      for (const input of thoseThatReach(reached, inputs, target, coverage)) {
        corpus.push(input);
        options.onNew?.(input);
      }
    }
    return result();
  } finally {
    coverage.close();
  }
}

/** Finds those of a batch by which the places were reached: of each half that reaches some, the halves. */
function thoseThatReach(
  places: ReadonlySet<string>,
  inputs: readonly Buffer[],
  target: FuzzTarget,
  coverage: Coverage,
): Buffer[] {
  if (places.size === 0) return [];
  for (const input of inputs) faultOf(target, input);
  const ran = coverage.look();
  const reached = new Set([...places].filter((place) => ran.has(place)));
  if (reached.size === 0 || inputs.length === 1) return reached.size === 0 ? [] : [...inputs];
  const middle = inputs.length >> 1;
  const found = thoseThatReach(reached, inputs.slice(0, middle), target, coverage);
  // What the first half reached needs no second input.
  for (const input of found) faultOf(target, input);
  const ranAgain = coverage.look();
  const missing = new Set([...reached].filter((place) => !ranAgain.has(place)));
  return [...found, ...thoseThatReach(missing, inputs.slice(middle), target, coverage)];
}

/** What a target has against an input; undefined for nothing. */
export function faultOf(target: FuzzTarget, input: Buffer): unknown {
  const begin = performance.now();
  try {
    target.run(Buffer.from(input));
  } catch (error) {
    return error ?? new Error("threw nothing that tells of itself");
  }
  const tookMs = performance.now() - begin;
  if (tookMs < slowMs) return undefined;
  // Once more, for it may have been this machine.
  const again = performance.now();
  target.run(Buffer.from(input));
  const tookAgainMs = performance.now() - again;
  return tookAgainMs < slowMs ? undefined : new Error(`took ${tookAgainMs.toFixed(0)} ms, twice`);
}
