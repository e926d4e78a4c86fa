import { Session, type Profiler } from "node:inspector";

/**
 * Which parts of sources have run, by V8's own counts of each block: what a fuzzer needs to know whether an input is a new
 * one. V8 counts anew after each look.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #sources: string;
  /** Blocks of each function that were ever told of. */
  readonly #blocks = new Map<string, Map<string, Profiler.CoverageRange>>();
  readonly #seen = new Set<string>();

  /** @param sources part of the paths of the files that count */
  constructor(sources: string) {
    this.#sources = sources;
    this.#session.connect();
    this.#post("Profiler.enable");
    this.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Places that ran since the last look. */
  look(): Set<string> {
    const { result } = this.#post("Profiler.takePreciseCoverage") as Profiler.TakePreciseCoverageReturnType;
    const places = new Set<string>();
    for (const { scriptId, url, functions } of result) {
      if (!url.includes(this.#sources)) continue;
      for (const { ranges } of functions) {
        const [whole] = ranges;
        if (whole === undefined) continue;
        // V8 leaves out a block that ran as often as what it stands in: it is known from when it did not.
        const blocks = this.#blocksOf(`${scriptId}:${whole.startOffset}:${whole.endOffset}`);
        for (const range of ranges) blocks.set(`${range.startOffset}:${range.endOffset}`, range);
        if (whole.count === 0) continue;
        for (const [name, { startOffset, endOffset }] of blocks) {
          const around = ranges.findLast(
            (range) => range.startOffset <= startOffset && range.endOffset >= endOffset,
          );
          if ((around?.count ?? 0) > 0) places.add(`${scriptId}:${name}`);
        }
      }
    }
    return places;
  }

  #blocksOf(name: string): Map<string, Profiler.CoverageRange> {
    const known = this.#blocks.get(name);
    if (known !== undefined) return known;
    const blocks = new Map<string, Profiler.CoverageRange>();
    this.#blocks.set(name, blocks);
    return blocks;
  }

  /** Those of them where nothing came before. */
  lookForNew(): Set<string> {
    const places = new Set([...this.look()].filter((place) => !this.#seen.has(place)));
    for (const place of places) this.#seen.add(place);
    return places;
  }

  get places(): number {
    return this.#seen.size;
  }

  close(): void {
    this.#session.disconnect();
  }

  /** A session with its own thread is answered within the call. */
  #post(method: string, params: object = {}): unknown {
    let outcome: unknown;
    this.#session.post(method, params, (error, result) => {
      if (error !== null) throw new Error(`${method}: ${error.message}`);
      outcome = result;
    });
    return outcome;
  }
}
