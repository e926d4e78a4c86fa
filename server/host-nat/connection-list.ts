import type { Ipv4Network } from "../ethernet/ipv4-network.ts";
import { kernelNatLimits } from "../limits.ts";
import { turns, type Steps } from "../turns.ts";
import type { DumpConnections } from "./connection-dump.ts";
import { TrackedConnections, type ConntrackTimeouts } from "./tracked-connections.ts";

export interface ConnectionListOptions {
  /** Throws why the kernel does not tell. */
  readonly dump: DumpConnections;
  readonly timeouts: () => Promise<ConntrackTimeouts>;
  /** Does steps among other work of the thread. */
  readonly run?: (steps: Steps<void>) => Promise<void>;
  /** Milliseconds that only go up. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly unixNow: () => number;
}

/**
 * What the kernel follows for hubs, asked for when somebody wants to know. The kernel's table may be large and be mostly of others, so it is
 * gone through once for all who ask at the same time, and what came of it holds for the longer, the longer it took.
 */
export class ConnectionList {
  readonly #options: ConnectionListOptions;
  #last: { readonly list: Promise<TrackedConnections>; until: number } | undefined;

  constructor(options: ConnectionListOptions) {
    this.#options = options;
  }

  /**
   * Those of the hubs with these networks.
   *
   * @throws Error why the kernel does not tell
   */
  get(networks: readonly Ipv4Network[]): Promise<TrackedConnections> {
    if (this.#last !== undefined && this.#options.now() < this.#last.until) return this.#last.list;
    const spent = { ms: 0 };
    // It holds while it is on its way.
    const last = { list: this.#list(networks, spent), until: Infinity };
    this.#last = last;
    const hold = () => {
      const { listHoldMs, listShare } = kernelNatLimits;
      last.until = this.#options.now() + Math.max(listHoldMs, spent.ms / listShare);
    };
    last.list.then(hold, hold);
    return last.list;
  }

  /** Nobody is going to ask any more. */
  forget(): void {
    if (this.#last?.until !== Infinity) this.#last = undefined;
  }

  async #list(networks: readonly Ipv4Network[], spent: { ms: number }): Promise<TrackedConnections> {
    const { timeouts, unixNow, run = (steps) => turns.run(steps) } = this.#options;
    const list = new TrackedConnections(networks, await timeouts(), unixNow());
    await run(this.#dumpInto(list, spent));
    return list;
  }

  /** The steps, with the time that they take. */
  *#dumpInto(list: TrackedConnections, spent: { ms: number }): Steps<void> {
    const { dump, now } = this.#options;
    const steps = dump(
      (source) => list.has(source),
      (entry) => list.add(entry),
    );
    for (;;) {
      const began = now();
      const { done } = steps.next();
      spent.ms += now() - began;
      if (done === true) return;
      yield;
    }
  }
}
