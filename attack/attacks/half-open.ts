import { once } from "node:events";
import type { Attack, Battle, Findings } from "../support/attack.ts";
import { keepUp, open } from "../support/traffic.ts";

const connections = 1_000;
/** The head of a TLS record and of a first message of 512 bytes, which then does not come. */
const beginning = Buffer.from("160301020001000001fc0303", "hex");

export const halfOpenTls: Attack = {
  about: "1,000 connections from 5 addresses that begin TLS and go no further",
  run: (battle) => hold(battle, battle, battle.localAddresses),
};

export const halfOpenTls6: Attack = {
  about: "1,000 connections from one IPv6 /64 that begin TLS and go no further",
  run: (battle) => hold(battle, { ...battle, address: battle.address6 }, battle.localAddresses6),
};

/** Each that is closed is opened again. */
async function hold(
  battle: Battle,
  target: Pick<Battle, "address" | "port">,
  addresses: readonly string[],
): Promise<Findings> {
  battle.begin();
  const { done, failed } = await keepUp(battle, connections, async (index) => {
    const socket = await open(target, addresses[index % addresses.length]);
    socket.resume().write(beginning);
    const openedAt = performance.now();
    await once(socket, "close");
    // Refused on arrival: no reason to try again at once.
    if (performance.now() - openedAt < 50) throw new Error("refused");
  });
  return { figures: { "closed later": done, "refused at once": failed } };
}
