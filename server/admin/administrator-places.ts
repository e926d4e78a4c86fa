import { rpcLimits } from "../limits.ts";
import type { Administrator } from "./rpc.ts";

/** A connection of an administrator. */
interface Place {
  /** Name of the hub in lower case; undefined for the server's administrator. */
  readonly hub: string | undefined;
  readonly close: () => void;
  /** Whether it is kept for a request that may come, and nobody misses it who can open another. */
  readonly isIdle: () => boolean;
}

/**
 * The connections of administrators. Those of hubs may fill some of the places only, so that the server's administrator gets in
 * whatever they do, and each hub has a share: where all of them are taken, the hub that has most gives its oldest one to a hub
 * that has fewer. One that is idle makes room for another of the same administrator.
 */
export class AdministratorPlaces {
  /** In the order in which they came. */
  readonly #taken = new Set<Place>();

  /** Whether there is a place for an administrator. */
  hasRoomFor(administrator: Administrator): boolean {
    return this.#isFree(administrator) || this.#idleOf(keyOf(administrator)) !== undefined;
  }

  #isFree(administrator: Administrator): boolean {
    if (administrator.type === "server") return this.#taken.size < rpcLimits.connections;
    const own = this.#countOf(keyOf(administrator));
    if (own >= rpcLimits.connectionsPerHub) return false;
    return !this.#hubsAreFull() || this.#hubToGive(own) !== undefined;
  }

  /**
   * Takes a place; where there is none, or the hub's share is used up, the connection is closed.
   *
   * @param close ends the connection that takes it
   * @param isIdle whether the connection is
   * @returns what gives it back
   */
  take(administrator: Administrator, close: () => void, isIdle: () => boolean = () => false): () => void {
    const hub = keyOf(administrator);
    if (!this.#isFree(administrator)) {
      const idle = this.#idleOf(hub);
      if (idle === undefined) {
        close();
        return () => {};
      }
      this.#taken.delete(idle);
      idle.close();
    }
    const giver = hub !== undefined && this.#hubsAreFull() ? this.#hubToGive(this.#countOf(hub)) : undefined;
    const given = giver === undefined ? undefined : [...this.#taken].find((place) => place.hub === giver);
    if (given !== undefined) {
      this.#taken.delete(given);
      given.close();
    }
    const place = { hub, close, isIdle };
    this.#taken.add(place);
    return () => void this.#taken.delete(place);
  }

  #hubsAreFull(): boolean {
    const ofHubs = [...this.#taken].filter(({ hub }) => hub !== undefined).length;
    return this.#taken.size >= rpcLimits.connections || ofHubs >= rpcLimits.connectionsOfHubs;
  }

  #idleOf(key: string | undefined): Place | undefined {
    return [...this.#taken].find(({ hub, isIdle }) => hub === key && isIdle());
  }

  #countOf(key: string | undefined): number {
    return [...this.#taken].filter(({ hub }) => hub === key).length;
  }

  /** The hub that has most, where that stays no less than what the other one has then. */
  #hubToGive(own: number): string | undefined {
    const counts = new Map<string, number>();
    for (const { hub } of this.#taken) if (hub !== undefined) counts.set(hub, (counts.get(hub) ?? 0) + 1);
    const [most] = [...counts].sort(([, one], [, other]) => other - one);
    return most !== undefined && most[1] > own + 1 ? most[0] : undefined;
  }
}

function keyOf(administrator: Administrator): string | undefined {
  return administrator.type === "hub" ? administrator.hubName.toLowerCase() : undefined;
}
