import { passwordLimits } from "../limits.ts";
import { networkOf } from "../ethernet/ip-address.ts";
import { KnownDevices } from "./known-devices.ts";
import { AttemptQueue, type AttemptQueueOptions } from "./attempt-queue.ts";

/** Wrong passwords for one account from one network. */
interface Source {
  failures: number;
  lastFailureAt: number;
  readonly queue: AttemptQueue;
}

/** What is remembered of one network: an IPv4 address, a /64 of IPv6, or a user of this host. */
interface Network {
  /** By account, in the order of their last wrong passwords. */
  readonly sources: Map<string, Source>;
  /** Wrong passwords of an account that is not remembered any more: every other one begins with as many. */
  floor: number;
  floorAt: number;
}

/** What came of an attempt: it was looked at, gave its place to others, or lost its connection before its turn. */
export type Attempt<Result> = Result | Unseen;
type Unseen = "too many" | "gone";

/** Why an attempt was not looked at, for people. */
export const unseenReasons: Record<Unseen, string> = {
  "too many": "too many wrong passwords from this address",
  gone: "the client left before its password was looked at",
};

/** Whose password somebody says to know, and where the attempt comes from. */
export interface AttemptSource {
  readonly address: string;
  /**
   * By number, of this host, where that is known: users of one host have all its addresses, and none of them is to wait for what another
   * one guesses.
   */
  readonly user?: number | undefined;
  /** Tells accounts apart, without regard to case. */
  readonly account: string;
  /**
   * What the client says to be, which nobody else is told. One from which somebody has logged in to the account before waits for its own
   * wrong passwords alone, whoever guesses beside it.
   */
  readonly device?: string | undefined;
  /** Aborted when the connection has ended. */
  readonly gone: AbortSignal;
}

