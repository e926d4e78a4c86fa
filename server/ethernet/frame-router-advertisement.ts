import { icmpv6Types, read16, type Frame } from "./frame.ts";
import { transportChecksum } from "./frame-checksum.ts";

const leastBytes = 16;
const checksumAt = 2;
const lifetimeAt = 6;
const icmpv6 = 58;

/** Whether a frame announces a default router: an ICMPv6 router advertisement with a lifetime (RFC 4861 section 4.2). */
export function announcesDefaultRouter(frame: Frame): boolean {
  return (
    frame.transport === "icmpv6" &&
    frame.icmpType === icmpv6Types.routerAdvertisement &&
    frame.packetEnd - frame.transportAt >= leastBytes &&
    read16(frame.buffer, frame.transportAt + lifetimeAt) !== 0
  );
}

/**
 * Sets the lifetime of a router advertisement to 0, so that what it tells of prefixes remains and the router is nobody's default
 * router; the checksum fits again.
 *
 * @param bytes a copy of the frame that `frame` was read from, from its first byte on
 */
export function removeDefaultRouter(frame: Frame, bytes: Buffer): void {
  const at = frame.transportAt - frame.start;
  bytes.writeUInt16BE(0, at + lifetimeAt);
  bytes.writeUInt16BE(0, at + checksumAt);
  const checksum = transportChecksum(
    bytes,
    frame.networkAt - frame.start + 8,
    32,
    icmpv6,
    at,
    frame.packetEnd - frame.start,
  );
  bytes.writeUInt16BE(checksum, at + checksumAt);
}
