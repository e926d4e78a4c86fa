import { hubLimits } from "../limits.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";
import { AddressTable } from "./address-table.ts";
import type { HubAttachment, HubPort } from "./hub-port.ts";
import type { HubSettings } from "./hub-settings.ts";
import type { PortCounters } from "./port-counters.ts";
import { PortState } from "./port-state.ts";

const ethernetHeaderBytes = 14;

/** Where a hub writes what it is configured to log. */
export interface HubLog {
  /** An event, without the time. */
  security(message: string): void;
  /** A line of the packet log, without date and time. */
  packet(line: string): void;
}

export interface HubOptions {
  readonly settings: HubSettings;
  readonly log: HubLog;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** From 0 up to, and without, 1. */
  readonly random: () => number;
  /** Calls back once after a time; what it returns calls that off. */
  readonly schedule: (callback: () => void, delayMs: number) => () => void;
}

/** A port's place in a {@link Hub}. */
export interface CountingHubAttachment extends HubAttachment {
  readonly counters: PortCounters;
}

/** An entry of the table of MAC addresses. */
export interface MacEntry {
  /** As in `5E-00-00-00-00-01`. */
  readonly mac: string;
  readonly port: string;
  /** 0 without a tag. */
  readonly vlan: number;
  /** Milliseconds of the hub's clock. */
  readonly createdAt: number;
  /** Milliseconds of the hub's clock. */
  readonly updatedAt: number;
}

/** Stand-ins for a destination that is not one port. */
const noPort: HubPort = {
  name: "",
  kind: "session",
  user: { name: "", group: undefined },
  policy: {} as HubPort["policy"],
  monitor: false,
  peerAddress: "",
  deliver: () => undefined,
};
const nowhere = new PortState(-1, noPort);
const everywhere = new PortState(-2, noPort);
const slow = new PortState(-3, noPort);

/**
 * A Virtual Hub: a switch between the ports that are plugged into it.
 *
 * Frames come in runs of blocks and leave in runs: those that stand side by side and go the same way are handed over in one
 * call. For a frame between two known stations it reads a few bytes and makes no object; everything else takes the long way.
 */
