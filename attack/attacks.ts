import {
  deepJson,
  formerPassword,
  hubCalls,
  hubConnections,
  manyCalls,
  packBombs,
  wrongPasswords,
} from "./attacks/administration.ts";
import { brokenCompression, compressedBlocks } from "./attacks/compression.ts";
import { compressedBroadcasts, longAccessList, synFrames } from "./attacks/frames.ts";
import { halfOpenTls, halfOpenTls6 } from "./attacks/half-open.ts";
import { hubNames } from "./attacks/hub-names.ts";
import { crossSite, hugeHeads, spacesInHead } from "./attacks/http.ts";
import { failedLogins, forgottenThrottle } from "./attacks/passwords.ts";
import {
  natConnections,
  natDhcpClients,
  natNeverReads,
  natOddPackets,
  natQuestions,
  natUdpPorts,
} from "./attacks/secure-nat.ts";
import { bridgeMacs, endlessSessions, fullQueues } from "./attacks/sessions.ts";
import { emptyBlocks, forgedArp, keepAlives, tinyRecords } from "./attacks/streams.ts";
import type { Attack } from "./support/attack.ts";

/** What the machine itself does to those who are watched: all else is to be seen beside it. */
const calm: Attack = {
  about: "no attack",
  run: () => Promise.resolve({}),
};

/** By name, in the order in which all are made. */
export const attacks: Readonly<Record<string, Attack>> = {
  calm,
  "broken-compression": brokenCompression,
  "compressed-blocks": compressedBlocks,
  "compressed-broadcasts": compressedBroadcasts,
  "access-list": longAccessList,
  "syn-frames": synFrames,
  "half-open-tls": halfOpenTls,
  "half-open-tls-ipv6": halfOpenTls6,
  "full-queues": fullQueues,
  "spaces-in-head": spacesInHead,
  "huge-heads": hugeHeads,
  "hub-names": hubNames,
  "endless-sessions": endlessSessions,
  "bridge-macs": bridgeMacs,
  "cross-site": crossSite,
  "former-password": formerPassword,
  "wrong-passwords": wrongPasswords,
  "hub-connections": hubConnections,
  "hub-calls": hubCalls,
  "forgotten-throttle": forgottenThrottle,
  "failed-logins": failedLogins,
  "nat-connections": natConnections,
  "nat-udp-ports": natUdpPorts,
  "nat-questions": natQuestions,
  "nat-odd-packets": natOddPackets,
  "nat-never-reads": natNeverReads,
  "nat-dhcp-clients": natDhcpClients,
  "keep-alives": keepAlives,
  "empty-blocks": emptyBlocks,
  "tiny-records": tinyRecords,
  "forged-arp": forgedArp,
  "deep-json": deepJson,
  "many-calls": manyCalls,
  "pack-bombs": packBombs,
};
