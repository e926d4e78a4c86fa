import { dhcpLimits } from "../limits.ts";

/** An address that a client has, or had. */
export interface Lease {
  readonly address: number;
  /** In hexadecimal; empty for an address that somebody else was found to use. */
  readonly mac: string;
  readonly hostName: string;
  /** When the client asked for it, by the clock of days: milliseconds since 1970. */
  readonly leasedAt: number;
  /** From then on another client may get it. */
  readonly expiresAt: number;
  /** Offered, and not asked for yet. */
  readonly isOffer: boolean;
}

/** Addresses that clients may get. */
export interface AddressPool {
  readonly first: number;
  readonly last: number;
  /** Those in between that belong to others, such as the router's. */
  readonly taken: readonly number[];
}

/**
 * Which client has which address: never two the same one. A client that comes again gets the address that it had, as long as nobody
 * else needed it.
 */
export class LeaseTable {
  readonly #byAddress = new Map<number, Lease>();
  readonly #byMac = new Map<string, Lease>();
  #pool: AddressPool;
  /** Where the search for an address that nobody had begins. */
  #next: number;
  /** Before then no address is free again: who asks for one all the time makes nobody look through the whole table. */
  #noneFreeUntil = -Infinity;

  /** @param leases of a former run; those that are not in the pool stay away */
  constructor(pool: AddressPool, leases: Iterable<Lease> = []) {
    this.#pool = pool;
    this.#next = pool.first;
    for (const lease of leases) {
      if (this.#isInPool(lease.address) && this.#byAddress.size < dhcpLimits.leases) this.put(lease);
    }
  }

  /** Addresses that are given from now on. Leases of others go on until they expire. */
  set pool(pool: AddressPool) {
    this.#pool = pool;
    this.#next = pool.first;
    this.#noneFreeUntil = -Infinity;
  }

  /** Those that hold, and are no offers. */
  *valid(now: number): Generator<Lease> {
    for (const lease of this.#byAddress.values()) {
      if (lease.expiresAt > now && !lease.isOffer && lease.mac !== "") yield lease;
    }
  }

  /** Those of clients, whether they hold or not, but for offers. */
  *kept(): Generator<Lease> {
    for (const lease of this.#byAddress.values()) if (!lease.isOffer && lease.mac !== "") yield lease;
  }

  /** The one of a client, whether it holds or not. */
  of(mac: string): Lease | undefined {
    return this.#byMac.get(mac);
  }

  /** Whether a client may have an address: it is in the pool, and nobody else's. */
  isFree(address: number, mac: string, now: number): boolean {
    if (!this.#isInPool(address)) return false;
    const lease = this.#byAddress.get(address);
    return lease === undefined || lease.mac === mac || lease.expiresAt <= now;
  }

  /** An address for a client: the one that it had, the one that it wishes, one that nobody had, or the one that is free for longest. */
  choose(mac: string, wish: number, now: number): number | undefined {
    const former = this.#byMac.get(mac);
    if (former !== undefined && this.isFree(former.address, mac, now)) return former.address;
    if (this.isFree(wish, mac, now)) return wish;
    if (this.#byAddress.size < dhcpLimits.leases) {
      while (this.#next <= this.#pool.last && !this.isFree(this.#next, mac, -Infinity)) this.#next++;
      if (this.#next <= this.#pool.last) return this.#next;
    }
    if (now < this.#noneFreeUntil) return undefined;
    let first: Lease | undefined;
    for (const lease of this.#byAddress.values()) {
      if (!this.#isInPool(lease.address)) continue;
      if (first === undefined || lease.expiresAt < first.expiresAt) first = lease;
    }
    this.#noneFreeUntil = first?.expiresAt ?? Infinity;
    return first !== undefined && first.expiresAt <= now ? first.address : undefined;
  }

  /** Gives a client an address, and takes the one away that it had. */
  put(lease: Lease): void {
    const former = this.#byMac.get(lease.mac);
    if (former !== undefined) this.#remove(former);
    const other = this.#byAddress.get(lease.address);
    if (other !== undefined) this.#remove(other);
    this.#byAddress.set(lease.address, lease);
    this.#noneFreeUntil = Math.min(this.#noneFreeUntil, lease.expiresAt);
    if (lease.mac !== "") this.#byMac.set(lease.mac, lease);
  }

  #remove(lease: Lease): void {
    this.#byAddress.delete(lease.address);
    this.#noneFreeUntil = -Infinity;
    if (this.#byMac.get(lease.mac) === lease) this.#byMac.delete(lease.mac);
    if (lease.address < this.#next && this.#isInPool(lease.address)) this.#next = lease.address;
  }

  #isInPool(address: number): boolean {
    const { first, last, taken } = this.#pool;
    return address >= first && address <= last && !taken.includes(address);
  }
}
