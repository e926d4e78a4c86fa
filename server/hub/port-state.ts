import { hubLimits } from "../limits.ts";
import type { AccessParty } from "./access-list.ts";
import type { HubPort } from "./hub-port.ts";
import type { HubOptions } from "../settings/hub-settings.ts";
import { defaultPolicy, type Policy } from "../settings/policy.ts";
import { createPortCounters, type DropReason, type PortCounters } from "./port-counters.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { StormLimiter } from "./storm-limiter.ts";

/** Least limits of addresses that hold whatever a policy says (`Cedar/Cedar.h` MAC_MIN_LIMIT_COUNT and its like). */
const leastMacs = 3;
const leastIpv4 = 4;
const leastIpv6 = 5;
/** IPv6 addresses of a port that may not route. */
const ipv6WithoutRouting = 15;

let lastSerial = 0;

/**
 * What a hub keeps of a port that is plugged in: its policy, made ready for looking at frames, and where its last source and
 * destination stand in the tables.
 */
export class PortState implements AccessParty {
  /** Number of the port in the tables of the hub; another port may get it when this one is unplugged. */
  readonly id: number;
  /** Number that no other port has, or had; 0 for none. */
  readonly serial: number;
  readonly port: HubPort;
  readonly policy: Policy;
  readonly userKey: string;
  readonly groupKey: string | undefined;
  readonly counters: PortCounters = createPortCounters();
  /** When it was plugged in, of the hub's clock. */
  readonly since: number;
  attached = true;

  /** Whether each frame from the port, or to it, must be looked into, because of its policy. */
  readonly inspectsSent: boolean;
  readonly inspectsReceived: boolean;
  /** Whether a flooded frame may be kept from the port, or reach it changed. */
  readonly selectsFlooded: boolean;
  readonly checksMac: boolean;
  /** Most addresses of the port; 0 for any number. */
  readonly macLimit: number;
  readonly ipv4Limit: number;
  readonly ipv6Limit: number;
  /** Whether the source address of each packet must be looked up, be it one that the hub keeps or not. */
  readonly checksIpv4: boolean;
  readonly checksIpv6: boolean;
  readonly upload: RateLimiter | undefined;
  readonly download: RateLimiter | undefined;
  /** Sends and gets frames without a tag, which have this tag in the hub; 0 for none. */
  readonly vlan: number;
  stormLimiter: StormLimiter | undefined;
  /** Whether router advertisements reach the port without a default router. */
  stripsRouters = false;

  /** Caches of the table lookups for the last source and destination; each holds as long as the generation is the table's. */
  sourceWord0 = 0;
  sourceWord1 = 0;
  sourceSlot = 0;
  sourceGeneration = -1;
  destinationWord0 = 0;
  destinationWord1 = 0;
  destinationGeneration = -1;
  destination: PortState = this;
  ipv4 = 0;
  ipv4Slot = 0;
  ipv4Generation = -1;
  ipv6Word0 = 0;
  ipv6Word1 = 0;
  ipv6Word2 = 0;
  ipv6Word3 = 0;
  ipv6Slot = 0;
  ipv6Generation = -1;

  /** Lines of the packet log in the minute that began then. */
  loggedSince = -Infinity;
  loggedFrames = 0;
  #toldSince = -Infinity;
  #told = 0;
  #leftOut = 0;
  readonly #dropLoggedAt = new Map<DropReason, number>();

