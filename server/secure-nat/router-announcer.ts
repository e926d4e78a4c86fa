import type { Frame } from "../ethernet/frame.ts";
import { sourceAddress, type Ipv6Address } from "../ethernet/packed-address.ts";
import { ipv6HostLimits } from "../limits.ts";
import { allNodes, isRouterSolicitation, onLinkHopLimit, unspecified } from "./neighbor-discovery.ts";
import { ipProtocols, senderOf, type PacketWriter, type Station } from "./packet-writer.ts";
import { RateBySource } from "./rate-by-source.ts";
import { writeRouterAdvertisement, type RouterAdvertisement } from "./router-advertisement.ts";

export interface RouterAnnouncerOptions {
  readonly writer: PacketWriter;
  /** Whom the advertisements come from. */
  readonly station: Station<Ipv6Address>;
  readonly told: Omit<RouterAdvertisement, "router" | "lifetimeSeconds" | "validSeconds">;
  readonly now: () => number;
  /** 32 bits. */
  readonly random: () => number;
}

/** MAC address of all stations of a link that speak IPv6 (RFC 2464, section 7). */
const everybody = { mac0: 0x3333, mac1: 1, address: allNodes } as const;

/**
 * When a router says that it is one: to all from time to time while somebody is heard, to who asks, and to who has just come. The last because a client may have
 * asked long before its VPN was connected, and would use its other router until the next advertisement to all.
 */
export class RouterAnnouncer {
  readonly #options: RouterAnnouncerOptions;
  readonly #solicited: RateBySource;
  /** Sessions that were told when they came, the one that came first in front. */
  readonly #greeted = new Set<number>();
  #nextAt: number;
  #lastAt = -Infinity;
  #advertised = 0;
  /** Since the last look, and when that was so last. */
  #wasHeard = false;
  #heardAt = -Infinity;

  constructor(options: RouterAnnouncerOptions) {
    this.#options = options;
    this.#solicited = new RateBySource(options.now, ipv6HostLimits.advertisementsEach);
    this.#nextAt = options.now();
  }

  /** Sees a frame of the port of the number `from`, whatever it has. */
  heard({ source0: mac0, source1: mac1 }: Frame, from: number): void {
    this.#wasHeard = true;
    if (this.#greeted.has(from)) return;
    this.#greeted.add(from);
    if (this.#greeted.size > ipv6HostLimits.told) {
      for (const first of this.#greeted) {
        this.#greeted.delete(first);
        break;
      }
    }
    // As to all, by the MAC address of one (RFC 6085).
    this.#send({ mac0, mac1, address: allNodes }, ipv6HostLimits.lifetimeSeconds);
  }

  /** Takes a router solicitation. */
  solicited(frame: Frame, from: number): void {
    if (!isRouterSolicitation(frame) || !this.#solicited.admits(from)) return;
    const { lifetimeSeconds, advertisementGapMs } = ipv6HostLimits;
    if (sourceAddress(frame) !== unspecified) {
      this.#send(senderOf(frame), lifetimeSeconds);
      return;
    }
    this.#nextAt = Math.min(this.#nextAt, Math.max(this.#options.now(), this.#lastAt + advertisementGapMs));
    this.tick();
  }

  /**
   * Says what is due.
   *
   * @returns when something will be due next
   */
  tick(): number {
    const now = this.#options.now();
    if (this.#wasHeard) this.#heardAt = now;
    this.#wasHeard = false;
    const isQuiet = now - this.#heardAt > ipv6HostLimits.quietMs;
    // Where nobody is, nobody has to be told, and nothing be woken for it.
    if (isQuiet && this.#advertised > 0) return Infinity;
    if (now < this.#nextAt) return this.#nextAt;
    this.#send(everybody, ipv6HostLimits.lifetimeSeconds);
    this.#lastAt = now;
    const { leastAdvertisementMs, mostAdvertisementMs, firstAdvertisements, firstAdvertisementMs } =
      ipv6HostLimits;
    const share = this.#options.random() / 2 ** 32;
    const pauseMs = leastAdvertisementMs + share * (mostAdvertisementMs - leastAdvertisementMs);
    this.#nextAt =
      now + (++this.#advertised < firstAdvertisements ? Math.min(pauseMs, firstAdvertisementMs) : pauseMs);
    return isQuiet ? Infinity : this.#nextAt;
  }

  /** Says that it is no router any more. */
  close(): void {
    this.#send(everybody, 0);
  }

  #send(to: Station, lifetimeSeconds: number): void {
    const { writer, station, told } = this.#options;
    const at = writer.begin(station, to, ipProtocols.icmpv6, undefined, onLinkHopLimit);
    const { validSeconds } = ipv6HostLimits;
    const advertisement = { ...told, router: station, lifetimeSeconds, validSeconds };
    const end = writeRouterAdvertisement(writer.buffer, at, advertisement);
    writer.finishTransport(end, ipProtocols.icmpv6, at + 2);
  }
}