export class Hub {
  readonly #options: HubOptions;
  #settings: HubSettings;
  readonly #macs: AddressTable;
  #ports: readonly PortState[] = [];
  #monitors: readonly PortState[] = [];
  readonly #byId: PortState[] = [];
  readonly #freeIds: number[] = [];
  #sweepAt = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#macs = new AddressTable({
      limit: hubLimits.macEntries,
      seed: Math.floor(options.random() * 0x1_0000_0000) | 0,
    });
  }

  get settings(): HubSettings {
    return this.#settings;
  }

  /** Takes new settings, which hold from the next frame on. */
  update(settings: HubSettings): void {
    this.#settings = settings;
  }

  /** Plugs a port in. */
  attach(port: HubPort): CountingHubAttachment {
    const state = new PortState(this.#freeIds.pop() ?? this.#byId.length, port);
    this.#byId[state.id] = state;
    if (port.monitor) this.#monitors = [...this.#monitors, state];
    else this.#ports = [...this.#ports, state];
    return {
      counters: state.counters,
      forward: (buffer, start, end) => this.#forward(state, buffer, start, end),
      detach: () => this.#detach(state),
    };
  }

  /** Names of the ports that are plugged in. */
  *ports(): Generator<HubPort> {
    for (const { port } of this.#ports) yield port;
    for (const { port } of this.#monitors) yield port;
  }

  *macTable(): Generator<MacEntry> {
    this.#sweep(this.#options.now());
    for (const { words, owner, createdAt, updatedAt } of this.#macs.entries()) {
      const port = this.#byId[owner]?.port.name ?? "";
      yield { mac: formatMac(words[0], words[1]), port, vlan: words[0] >>> 16, createdAt, updatedAt };
    }
  }

  #detach(state: PortState): void {
    if (!state.attached) return;
    state.attached = false;
    this.#ports = this.#ports.filter((each) => each !== state);
    this.#monitors = this.#monitors.filter((each) => each !== state);
    this.#macs.removeWhere((owner) => owner === state.id);
    this.#freeIds.push(state.id);
  }

  #forward(source: PortState, buffer: Buffer, start: number, end: number): void {
    if (!source.attached) return;
    const now = this.#options.now();
    if (now >= this.#sweepAt) this.#sweep(now);
    let target = nowhere;
    let runStart = start;
    let runFrames = 0;
    let frames = 0;
    for (let at = start; at < end;) {
      const frameAt = at + blockHeaderBytes;
      const next = frameAt + readUint32(buffer, at);
      let to = this.#route(source, buffer, frameAt, next, now);
      if (to === slow) to = this.#inspect(source, buffer, frameAt, next, now);
      if (to !== target) {
        if (target !== nowhere) this.#deliverRun(source, target, buffer, runStart, at, runFrames);
        target = to;
        runStart = at;
        runFrames = 0;
      }
      runFrames++;
      frames++;
      at = next;
    }
    if (target !== nowhere) this.#deliverRun(source, target, buffer, runStart, end, runFrames);
    const { received } = source.counters;
    received.unicastFrames += frames;
    received.unicastBytes += end - start - frames * blockHeaderBytes;
  }

  /** Where a frame between two known stations goes; `slow` for every other. */
  #route(source: PortState, buffer: Buffer, at: number, end: number, now: number): PortState {
    if (end - at < ethernetHeaderBytes || ((buffer[at] as number) & 1) !== 0 || source.port.monitor)
      return slow;
    const macs = this.#macs;
    const generation = macs.generation;
    const source0 = readUint16(buffer, at + 6);
    const source1 = readInt32(buffer, at + 8);
    if (
      source.sourceGeneration !== generation ||
      source.sourceWord1 !== source1 ||
      source.sourceWord0 !== source0
    ) {
      const slot = macs.find(source0, source1, 0, 0);
      if (slot === -1 || macs.owner(slot) !== source.id) return slow;
      source.sourceWord0 = source0;
      source.sourceWord1 = source1;
      source.sourceSlot = slot;
      source.sourceGeneration = generation;
    }
    macs.refresh(source.sourceSlot, now);
    const destination0 = readUint16(buffer, at);
    const destination1 = readInt32(buffer, at + 2);
    if (
      source.destinationGeneration !== generation ||
      source.destinationWord1 !== destination1 ||
      source.destinationWord0 !== destination0
    ) {
      const slot = macs.find(destination0, destination1, 0, 0);
      const owner = slot === -1 ? source : (this.#byId[macs.owner(slot)] as PortState);
      if (owner === source) return slow;
      source.destinationWord0 = destination0;
      source.destinationWord1 = destination1;
      source.destination = owner;
      source.destinationGeneration = generation;
    }
    return source.destination;
  }

  /** The long way: checks and learns; gives the destination. */
  #inspect(source: PortState, buffer: Buffer, at: number, end: number, now: number): PortState {
    if (source.port.monitor) {
      source.drop("monitor");
      return nowhere;
    }
    if (end - at < ethernetHeaderBytes) {
      source.drop("short");
      return nowhere;
    }
    if (((buffer[at] as number) & 1) !== 0) {
      const { received } = source.counters;
      received.broadcastFrames++;
      received.broadcastBytes += end - at;
      received.unicastFrames--;
      received.unicastBytes -= end - at;
    }
    const macs = this.#macs;
    const source0 = readUint16(buffer, at + 6);
    const source1 = readInt32(buffer, at + 8);
    const sourceSlot = macs.find(source0, source1, 0, 0);
    if (sourceSlot === -1) {
      if (macs.add(source0, source1, 0, 0, source.id, now) === -1) {
        source.drop("macTableFull");
        return nowhere;
      }
    } else if (macs.owner(sourceSlot) !== source.id) macs.move(sourceSlot, source.id, now);
    else macs.refresh(sourceSlot, now);
    if (((buffer[at] as number) & 1) !== 0) return everywhere;
    const slot = macs.find(readUint16(buffer, at), readInt32(buffer, at + 2), 0, 0);
    if (slot === -1) return everywhere;
    if (macs.owner(slot) === source.id) {
      source.drop("samePort");
      return nowhere;
    }
    return this.#byId[macs.owner(slot)] as PortState;
  }

  #deliverRun(
    source: PortState,
    target: PortState,
    buffer: Buffer,
    start: number,
    end: number,
    frames: number,
  ): void {
    const bytes = end - start - frames * blockHeaderBytes;
    for (const monitor of this.#monitors) {
      count(monitor, bytes, frames, false);
      monitor.port.deliver(buffer, start, end, frames);
    }
    if (target !== everywhere) {
      count(target, bytes, frames, false);
      target.port.deliver(buffer, start, end, frames);
      return;
    }
    for (const port of this.#ports) {
      if (port === source) continue;
      count(port, bytes, frames, true);
      port.port.deliver(buffer, start, end, frames);
    }
  }

  #sweep(now: number): void {
    this.#sweepAt = now + hubLimits.sweepMs;
    const oldest = now - hubLimits.macAgeMs;
    this.#macs.removeWhere((_owner, updatedAt) => updatedAt <= oldest);
  }
}

function count({ counters: { sent } }: PortState, bytes: number, frames: number, broadcast: boolean): void {
  if (broadcast) {
    sent.broadcastFrames += frames;
    sent.broadcastBytes += bytes;
  } else {
    sent.unicastFrames += frames;
    sent.unicastBytes += bytes;
  }
}

function readUint16(buffer: Buffer, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
}

function readInt32(buffer: Buffer, at: number): number {
  return (
    ((buffer[at] as number) << 24) |
    ((buffer[at + 1] as number) << 16) |
    ((buffer[at + 2] as number) << 8) |
    (buffer[at + 3] as number)
  );
}

function formatMac(word0: number, word1: number): string {
  const bytes = [word0 >> 8, word0, word1 >> 24, word1 >> 16, word1 >> 8, word1];
  return bytes.map((byte) => (byte & 0xff).toString(16).padStart(2, "0").toUpperCase()).join("-");
}