  constructor(id: number, port: HubPort, since = 0) {
    const { policy } = port;
    this.id = id;
    this.serial = id < 0 ? 0 : ++lastSerial;
    this.port = port;
    this.since = since;
    this.policy = policy;
    this.userKey = port.user.name.toLowerCase();
    this.groupKey = port.user.group?.toLowerCase();
    const filters = policy.FilterIPv4 || policy.FilterIPv6 || policy.FilterNonIP;
    this.vlan = policy.VLanId;
    this.inspectsSent =
      port.monitor || filters || policy.MaxUpload > 0 || policy.PrivacyFilter || this.vlan !== 0;
    this.inspectsReceived = filters || policy.MaxDownload > 0 || this.vlan !== 0;
    this.selectsFlooded =
      this.inspectsReceived ||
      policy.PrivacyFilter ||
      policy.ArpDhcpOnly ||
      policy.DHCPFilter ||
      policy.DHCPv6Filter ||
      policy.RSandRAFilter;
    this.checksMac = policy.CheckMac || port.kind === "local-bridge";
    this.macLimit = leastLimit(leastMacs, policy.NoBridge ? leastMacs : 0, policy.MaxMac);
    this.ipv4Limit = leastLimit(leastIpv4, policy.NoRouting ? leastIpv4 : 0, policy.MaxIP);
    this.ipv6Limit = leastLimit(leastIpv6, policy.NoRoutingV6 ? ipv6WithoutRouting : 0, policy.MaxIPv6);
    this.checksIpv4 = policy.DHCPForce || this.ipv4Limit !== 0;
    this.checksIpv6 = this.ipv6Limit !== 0;
    this.upload = policy.MaxUpload > 0 ? new RateLimiter(policy.MaxUpload) : undefined;
    this.download = policy.MaxDownload > 0 ? new RateLimiter(policy.MaxDownload) : undefined;
  }

  /** Takes the options of the hub, which may have changed. */
  configure(options: HubOptions, random: () => number): void {
    const { policy } = this;
    this.stormLimiter = policy.NoBroadcastLimiter
      ? undefined
      : new StormLimiter({
          threshold: options.BroadcastStormDetectionThreshold,
          strict: options.BroadcastLimiterStrictMode,
          random,
        });
    const { peerAddress } = this.port;
    const isIpv6Peer = peerAddress.includes(":") && !peerAddress.toLowerCase().startsWith("::ffff:");
    this.stripsRouters =
      policy.NoIPv6DefaultRouterInRA ||
      (isIpv6Peer && (policy.NoIPv6DefaultRouterInRAWhenIPv6 || options.NoIPv6DefaultRouterInRAWhenIPv6));
  }

  /**
   * Whether a line may be logged about stations of the port, of which a peer makes up as many as it likes.
   *
   * @returns undefined if not; otherwise how many were left out since the last one
   */
  tellStation(now: number): number | undefined {
    if (now - this.#toldSince >= 60_000) {
      this.#toldSince = now;
      this.#told = 0;
    }
    if (++this.#told > hubLimits.stationLines) {
      this.#leftOut++;
      return undefined;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }

  /** Counts a frame that goes no further; tells whether a line may be logged about it, one in a while for each reason. */
  drop(reason: DropReason, now: number): boolean {
    this.counters.drops[reason]++;
    if (now - (this.#dropLoggedAt.get(reason) ?? -Infinity) < hubLimits.dropLogMs) return false;
    this.#dropLoggedAt.set(reason, now);
    return true;
  }
}

/** The lower one of two limits, of which 0 is none, and not below `least`. */
function leastLimit(least: number, one: number, other: number): number {
  if (one === 0 && other === 0) return 0;
  if (one === 0 || other === 0) return Math.max(least, one + other);
  return Math.max(least, Math.min(one, other));
}

const noPort: HubPort = {
  name: "",
  kind: "session",
  user: { name: "", group: undefined },
  policy: defaultPolicy,
  monitor: false,
  peerAddress: "",
  deliver: () => undefined,
};

/** Stand-ins for a destination that is not one port. */
export const destinations = {
  /** The frame goes no further. */
  nowhere: new PortState(-1, noPort),
  /** Monitors alone get it. */
  monitors: new PortState(-2, noPort),
  /** Every other port gets it: broadcast and multicast. */
  everywhere: new PortState(-3, noPort),
  /** Every other port gets it, as nobody knows where the station is. */
  searched: new PortState(-4, noPort),
  /** It must be looked into. */
  unclear: new PortState(-5, noPort),
  /** It reaches the receivers in different forms, or not all of them. */
  selected: new PortState(-6, noPort),
} as const;
