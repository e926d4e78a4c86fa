/** Why a hub did not pass a frame on. */
export const dropReasons = [
  /** Shorter than an Ethernet header. */
  "short",
  /** From a port that only looks on. */
  "monitor",
  /** The destination is on the port that it came from. */
  "samePort",
  /** The table of MAC addresses is full. */
  "macTableFull",
] as const;
export type DropReason = (typeof dropReasons)[number];

export interface TrafficCounters {
  unicastFrames: number;
  unicastBytes: number;
  /** Broadcast and multicast. */
  broadcastFrames: number;
  broadcastBytes: number;
}

/** What passed between a hub and its ports, or one of them; bytes are those of the frames. */
export interface PortCounters {
  /** From the port to the hub, whether it was passed on or not. */
  readonly received: TrafficCounters;
  /** From the hub to the port. */
  readonly sent: TrafficCounters;
  /** Frames that came in and went no further. */
  readonly drops: Record<DropReason, number>;
}

export function createPortCounters(): PortCounters {
  return {
    received: createTrafficCounters(),
    sent: createTrafficCounters(),
    drops: Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>,
  };
}

function createTrafficCounters(): TrafficCounters {
  return { unicastFrames: 0, unicastBytes: 0, broadcastFrames: 0, broadcastBytes: 0 };
}
