import { dhcpLimits, secureNatLimits } from "../limits.ts";

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

/** What a session holds: addresses that were offered, and those that were taken, each in the order in which that was. */
interface Holding {
  readonly offers: Set<number>;
  readonly leases: Set<number>;
}

/**
 * Which client has which address: never two the same one. A client that comes again gets the address that it had, as long as nobody
 * else needed it.
 *
 * A session may hold a share of the addresses while others ask for some too. One that holds less than another gets an address even if none
 * is free: one that was offered and not taken up, or one of more than the other's share that nobody was heard to use.
 */
export class LeaseTable {
  readonly #byAddress = new Map<number, Lease>();
  readonly #byMac = new Map<string, Lease>();
  /** By the number of the port that clients are behind; 0 for those of a former run. */
  readonly #holdings = new Map<number, Holding>();
  readonly #sourceOf = new Map<number, number>();
  /** Addresses whose clients were heard since they got them. */
  readonly #heard = new Set<number>();
  /** When each session asked last. */
  readonly #askedAt = new Map<number, number>();
  /** Before then no address is looked for again that could be taken from another session. */
  #noneToTakeUntil = -Infinity;
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
      if (this.#isInPool(lease.address) && this.#byAddress.size < dhcpLimits.leases) this.put(lease, 0);
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

  /** Whether a client may take an address that it asks for: it is free, and its session may hold another one or has it already. */
  mayTake(address: number, mac: string, now: number, from: number): boolean {
    if (!this.isFree(address, mac, now)) return false;
    this.#noteAsked(from, now);
    return this.#byAddress.get(address)?.mac === mac || !this.#hasShare(from, now);
  }

  /** A station was heard that uses an address. */
  heard(address: number, from: number): void {
    if (this.#sourceOf.get(address) === from) this.#heard.add(address);
  }

  /** An address for a client: the one that it had, the one that it wishes, one that nobody had, or the one that is free for longest. */
  choose(mac: string, wish: number, now: number, from: number): number | undefined {
    this.#noteAsked(from, now);
    const former = this.#byMac.get(mac);
    if (former !== undefined && this.isFree(former.address, mac, now)) return former.address;
    // Who has its share gets one back that it was offered and did not take.
    if (this.#hasShare(from, now)) return this.#firstOffer(from);
    return this.#chooseFree(mac, wish, now) ?? this.#takeFromLargest(now, from);
  }

  #chooseFree(mac: string, wish: number, now: number): number | undefined {
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
  put(lease: Lease, from: number): void {
    const heard = this.#heard.has(lease.address) && this.#byAddress.get(lease.address)?.mac === lease.mac;
    const former = this.#byMac.get(lease.mac);
    if (former !== undefined) this.#remove(former);
    const other = this.#byAddress.get(lease.address);
    if (other !== undefined) this.#remove(other);
    this.#byAddress.set(lease.address, lease);
    this.#noneFreeUntil = Math.min(this.#noneFreeUntil, lease.expiresAt);
    if (lease.mac !== "") this.#byMac.set(lease.mac, lease);
    this.#sourceOf.set(lease.address, from);
    let holding = this.#holdings.get(from);
    if (holding === undefined) this.#holdings.set(from, (holding = { offers: new Set(), leases: new Set() }));
    (lease.isOffer ? holding.offers : holding.leases).add(lease.address);
    if (heard) this.#heard.add(lease.address);
  }

  #noteAsked(from: number, now: number): void {
    // Who asked last stands last.
    this.#askedAt.delete(from);
    this.#askedAt.set(from, now);
    for (const [session, askedAt] of this.#askedAt) {
      if (now - askedAt < dhcpLimits.aloneMs && this.#askedAt.size <= dhcpLimits.leases) return;
      this.#askedAt.delete(session);
    }
  }

  /** Whether a session has all that it may have: a share of the pool, unless no other one asks. */
  #hasShare(from: number, now: number): boolean {
    const holding = this.#holdings.get(from);
    if (holding === undefined || this.#askedAt.size < 2 || countOf(holding) < this.#share()) return false;
    // Those that have expired do not count; they are looked through once in a while.
    let valid = 0;
    for (const addresses of [holding.leases, holding.offers])
      for (const address of addresses) if ((this.#byAddress.get(address)?.expiresAt ?? 0) > now) valid++;
    return valid >= this.#share();
  }

  #share(): number {
    const { first, last } = this.#pool;
    const most = Math.min(last - first + 1, dhcpLimits.leases);
    return Math.max(1, Math.ceil(most * secureNatLimits.sessionShare));
  }

  #firstOffer(from: number): number | undefined {
    for (const address of this.#holdings.get(from)?.offers ?? []) if (this.#isInPool(address)) return address;
    return undefined;
  }

  /** An address of the session that has most, for one that has less. */
  #takeFromLargest(now: number, from: number): number | undefined {
    let largest: number | undefined;
    let most = 0;
    for (const [session, holding] of this.#holdings) {
      if (session === 0 || countOf(holding) <= most) continue;
      most = countOf(holding);
      largest = session;
    }
    const own = this.#holdings.get(from);
    if (largest === undefined || (own !== undefined && countOf(own) + 1 >= most)) return undefined;
    const offer = this.#firstOffer(largest);
    if (offer !== undefined || most <= this.#share() || now < this.#noneToTakeUntil) return offer;
    for (const address of this.#holdings.get(largest)?.leases ?? []) {
      const { leasedAt = now } = this.#byAddress.get(address) ?? {};
      if (now - leasedAt < dhcpLimits.silentMs || this.#heard.has(address)) continue;
      if (this.#isInPool(address)) return address;
    }
    this.#noneToTakeUntil = now + dhcpLimits.takeMs;
    return undefined;
  }

  #remove(lease: Lease): void {
    const from = this.#sourceOf.get(lease.address) ?? 0;
    const holding = this.#holdings.get(from);
    holding?.offers.delete(lease.address);
    holding?.leases.delete(lease.address);
    if (holding !== undefined && countOf(holding) === 0) this.#holdings.delete(from);
    this.#sourceOf.delete(lease.address);
    this.#heard.delete(lease.address);
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

function countOf({ offers, leases }: Holding): number {
  return offers.size + leases.size;
}
