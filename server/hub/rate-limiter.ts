import { hubLimits } from "../limits.ts";
import { tcpFlags, type Frame } from "../ethernet/frame.ts";

/**
 * Holds the bits of a direction of a port to a number in a second (`Cedar/Hub.c` IntoTrafficLimiter): counts in windows of one
 * second, and what is above is dropped.
 */
export class RateLimiter {
  readonly #bitsPerSecond: number;
  #windowStart = -Infinity;
  #bits = 0;

  constructor(bitsPerSecond: number) {
    this.#bitsPerSecond = bitsPerSecond;
  }

  admits(frame: Frame, now: number): boolean {
    if (goesFirst(frame)) return true;
    if (now - this.#windowStart > hubLimits.rateWindowMs) {
      this.#windowStart = now;
      this.#bits = 0;
    }
    this.#bits += (frame.end - frame.start) * 8;
    return this.#bits <= this.#bitsPerSecond;
  }
}

/** Frames that do not count, so that connections begin and end under full load (`Cedar/Hub.c` IsMostHighestPriorityPacket). */
function goesFirst(frame: Frame): boolean {
  if (frame.network === "arp") return true;
  if (frame.network !== "ipv4") return false;
  if (frame.transport === "tcp") return (frame.tcpFlags & (tcpFlags.syn | tcpFlags.fin | tcpFlags.rst)) !== 0;
  return frame.transport === "icmp" || frame.isDhcp;
}
