import { hubLimits } from "../limits.ts";
import type { AddressTable } from "./address-table.ts";
import type { DropReason } from "./port-counters.ts";
import type { PortState } from "./port-state.ts";

/** What came of taking note of a station: whether it is new at its port, or why its frame goes no further. */
export type MacLearning = "known" | "new" | DropReason;

/**
 * Takes note that a station is at a port (`Cedar/Hub.c`, StorePacket). The first word has the first half of the address, and the
 * VLAN above it.
 */
export function learnMac(
  table: AddressTable,
  source: PortState,
  word0: number,
  word1: number,
  now: number,
): MacLearning {
  const slot = table.find(word0, word1, 0, 0);
  if (slot === -1) {
    if (source.macLimit !== 0 && table.ownedBy(source.id) >= source.macLimit)
      return source.policy.NoBridge ? "bridgeLimit" : "macLimit";
    table.add(word0, word1, 0, 0, source.id, now);
    return "new";
  }
  if (table.owner(slot) === source.id) {
    table.refresh(slot, now);
    return "known";
  }
  if (source.checksMac && now - table.updatedAt(slot) <= hubLimits.exclusiveMs) return "macConflict";
  table.move(slot, source.id, now);
  return "new";
}
