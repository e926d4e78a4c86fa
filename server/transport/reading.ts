import type { Socket } from "node:net";

/**
 * What Node.js reads a connection by, below whatever stands on it. Not documented: the runtime is pinned, and a test holds it to
 * this. Where it is not as expected, reading goes on.
 */
interface ReadingSocket {
  readonly _handle?: { readStart?(): number; readStop?(): number } | null;
}

/** Leaves what comes in with the system, also when TLS stands on the connection already. */
export function holdReading(socket: Socket): void {
  (socket as unknown as ReadingSocket)._handle?.readStop?.();
}

/** Reads again after {@link holdReading}. */
export function goOnReading(socket: Socket): void {
  (socket as unknown as ReadingSocket)._handle?.readStart?.();
}
