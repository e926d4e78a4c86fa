/** Why a frame went no further. The first ones are counted at the port that it came from. */
export const dropReasons = [
  /** The hub is offline. */
  "offline",
  /** From a port that only looks on. */
  "monitor",
  /** Shorter than an Ethernet header. */
  "short",
  /** It ends before a header that it should have. */
  "malformed",
  /** No station can have sent it: the source is nobody, everybody or the destination. */
  "invalidSource",
  /** Policy MaxUpload. */
  "uploadLimit",
  /** Policy NoServer or NoServerV6: it accepts a TCP connection. */
  "noServer",
  /** Policy DHCPNoServer or DHCPv6NoServer: it comes from a DHCP server. */
  "noDhcpServer",
  /** Another policy that lets no frames of its kind pass. */
  "policy",
  /** An option of the hub that lets no frames of its kind pass. */
  "hubFilter",
  /** A rule of the access list. */
  "accessList",
  /** A rule of the access list that loses some. */
  "loss",
  /** A rule of the access list answered it with a redirect. */
  "redirected",
  /** A rule of the access list delays it, and too many are delayed already. */
  "delayQueueFull",
  /** Policy MaxMac. */
  "macLimit",
  /** Policy NoBridge. */
  "bridgeLimit",
  /** Policy CheckMac: another port has the address. */
  "macConflict",
  /** The destination is on the port that it came from. */
  "samePort",
  /** Policy DHCPForce: no DHCP server assigned the address. */
  "dhcpForce",
  /** Policy MaxIP or MaxIPv6. */
  "ipLimit",
  /** Policy NoRouting or NoRoutingV6. */
  "routingLimit",
  /** Policy CheckIP, CheckIPv6 or DHCPForce: another port has the address. */
  "ipConflict",
  /** Part of a broadcast storm. */
  "storm",
  /** More frames to log than the hub's option MaxLoggedPacketsPerMinute allows. */
  "logLimit",

  /** Counted at the port that it was for: a policy of this port lets no frames of its kind pass. */
  "receiverPolicy",
  /** Policy PrivacyFilter on both sides. */
  "privacyFilter",
  /** Policy VLanId: it belongs to another VLAN. */
  "vlan",
  /** A rule of the access list that names the receiver. */
  "receiverAccessList",
  /** Policy MaxDownload. */
  "downloadLimit",
] as const;
export type DropReason = (typeof dropReasons)[number];

export interface TrafficCounters {
  unicastFrames: number;
  unicastBytes: number;
  /** Broadcast and multicast. */
  broadcastFrames: number;
  broadcastBytes: number;
}

/** What passed between a hub and a port, or all its ports; bytes are those of the frames. */
export interface PortCounters {
  /** From the port to the hub, whether it was passed on or not. */
  readonly received: TrafficCounters;
  /** From the hub to the port. */
  readonly sent: TrafficCounters;
  /** Frames that went no further. */
  readonly drops: Record<DropReason, number>;
}

export function createPortCounters(): PortCounters {
  return {
    received: createTrafficCounters(),
    sent: createTrafficCounters(),
    drops: Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>,
  };
}

/** Adds `counters` to `sum`. */
export function addPortCounters(sum: PortCounters, counters: PortCounters): void {
  addTraffic(sum.received, counters.received);
  addTraffic(sum.sent, counters.sent);
  for (const reason of dropReasons) sum.drops[reason] += counters.drops[reason];
}

/** Without a loop over the names: thousands of ports are added up at once. */
function addTraffic(sum: TrafficCounters, traffic: TrafficCounters): void {
  sum.unicastFrames += traffic.unicastFrames;
  sum.unicastBytes += traffic.unicastBytes;
  sum.broadcastFrames += traffic.broadcastFrames;
  sum.broadcastBytes += traffic.broadcastBytes;
}

function createTrafficCounters(): TrafficCounters {
  return { unicastFrames: 0, unicastBytes: 0, broadcastFrames: 0, broadcastBytes: 0 };
}