const systemClock: AttemptQueueOptions = {
  now: () => performance.now(),
  schedule: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Makes guessing a password slow: each wrong one makes the next attempts from the same source wait longer before they are
 * looked at, the right one included. A source is an account and an address, so that who knows the password of one account gains
 * nothing for guessing another's. It is forgotten after a while without a wrong one. Who sends many attempts at once gains nothing
 * either: see {@link AttemptQueue}.
 *
 * Whether there is such an account makes no difference. So made-up ones are remembered too, and the table is bounded: a network
 * with many accounts pushes out its own alone, those with fewest wrong passwords first, and the others begin with as many as one
 * that was pushed out had. Of all networks, one without delays goes first.
 */
export class PasswordThrottle {
  readonly #options: AttemptQueueOptions;
  /** In the order of their last wrong passwords: networks that nothing delays, and the others. */
  readonly #light = new Map<string, Network>();
  readonly #heavy = new Map<string, Network>();
  readonly #devices = new KnownDevices();
  /** Sources of all networks. */
  #size = 0;

  constructor(options: AttemptQueueOptions = systemClock) {
    this.#options = options;
  }

  /**
   * Looks at an attempt when it is its turn: at once, or when it has waited.
   *
   * @param look looks at the password
   * @param isRight whether that was right
   */
  attempt<Result>(
    { address, user, account, device, gone }: AttemptSource,
    look: () => Result,
    isRight: (result: Result) => boolean,
  ): Attempt<Result> | Promise<Attempt<Result>> {
    const networkName = user === undefined ? networkOf(address) : `user ${user}`;
    const name = account.toLowerCase();
    const accountName = device !== undefined && this.#devices.has(name, device) ? `${name}\0${device}` : name;
    const network = this.#find(networkName);
    const failures = network === undefined ? 0 : this.#failuresOf(network, accountName);
    const lookNow = () => {
      const result = look();
      if (isRight(result)) {
        this.#forget(networkName, accountName);
        if (device !== undefined) this.#devices.add(name, device);
      } else this.#failed(networkName, accountName);
      return result;
    };
    if (network === undefined || failures <= passwordLimits.freeFailures) return lookNow();
    const source = network.sources.get(accountName) ?? this.#add(networkName, network, accountName);
    return this.#wait(source.queue, { address, gone, waitMs: delayMs(failures) }, lookNow);
  }

  #wait<Result>(
    queue: AttemptQueue,
    { address, gone, waitMs }: Pick<AttemptSource, "address" | "gone"> & { readonly waitMs: number },
    look: () => Result,
  ): Promise<Attempt<Result>> {
    if (gone.aborted) return Promise.resolve("gone");
    const { now, schedule } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Attempt<Result>>();
    const dueAt = now() + waitMs;
    let cancelAnswer: (() => void) | undefined;
    const leaveQueue = queue.add({
      address,
      dueAt,
      look: () => {
        try {
          resolve(look());
        } catch (error) {
          reject(error);
        }
      },
      // Not sooner than a wrong password would be, or the next attempt would follow at once.
      drop: () => {
        cancelAnswer = schedule(() => resolve("too many"), Math.max(0, dueAt - now()));
      },
    });
    const leave = () => {
      leaveQueue();
      cancelAnswer?.();
      resolve("gone");
    };
    gone.addEventListener("abort", leave, { once: true });
    return promise.finally(() => gone.removeEventListener("abort", leave));
  }

  #find(name: string): Network | undefined {
    return this.#heavy.get(name) ?? this.#light.get(name);
  }

  #failuresOf(network: Network, accountName: string): number {
    const source = network.sources.get(accountName);
    if (source !== undefined && source.queue.size === 0 && !this.#isRecent(source.lastFailureAt)) {
      source.failures = 0;
    }
    return Math.max(source?.failures ?? 0, this.#floorOf(network));
  }

  #floorOf({ floor, floorAt }: Network): number {
    return this.#isRecent(floorAt) ? floor : 0;
  }

  #isRecent(time: number): boolean {
    return this.#options.now() - time < passwordLimits.memoryMs;
  }

  #failed(networkName: string, accountName: string): void {
    const network = this.#find(networkName) ?? {
      sources: new Map<string, Source>(),
      floor: 0,
      floorAt: -Infinity,
    };
    this.#failuresOf(network, accountName);
    const source = network.sources.get(accountName) ?? this.#add(networkName, network, accountName);
    source.failures++;
    source.lastFailureAt = this.#options.now();
    network.sources.delete(accountName);
    network.sources.set(accountName, source);
    const isHeavy = this.#heavy.has(networkName) || source.failures > passwordLimits.freeFailures;
    this.#light.delete(networkName);
    this.#heavy.delete(networkName);
    (isHeavy ? this.#heavy : this.#light).set(networkName, network);
    this.#dropNetworks();
  }

  #add(networkName: string, network: Network, accountName: string): Source {
    if (network.sources.size >= passwordLimits.accountsPerAddress) this.#dropWeakest(networkName, network);
    const source = {
      failures: 0,
      lastFailureAt: this.#options.now(),
      queue: new AttemptQueue(this.#options),
    };
    network.sources.set(accountName, source);
    this.#size++;
    return source;
  }

  /** Forgets the account of a network with fewest wrong passwords, the oldest of several. */
  #dropWeakest(networkName: string, network: Network): void {
    const rank = ({ failures, queue }: Source) => (queue.size > 0 ? Number.MAX_SAFE_INTEGER : failures);
    const [weakest] = [...network.sources].sort(([, one], [, other]) => rank(one) - rank(other));
    if (weakest === undefined) return;
    const [accountName, { failures, lastFailureAt }] = weakest;
    network.floor = Math.max(this.#floorOf(network), failures);
    network.floorAt = Math.max(network.floorAt, lastFailureAt);
    network.sources.delete(accountName);
    this.#size--;
  }

  /** Forgets the oldest networks while there are too many accounts in all. */
  #dropNetworks(): void {
    while (this.#size > passwordLimits.accounts) {
      const networks = this.#light.size > 0 ? this.#light : this.#heavy;
      const [oldest] = networks;
      if (oldest === undefined) return;
      this.#size -= oldest[1].sources.size;
      networks.delete(oldest[0]);
    }
  }

  #forget(networkName: string, accountName: string): void {
    const network = this.#find(networkName);
    const source = network?.sources.get(accountName);
    if (network === undefined || source === undefined) return;
    source.failures = 0;
    // The rate holds for those that wait still, and for those who come after them.
    if (source.queue.size > 0) return;
    network.sources.delete(accountName);
    this.#size--;
    if (network.sources.size > 0) return;
    this.#light.delete(networkName);
    this.#heavy.delete(networkName);
  }
}

/** Doubles with each wrong password, up to a bound. */
function delayMs(failures: number): number {
  const doublings = Math.min(failures - passwordLimits.freeFailures - 1, 16);
  return Math.min(passwordLimits.firstDelayMs * 2 ** doublings, passwordLimits.longestDelayMs);
}
