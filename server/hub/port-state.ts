import type { HubPort } from "./hub-port.ts";
import { createPortCounters, type DropReason, type PortCounters } from "./port-counters.ts";

/** What a hub keeps of a port that is plugged in. */
export class PortState {
  /** Number of the port in the tables of the hub; another port may get it when this one is unplugged. */
  readonly id: number;
  readonly port: HubPort;
  readonly counters: PortCounters = createPortCounters();
  attached = true;

  /** The last source that the port used: where it stands in the table as long as the table's generation is the same. */
  sourceWord0 = 0;
  sourceWord1 = 0;
  sourceSlot = 0;
  sourceGeneration = -1;
  /** The last destination, in the same way. */
  destinationWord0 = 0;
  destinationWord1 = 0;
  destinationGeneration = -1;
  destination: PortState = this;

  constructor(id: number, port: HubPort) {
    this.id = id;
    this.port = port;
  }

  drop(reason: DropReason): void {
    this.counters.drops[reason]++;
  }
}
