import { wordsOf } from "../error-words.ts";
import type { Ipv4Network } from "../ethernet/ipv4-network.ts";
import { kernelNatLimits } from "../limits.ts";
import type { KernelNetworks } from "../platform/ipv4-forwarding.ts";
import type { Forwarding } from "./forwarding.ts";
import type { ConnectionList } from "./connection-list.ts";
import { freeNetwork, networksOfRoutes } from "./free-network.ts";
import type { NatRules } from "./nat-table.ts";
import { HostNatWay, type OpenRoutedDevice, type WayOptions } from "./host-nat-way.ts";

export interface HostNatOptions {
  readonly kernel: Pick<KernelNetworks, "routes" | "mostConnections" | "followedConnections">;
  readonly forwarding: Pick<Forwarding, "set" | "putBack" | "refused" | "suspects" | "setNewcomersApart">;
  /** Tells what the kernel follows. */
  readonly connections: Pick<ConnectionList, "get" | "forget">;
  /** Makes an interface that the kernel routes to; throws why there can be none. */
  readonly openDevice: OpenRoutedDevice;
  /** Resolves after a time. */
  readonly delay: (ms: number) => Promise<void>;
  /** Milliseconds that only go up. */
  readonly now: () => number;
  /** Told what could not be put back. */
  readonly warn: (problem: string) => void;
}

/** A hub that waits for its way. */
interface Waiting {
  readonly options: WayOptions;
  readonly done: PromiseWithResolvers<HostNatWay>;
}

/**
 * NAT by the host's kernel, for the hubs of a server: for each an interface, for all of them the rules of the host. Ways that come and go
 * together are one change of these rules.
 */
export class HostNat {
  readonly #options: HostNatOptions;
  readonly #ways = new Set<HostNatWay>();
  readonly #waiting: Waiting[] = [];
  /** Whether the host is set up for other ways than there are. */
  #isStale = false;
  /** Why the host did not let packets out, when it was tried last. */
  #refusal: { readonly reason: string; readonly until: number } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** What begins when its turn has come, and will do for all who ask for it until then. */
  #arranging: Promise<void> | undefined;
  #refreshing: Promise<void> | undefined;
  #suspecting: Promise<string> | undefined;

  constructor(options: HostNatOptions) {
    this.#options = options;
  }

  /**
   * Makes a way out for a hub and tries it.
   *
   * @throws Error why there can be none
   */
  open(options: WayOptions): Promise<HostNatWay> {
    const done = Promise.withResolvers<HostNatWay>();
    this.#waiting.push({ options, done });
    void this.#arrange();
    return done.promise;
  }

  /** Takes back what a former run has left, where no hub needs it. */
  settle(): Promise<void> {
    this.#isStale = true;
    return this.#arrange();
  }

  /** Asks the kernel how many packets it has turned away, for {@link HostNatWay.refused}. */
  countRefused(): Promise<void> {
    return this.#inTurn(() => this.#countRefused());
  }

