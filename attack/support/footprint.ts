import { readdir } from "node:fs/promises";
import type { ArenaServer } from "./arena.ts";

/** What a server holds at a moment: of what came and went, nothing may be left. */
export interface Footprint {
  readonly sessions: number;
  readonly hubs: number;
  /** Addresses in the tables of all hubs. */
  readonly macAddresses: number;
  readonly ipAddresses: number;
  readonly natConnections: number;
  readonly descriptors: number;
  readonly residentMb: number;
  readonly restarts: number;
}

/** How much more than at the beginning may be left of each. */
export const leeway: Footprint = {
  sessions: 0,
  hubs: 0,
  // Those of the virtual host of SecureNAT stay for some minutes after the last client.
  macAddresses: 1,
  ipAddresses: 3,
  natConnections: 0,
  // Log files of another day or hub.
  descriptors: 8,
  // What the allocator keeps of a heap that was large once.
  residentMb: 150,
  restarts: 0,
};

/** @throws Error when the server does not answer */
export async function footprintOf(server: ArenaServer): Promise<Footprint> {
  const { worker, hubs } = await server.status();
  if (hubs === null) throw new Error("the server does not answer");
  const { NumMacTables_u32: macAddresses = 0, NumIpTables_u32: ipAddresses = 0 } = await server.ask();
  const sum = (of: (hub: (typeof hubs)[number]) => number) => hubs.reduce((total, hub) => total + of(hub), 0);
  return {
    sessions: sum((hub) => hub.sessions),
    hubs: hubs.length,
    macAddresses,
    ipAddresses,
    natConnections: sum((hub) => hub.secureNat?.connections ?? 0),
    descriptors: (await readdir(`/proc/${worker.pid}/fd`)).length,
    residentMb: await server.residentMb(),
    restarts: worker.restarts,
  };
}

/** What is more than it may be, in words. */
export function leftOf(before: Footprint, after: Footprint): string[] {
  return (Object.keys(leeway) as (keyof Footprint)[])
    .filter((what) => after[what] > before[what] + leeway[what])
    .map((what) => `${what}: ${Math.round(after[what])}, and ${Math.round(before[what])} at the beginning`);
}
