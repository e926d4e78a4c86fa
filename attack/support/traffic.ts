import { connect as connectTcp, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { login, type Account } from "../../bench/support/vpn-client.ts";
import { arena, type Battle } from "./attack.ts";

const tickMs = 10;
/** More is not given to a connection that the server does not read from. */
const mostWaitingBytes = 4 * 1024 * 1024;

/** A session of the attacked hub; what comes is thrown away. */
export async function session(
  { address }: Pick<Battle, "address">,
  options: Partial<Account> = {},
): Promise<TLSSocket> {
  const { hub, userPassword: password } = arena;
  const socket = await login({ address, hub, user: "one", password, ...options });
  socket.on("error", () => {});
  return socket.resume();
}

/** Many sessions, a few at a time. */
export async function sessions(
  battle: Pick<Battle, "address">,
  count: number,
  options: Partial<Account> = {},
): Promise<TLSSocket[]> {
  const made: TLSSocket[] = [];
  let left = count;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (left-- > 0) made.push(await session(battle, options));
    }),
  );
  return made;
}

export interface Flood {
  readonly bitsPerSecond: number;
  /** The next bytes to send, of any length. They may be of the same buffer again once the connection has taken them. */
  readonly chunk: () => Buffer;
}

/**
 * Sends at a steady rate until the battle is over or the connection is.
 *
 * @returns bits in a second that were sent
 */
export async function flood(
  battle: Battle,
  socket: Socket,
  { bitsPerSecond, chunk }: Flood,
): Promise<number> {
  const begin = performance.now();
  let due = 0;
  let sentBytes = 0;
  let lastAt = begin;
  while (!battle.isOver() && !socket.destroyed) {
    const now = performance.now();
    // What could not be sent is not made up for in one go.
    due = Math.min(due + ((now - lastAt) / 8000) * bitsPerSecond, bitsPerSecond / 8);
    lastAt = now;
    while (due > 0 && socket.writableLength < mostWaitingBytes && !socket.destroyed) {
      const bytes = chunk();
      socket.write(bytes);
      due -= bytes.length;
      sentBytes += bytes.length;
    }
    await delay(tickMs);
  }
  return (sentBytes * 8000) / (performance.now() - begin);
}

/** A TCP connection; rejects when it is refused. Errors after that are the caller's `close`. */
export function open(
  { address, port }: Pick<Battle, "address" | "port">,
  localAddress?: string,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: address, port, ...(localAddress !== undefined && { localAddress }) });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject).on("error", () => {});
      resolve(socket);
    });
  });
}

/**
 * Keeps `count` of something going until the battle is over: each that ends begins anew, after a short rest if it failed.
 *
 * @returns how often it was done, and how often that failed
 */
export async function keepUp(
  battle: Battle,
  count: number,
  one: (index: number) => Promise<void>,
): Promise<{ done: number; failed: number }> {
  const tally = { done: 0, failed: 0 };
  const restMs = 50;
  const all = Promise.all(
    Array.from({ length: count }, async (_, index) => {
      while (!battle.isOver()) {
        try {
          await one(index);
          tally.done++;
        } catch {
          tally.failed++;
          await delay(restMs);
        }
      }
    }),
  );
  await Promise.race([all, battle.end]);
  return tally;
}

export const mbit = (bitsPerSecond: number) => `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
