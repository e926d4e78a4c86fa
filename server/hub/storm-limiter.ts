import { hubLimits } from "../limits.ts";
import type { Frame } from "../ethernet/frame.ts";

/** Sources that are told apart; others share the place of one of them. A power of two. */
const places = 256;
/** Flooded frames in a second from which on a source counts as a storm. */
const defaultThreshold = 32;
/** One of so many passes: from this on it takes effect, from `silence` on none passes. */
const effect = 3;
const silence = 128;
const most = 1024;

/** Of all limiters that have not seen a frame yet. */
const none = {
  frames: new Uint32Array(),
  windowStart: new Float64Array(),
  discard: new Uint16Array(),
} as const;

export interface StormLimiterOptions {
  /** Frames in a second; 0 for the default. */
  readonly threshold: number;
  /** Whether one station is one source, whatever addresses it writes into its packets. */
  readonly strict: boolean;
  readonly random: () => number;
}

/**
 * Stops broadcast storms of one port (`Cedar/Hub.c` CheckBroadcastStorm): counts the flooded frames of each source in windows of
 * half a second, lets one of 2, 4, 8 ... pass while there are too many, and eases off when there are fewer. A window ends with
 * the first frame after half a second; the rate is that over its whole time, silence included.
 *
 * A source is a MAC address with the IP addresses that the frame names. It has one of {@link places}, so that made-up addresses
 * neither take memory nor get a count of their own each.
 */
export class StormLimiter {
  readonly #options: StormLimiterOptions;
  /** Made for the first frame: the limiters of thousands of ports are made anew at once when an option of their hub changes. */
  #frames = none.frames;
  #windowStart = none.windowStart;
  #discard = none.discard;

  constructor(options: StormLimiterOptions) {
    this.#options = options;
  }

  /** Counts a frame that is to be flooded, and tells whether it may be. */
  admits(frame: Frame, now: number): boolean {
    if (this.#frames.length === 0) this.#make();
    const place = this.#placeOf(frame);
    const frames = (this.#frames[place] as number) + 1;
    this.#frames[place] = frames;
    const since = now - (this.#windowStart[place] as number);
    let admits = true;
    if ((this.#windowStart[place] as number) < 0 || since > hubLimits.stormWindowMs) {
      admits = !this.#endWindow(place, frames, since, now);
    }
    const discard = this.#discard[place] as number;
    if (discard < effect) return admits;
    if (discard >= silence) return false;
    return admits && Math.floor(this.#options.random() * discard) === 0;
  }

  #make(): void {
    this.#frames = new Uint32Array(places);
    this.#windowStart = new Float64Array(places).fill(-1);
    this.#discard = new Uint16Array(places);
  }

  /** Takes stock; tells whether there were too many frames. */
  #endWindow(place: number, frames: number, since: number, now: number): boolean {
    this.#windowStart[place] = now;
    this.#frames[place] = 0;
    const perSecond = Math.floor((frames * 1000) / since);
    const discard = this.#discard[place] as number;
    if (perSecond >= (this.#options.threshold === 0 ? defaultThreshold : this.#options.threshold)) {
      if (discard < most) this.#discard[place] = Math.max(discard, 1) * 2;
      return true;
    }
    const windows = Math.floor(since / hubLimits.stormWindowMs);
    this.#discard[place] = Math.floor(discard / Math.max(2, windows));
    return false;
  }

  #placeOf(frame: Frame): number {
    let hash = Math.imul(frame.source0 ^ Math.imul(frame.source1, 0x9e3779b1), 0x85ebca77);
    if (!this.#options.strict && frame.network !== "other" && frame.network !== "bpdu") {
      hash ^= frame.sourceIp0 ^ frame.sourceIp1 ^ frame.sourceIp2 ^ frame.sourceIp3;
      hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae3d);
      // An ARP message counts for its sender, whoever is asked for.
      if (frame.network !== "arp") {
        hash ^= frame.destinationIp0 ^ frame.destinationIp1 ^ frame.destinationIp2 ^ frame.destinationIp3;
      }
      hash = Math.imul(hash ^ (hash >>> 13), 0x27d4eb2f);
    }
    return (hash ^ (hash >>> 16)) & (places - 1);
  }
}
