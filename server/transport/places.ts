import { networkOf, siteOf } from "../ethernet/ip-address.ts";
import { connectionLimits } from "../limits.ts";
import { KnownNetworks } from "./known-networks.ts";

/** From where a connection comes: this host, a network from which somebody has logged in, or neither. */
type Origin = "own host" | "known" | "stranger";

/** One IPv4 address, or one /48 of IPv6. */
interface Site {
  readonly name: string;
  size: number;
}

/** The connections of one IPv4 address, or of one /64 of IPv6. */
interface Network<Holder> {
  readonly site: Site;
  origin: Origin;
  /** In the order in which they came. */
  readonly holders: Map<Holder, number>;
}

export interface PlaceBounds {
  readonly total: number;
  /** Of one IPv4 address, or one /64 of IPv6. */
  readonly perAddress: number;
  /** Of one /48 of IPv6. */
  readonly perSite: number;
}

/** Who has to go, and the bound that is the reason. */
export interface Eviction<Holder> {
  readonly holder: Holder;
  readonly bound: "total" | "per-address";
}

/**
 * The places of connections that have not logged in. Whoever comes gets one; where there is none, the oldest connection goes of the
 * network that holds most, so that strangers who fill them take them from each other:
 *
 *     |<-------------------------- total -------------------------->|
 *     | strangers, known networks, own host | known, own host | own |
 *
 * The parts behind the first are kept for networks from which somebody has logged in before, and for this host.
 */
export class Places<Holder> {
  readonly #bounds: PlaceBounds;
  readonly #kept: { readonly ownHost: number; readonly known: number };
  readonly #known = new KnownNetworks();
  readonly #networks = new Map<string, Network<Holder>>();
  readonly #keys = new Map<Holder, string>();
  readonly #sizes: Record<Origin, number> = { "own host": 0, known: 0, stranger: 0 };
  readonly #sites = new Map<string, Site>();
  #count = 0;

  constructor(bounds: PlaceBounds) {
    this.#bounds = bounds;
    const { keptForOwnHost, keptForKnown } = connectionLimits;
    this.#kept = {
      ownHost: Math.min(keptForOwnHost, Math.floor(bounds.total / 8)),
      known: Math.min(keptForKnown, Math.floor(bounds.total / 4)),
    };
  }

  get size(): number {
    return this.#keys.size;
  }

  has(holder: Holder): boolean {
    return this.#keys.has(holder);
  }

  /**
   * Gives a place to a connection.
   *
   * @param ownHost whether it comes from this very host
   * @returns who loses its place for that
   */
  take(holder: Holder, address: string, ownHost: boolean): Eviction<Holder> | undefined {
    const key = ownHost ? "own host" : networkOf(address);
    const siteName = ownHost ? key : siteOf(address);
    const found = this.#networks.get(key);
    const origin = ownHost ? "own host" : this.#known.has(address) ? "known" : "stranger";
    const evicted = this.#makeRoom(found, found?.origin ?? origin, siteName);
    if (evicted !== undefined) this.leave(evicted.holder);
    const site = this.#sites.get(siteName) ?? { name: siteName, size: 0 };
    const network = this.#networks.get(key) ?? { site, origin, holders: new Map<Holder, number>() };
    this.#networks.set(key, network);
    network.holders.set(holder, ++this.#count);
    this.#keys.set(holder, key);
    this.#sizes[network.origin]++;
    network.site.size++;
    this.#sites.set(siteName, network.site);
    return evicted;
  }

  /** Frees the place of a connection, if it has one. */
  leave(holder: Holder): void {
    const key = this.#keys.get(holder);
    const network = key === undefined ? undefined : this.#networks.get(key);
    if (key === undefined || network === undefined) return;
    this.#keys.delete(holder);
    network.holders.delete(holder);
    this.#sizes[network.origin]--;
    if (--network.site.size === 0) this.#sites.delete(network.site.name);
    if (network.holders.size === 0) this.#networks.delete(key);
  }

  /** Somebody has logged in from this address: those who come from there are no strangers any more. */
  know(address: string): void {
    this.#known.add(address);
    const network = this.#networks.get(networkOf(address));
    if (network?.origin !== "stranger") return;
    this.#sizes.stranger -= network.holders.size;
    this.#sizes.known += network.holders.size;
    network.origin = "known";
  }

  #makeRoom(
    network: Network<Holder> | undefined,
    origin: Origin,
    siteName: string,
  ): Eviction<Holder> | undefined {
    const { total, perAddress, perSite } = this.#bounds;
    if (network !== undefined && network.holders.size >= perAddress) {
      return evict("per-address", oldestOf(network));
    }
    if (origin !== "own host" && (this.#sites.get(siteName)?.size ?? 0) >= perSite) {
      return evict(
        "per-address",
        this.#heaviest((other) => other.site.name === siteName),
      );
    }
    const { stranger, known } = this.#sizes;
    const forOthers = total - this.#kept.ownHost;
    if (origin === "stranger" && stranger >= forOthers - this.#kept.known) {
      return evict(
        "total",
        this.#heaviest((other) => other.origin === "stranger"),
      );
    }
    if (origin !== "own host" && stranger + known >= forOthers) {
      return evict(
        "total",
        this.#heaviest((other) => other.origin !== "own host"),
      );
    }
    if (this.size < total) return undefined;
    return evict(
      "total",
      this.#heaviest((other) => this.#mayMakeRoom(other, origin)),
    );
  }

  /** The places that are kept for this host are its own, also from one another. */
  #mayMakeRoom({ origin }: Network<Holder>, newcomer: Origin): boolean {
    if (origin !== "own host") return true;
    return newcomer === "own host" || this.#sizes["own host"] > this.#kept.ownHost;
  }

  /** The oldest connection of the site and network that hold most, strangers before others; of the networks that `mayGo`. */
  #heaviest(mayGo: (network: Network<Holder>) => boolean): Holder | undefined {
    let heaviest: Network<Holder> | undefined;
    for (const network of this.#networks.values()) {
      if (!mayGo(network)) continue;
      if (heaviest === undefined || this.#compare(network, heaviest) > 0) heaviest = network;
    }
    return heaviest && oldestOf(heaviest);
  }

  /** Above 0 where the first of two networks has to give a place before the other. */
  #compare(one: Network<Holder>, other: Network<Holder>): number {
    return (
      one.site.size - other.site.size ||
      one.holders.size - other.holders.size ||
      Number(one.origin === "stranger") - Number(other.origin === "stranger") ||
      arrivalOf(other) - arrivalOf(one)
    );
  }
}

function evict<Holder>(
  bound: Eviction<Holder>["bound"],
  holder: Holder | undefined,
): Eviction<Holder> | undefined {
  return holder === undefined ? undefined : { holder, bound };
}

function oldestOf<Holder>({ holders }: Network<Holder>): Holder | undefined {
  return holders.keys().next().value;
}

/** When its oldest connection came, as a number that grows. */
function arrivalOf<Holder>({ holders }: Network<Holder>): number {
  return holders.values().next().value ?? 0;
}
