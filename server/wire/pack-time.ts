/**
 * The protocol counts milliseconds from nine hours after the Unix epoch (its authors' clock was Japan's). The
 * configuration file has the same numbers. Source: `Mayaqua/Kernel.c` SystemToUINT64 and its like.
 */
const offsetMs = 32_400_000;

/** Latest time that the official programs take. */
const latestTime = 4_102_243_323_123;

/**
 * A time as PACK and configuration have it, for an INT64 element.
 *
 * @param unixMs Unix time in milliseconds; undefined is "none" and becomes 0, as does a time before the protocol's epoch
 */
export function encodeTime(unixMs: number | undefined): bigint {
  if (unixMs === undefined || Number.isNaN(unixMs)) return 0n;
  return BigInt(Math.trunc(Math.min(Math.max(unixMs - offsetMs, 0), latestTime)));
}

/** Unix time in milliseconds, or undefined for 0, which means "none". A time beyond the latest becomes the latest. */
export function decodeTime(value: bigint): number | undefined {
  if (value <= 0n) return undefined;
  return Math.min(Number(value), latestTime) + offsetMs;
}