  /** Looks for what has come to the host that the kernel now forwards between as well. */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#ways.size === 0) return;
      try {
        await this.#options.forwarding.setNewcomersApart(this.#rules());
      } catch (error) {
        this.#options.warn(wordsOf(error));
      }
    });
  }

  async #countRefused(): Promise<void> {
    if (this.#ways.size === 0) return;
    const counts = await this.#options.forwarding.refused(this.#networks()).catch(() => undefined);
    for (const way of this.#ways) way.countRefused(counts?.get(way.network.network) ?? 0);
  }

  #arrange(): Promise<void> {
    return (this.#arranging ??= this.#inTurn(async () => {
      this.#arranging = undefined;
      const settlements = await this.#openAll(this.#waiting.splice(0));
      if (this.#isStale) await this.#setOrWarn();
      for (const settle of settlements) settle();
    }));
  }

  /** @returns what tells those who wait what came of it */
  async #openAll(waiting: readonly Waiting[]): Promise<(() => void)[]> {
    if (waiting.length === 0) return [];
    const { kernel, now } = this.#options;
    const settlements: (() => void)[] = [];
    const refuse = ({ done }: Waiting, error: unknown) => void settlements.push(() => done.reject(error));
    const leftOut: Waiting[] = [];
    const openings: { readonly each: Waiting; readonly way: HostNatWay }[] = [];
    const giveUp = ({ each, way }: (typeof openings)[number], error: unknown) => {
      void way.shut();
      this.#forget(way);
      refuse(each, error);
    };
    try {
      if (this.#refusal !== undefined && now() < this.#refusal.until) throw new Error(this.#refusal.reason);
      const networks = this.#freeNetworks(waiting.length, await kernel.routes());
      for (const [index, each] of waiting.entries()) {
        const network = networks[index];
        if (network !== undefined) openings.push({ each, way: this.#newWay(each.options, network) });
        else leftOut.push(each);
      }
    } catch (error) {
      for (const each of waiting) refuse(each, error);
      return settlements;
    }
    const refuseAll = (error: unknown) => {
      for (const opening of openings) giveUp(opening, error);
      for (const each of leftOut) refuse(each, error);
      return settlements;
    };
    const full = new Error(this.#whyFull());
    const [first, ...others] = openings;
    if (first === undefined) return refuseAll(full);
    // A host that lets the first one out has the same rules for the others, which are not made for nothing.
    const wasStale = this.#isStale;
    try {
      await first.way.openDevice();
    } catch (error) {
      refuseAll(error);
      // Nothing was set for them.
      this.#isStale = wasStale;
      return settlements;
    }
    try {
      await this.#set();
      const reason = await this.#try(first.way, openings.length);
      if (reason !== undefined) throw new Error(reason);
      settlements.push(() => first.each.done.resolve(first.way));
    } catch (error) {
      this.#refusal = { reason: wordsOf(error), until: now() + kernelNatLimits.retryMs };
      return refuseAll(error);
    }
    for (const each of leftOut) refuse(each, full);
    await Promise.all(
      others.map(async (opening) => {
        const { each, way } = opening;
        try {
          await way.openDevice();
          const reason = await way.try();
          if (reason !== undefined) throw new Error(reason);
          settlements.push(() => each.done.resolve(way));
        } catch (error) {
          giveUp(opening, error);
        }
      }),
    );
    return settlements;
  }

  /** Tries the first of some new ways; the rules are made anew where none of the older ones leads out either. */
  async #try(way: HostNatWay, newWays: number): Promise<string | undefined> {
    const reason = await way.try();
    const [older] = this.#ways;
    const hasOlder = older !== undefined && this.#ways.size > newWays;
    if (reason === undefined || !hasOlder || (await older.passes())) return reason;
    await this.#set(true);
    return way.try();
  }

  /** At most so many, for the ways that may still be made. */
  #freeNetworks(count: number, routes: string): Ipv4Network[] {
    const taken = [...networksOfRoutes(routes), ...this.#networks()];
    const free: Ipv4Network[] = [];
    while (free.length < Math.min(count, kernelNatLimits.hubs - this.#ways.size)) {
      const network = freeNetwork([...taken, ...free]);
      if (network === undefined) break;
      free.push(network);
    }
    return free;
  }

  #whyFull(): string {
    return this.#ways.size >= kernelNatLimits.hubs
      ? `${kernelNatLimits.hubs} hubs use the kernel's NAT already, which is the most`
      : "the host uses all of the networks that could be taken";
  }

  #newWay(options: WayOptions, network: Ipv4Network): HostNatWay {
    const way = new HostNatWay({
      ...options,
      network,
      delay: this.#options.delay,
      openDevice: this.#options.openDevice,
      refresh: () => this.#refresh(),
      suspects: () => this.#suspects(),
      fullTable: () => this.#fullTable(),
      connections: () => this.#options.connections.get(this.#networks()),
      closed: () => {
        this.#forget(way);
        return this.#arrange();
      },
    });
    this.#ways.add(way);
    return way;
  }

  #forget(way: HostNatWay): void {
    this.#isStale = this.#ways.delete(way) || this.#isStale;
  }

  #refresh(): Promise<void> {
    return (this.#refreshing ??= this.#inTurn(() => {
      this.#refreshing = undefined;
      return this.#set(true);
    }));
  }

  async #suspects(): Promise<string> {
    this.#suspecting ??= this.#options.forwarding.suspects();
    return this.#suspecting.finally(() => (this.#suspecting = undefined));
  }

  /** Why the kernel follows no new connection, if that is so: it drops what begins one then, of whomever it is. */
  async #fullTable(): Promise<string | undefined> {
    const { kernel } = this.#options;
    const [most = Infinity, count = 0] = await Promise.all([
      kernel.mostConnections(),
      kernel.followedConnections(),
    ]);
    if (count < most * (1 - kernelNatLimits.spareShareOfTable)) return undefined;
    return `the host's table of connections is full (nf_conntrack_max is ${most})`;
  }

  async #setOrWarn(): Promise<void> {
    try {
      await this.#set();
    } catch (error) {
      this.#options.warn(wordsOf(error));
    }
  }

  async #set(anew = false): Promise<void> {
    const { forwarding, warn } = this.#options;
    this.#isStale = false;
    if (this.#ways.size > 0) {
      return forwarding.set(this.#rules(), { anew, beforeAnew: () => this.#countRefused() });
    }
    this.#options.connections.forget();
    const left = await forwarding.putBack();
    if (left !== undefined) warn(left);
  }

  #rules(): NatRules[] {
    return [...this.#ways].map(({ network, perClient }) => ({ network, perClient }));
  }

  #networks(): Ipv4Network[] {
    return [...this.#ways].map((way) => way.network);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}
