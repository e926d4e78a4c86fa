import { brokenCompression, compressedBlocks } from "./attacks/compression.ts";
import { bridgeMacs, endlessSessions, fullQueues } from "./attacks/sessions.ts";
import { compressedBroadcasts, longAccessList, synFrames } from "./attacks/frames.ts";
import { halfOpenTls, halfOpenTls6 } from "./attacks/half-open.ts";
import type { Attack } from "./support/attack.ts";

/** By name, in the order in which all are made. */
export const attacks: Readonly<Record<string, Attack>> = {
  "broken-compression": brokenCompression,
  "compressed-blocks": compressedBlocks,
  "compressed-broadcasts": compressedBroadcasts,
  "access-list": longAccessList,
  "syn-frames": synFrames,
  "half-open-tls": halfOpenTls,
  "half-open-tls-ipv6": halfOpenTls6,
  "full-queues": fullQueues,
  "endless-sessions": endlessSessions,
  "bridge-macs": bridgeMacs,
};
