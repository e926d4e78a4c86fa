import { memoryLimits } from "../limits.ts";

export interface SpareMemoryOptions {
  /** Bytes of memory that the process has. */
  readonly residentBytes: () => number;
  /** How much of the time since it was last asked the thread had work, from 0 to 1. */
  readonly utilization: () => number;
  /** Has the runtime collect its garbage. */
  readonly collect: () => Promise<void>;
  /** Gives back what was freed and the allocator keeps. */
  readonly trim: () => Promise<void>;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/**
 * Gives memory back that nobody uses any more. The runtime collects its garbage when new objects come, which an idle server hardly makes:
 * after a rush it would hold for hours what the rush needed.
 */
export class SpareMemory {
  readonly #options: SpareMemoryOptions;
  /** What was left when it was last collected. */
  #floor: number;
  #collectedAt: number;
  /** From one collection to the next while the memory does not grow. */
  #patienceMs: number = memoryLimits.leastPatienceMs;

  constructor(options: SpareMemoryOptions) {
    this.#options = options;
    this.#floor = options.residentBytes();
    this.#collectedAt = options.now();
  }

  /** Collects if it is worth it, and holds nobody up; to be called every {@link memoryLimits.lookMs}. */
  async look(): Promise<void> {
    const { residentBytes, utilization, collect, trim, now } = this.#options;
    const before = residentBytes();
    const isIdle = utilization() < memoryLimits.idleUtilization;
    const hasGrown = before - this.#floor > memoryLimits.grownBytes;
    const isLarge = before > memoryLimits.smallBytes;
    const isDue = isLarge && now() - this.#collectedAt >= this.#patienceMs;
    if (!isIdle || (!hasGrown && !isDue)) return;
    await collect();
    if (residentBytes() > memoryLimits.smallBytes) await trim();
    this.#collectedAt = now();
    this.#floor = residentBytes();
    // It is in use, then: the next attempt may wait.
    const freed = before - this.#floor;
    this.#patienceMs =
      freed > before / 10
        ? memoryLimits.leastPatienceMs
        : Math.min(this.#patienceMs * 2, memoryLimits.mostPatienceMs);
  }
}
