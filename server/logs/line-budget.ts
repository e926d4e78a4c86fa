import { networkOf } from "../ethernet/ip-address.ts";
import { logLimits } from "../limits.ts";

/** What one network made the log say in a minute. */
interface Minute {
  readonly beganAt: number;
  lines: number;
  leftOut: number;
}

/**
 * Bounds what a peer can make a log say by what it does, be it refused or let in: so many lines a minute of each network, and then
 * their number.
 */
export class LineBudget {
  readonly #now: () => number;
  readonly #tellLeftOut: (text: string) => void;
  readonly #byNetwork = new Map<string, Minute>();

  /**
   * @param now milliseconds of a clock that only goes forward
   * @param tellLeftOut writes a line about those that were left out
   */
  constructor(now: () => number, tellLeftOut: (text: string) => void) {
    this.#now = now;
    this.#tellLeftOut = tellLeftOut;
  }

  /** Whether a line about a peer may be written; it counts. */
  admits(peerAddress: string): boolean {
    const network = networkOf(peerAddress);
    const now = this.#now();
    let minute = this.#byNetwork.get(network);
    if (minute === undefined || now - minute.beganAt >= 60_000) {
      this.#end(network, minute);
      if (this.#byNetwork.size >= logLimits.networks) this.#endOldest();
      minute = { beganAt: now, lines: 0, leftOut: 0 };
      this.#byNetwork.set(network, minute);
    }
    if (minute.lines < logLimits.peerLines) {
      minute.lines++;
      return true;
    }
    minute.leftOut++;
    return false;
  }

  /** Tells what was left out in minutes that are over; to be called every now and then. */
  look(): void {
    const now = this.#now();
    for (const [network, minute] of this.#byNetwork) {
      // In the order in which they began.
      if (now - minute.beganAt < 60_000) return;
      this.#end(network, minute);
    }
  }

  #endOldest(): void {
    const [oldest] = this.#byNetwork;
    if (oldest !== undefined) this.#end(...oldest);
  }

  #end(network: string, minute: Minute | undefined): void {
    this.#byNetwork.delete(network);
    if (minute === undefined || minute.leftOut === 0) return;
    this.#tellLeftOut(`${minute.leftOut} lines more about ${network} within a minute are left out.`);
  }
}
