import { networkOf, siteOf } from "../ethernet/ip-address.ts";
import { connectionLimits } from "../limits.ts";

/**
 * Networks from which somebody has logged in, in memory alone: the latest ones, and few of one site, so that who has many networks
 * does not push the others out.
 */
export class KnownNetworks {
  /** The networks of each site; both in the order of their last logins. */
  readonly #sites = new Map<string, Set<string>>();

  /** Remembers that somebody has logged in from this address. */
  add(address: string): void {
    const site = siteOf(address);
    const networks = this.#sites.get(site) ?? new Set();
    this.#sites.delete(site);
    this.#sites.set(site, networks);
    const network = networkOf(address);
    networks.delete(network);
    networks.add(network);
    dropOldest(networks, connectionLimits.knownPerSite);
    dropOldest(this.#sites, connectionLimits.knownSites);
  }

  has(address: string): boolean {
    return this.#sites.get(siteOf(address))?.has(networkOf(address)) ?? false;
  }
}

function dropOldest(entries: Set<string> | Map<string, unknown>, most: number): void {
  const [oldest] = entries.keys();
  if (entries.size > most && oldest !== undefined) entries.delete(oldest);
}
