import { kernelNatLimits } from "../limits.ts";

/** Who has begun connections that nobody has answered yet. */
export interface Beginner {
  halfOpen: number;
}

interface Attempt {
  readonly beginner: Beginner;
  readonly until: number;
}

/**
 * Connections of TCP that were begun and that nobody has answered yet, for a NAT whose connections the kernel keeps: the kernel's rules count
 * connections in any state. All last equally long, so the first one is always the next to be forgotten, and nobody has to be woken for it.
 */
export class HalfOpen {
  readonly #mostEach: number;
  readonly #attempts = new Map<string, Attempt>();

  /** @param mostEach of one beginner */
  constructor(mostEach: number) {
    this.#mostEach = mostEach;
  }

  get count(): number {
    return this.#attempts.size;
  }

  /**
   * Notes an attempt, or the repetition of one.
   *
   * @param key of the connection, by {@link connectionKey}
   * @returns false where the beginner has too many
   */
  begin(key: string, beginner: Beginner, now: number): boolean {
    this.#forget(now);
    if (!this.end(key) && beginner.halfOpen >= this.#mostEach) return false;
    // The kernel holds the hub to so many, whatever their state.
    if (this.#attempts.size >= kernelNatLimits.connections) return true;
    this.#attempts.set(key, { beginner, until: now + kernelNatLimits.connectingMs });
    beginner.halfOpen++;
    return true;
  }

  /**
   * Somebody has answered, or given up.
   *
   * @returns whether it was there
   */
  end(key: string): boolean {
    const attempt = this.#attempts.get(key);
    if (attempt === undefined) return false;
    this.#attempts.delete(key);
    attempt.beginner.halfOpen--;
    return true;
  }

  #forget(now: number): void {
    for (const [key, { until }] of this.#attempts) {
      if (until > now) return;
      this.end(key);
    }
  }
}

/** Tells a connection from all others of a hub, by its ends as the kernel has them. */
export function connectionKey(
  client: number,
  clientPort: number,
  remote: number,
  remotePort: number,
): string {
  return String.fromCharCode(
    client >>> 16,
    client & 0xffff,
    clientPort,
    remote >>> 16,
    remote & 0xffff,
    remotePort,
  );
}
