import { blockLimits } from "../limits.ts";
import { blockHeaderBytes } from "../wire/block-stream.ts";
import { announcesDefaultRouter, removeDefaultRouter } from "../ethernet/frame-router-advertisement.ts";
import { writeUntagged } from "../ethernet/frame-vlan.ts";
import type { HubState } from "./hub-state.ts";
import type { Inspection } from "./inspection.ts";
import { destinations, type PortState } from "./port-state.ts";

/** Hands frames over to their receivers, and counts them. */
export class Delivery {
  readonly #hub: HubState;
  /** A frame that reaches a receiver in another form. */
  readonly #changed = Buffer.allocUnsafe(blockHeaderBytes + blockLimits.frameBytes + blockHeaderBytes);

  constructor(hub: HubState) {
    this.#hub = hub;
  }

  /** Hands over a run of blocks that go the same way. */
  run(
    source: PortState,
    target: PortState,
    buffer: Buffer,
    start: number,
    end: number,
    frames: number,
  ): void {
    if (this.#hub.monitors.length > 0) this.#copyToMonitors(source, buffer, start, end, frames);
    const bytes = end - start - frames * blockHeaderBytes;
    if (target === destinations.everywhere || target === destinations.searched) {
      this.#flood(source, target, buffer, start, end, frames);
    } else if (target !== destinations.monitors) {
      const { sent } = target.counters;
      sent.unicastFrames += frames;
      sent.unicastBytes += bytes;
      target.port.deliver(buffer, start, end, frames, source.serial);
    }
  }

  /** Hands over the block of the frame that was looked into last, to each receiver in its own form. */
  selected(source: PortState, inspection: Inspection, start: number, end: number, now: number): void {
    const { frame, receiver } = inspection;
    if (this.#hub.monitors.length > 0) this.#copyToMonitors(source, frame.buffer, start, end, 1);
    if (receiver !== undefined) {
      this.#deliver(source, receiver, inspection, start, end);
      return;
    }
    for (const port of this.#hub.ports) {
      if (port === source || !port.attached) continue;
      const reason = inspection.findReceiverDrop(source, port, now);
      if (reason === undefined) this.#deliver(source, port, inspection, start, end);
      else port.drop(reason, now);
    }
  }

  #flood(
    source: PortState,
    target: PortState,
    buffer: Buffer,
    start: number,
    end: number,
    frames: number,
  ): void {
    const bytes = end - start - frames * blockHeaderBytes;
    for (const port of this.#hub.ports) {
      if (port === source || !port.attached) continue;
      const { sent } = port.counters;
      if (target === destinations.everywhere) {
        sent.broadcastFrames += frames;
        sent.broadcastBytes += bytes;
      } else {
        sent.unicastFrames += frames;
        sent.unicastBytes += bytes;
      }
      port.port.deliver(buffer, start, end, frames, source.serial);
    }
  }

  #deliver(source: PortState, receiver: PortState, { frame }: Inspection, start: number, end: number): void {
    let { buffer } = frame;
    if (receiver.stripsRouters && announcesDefaultRouter(frame)) {
      frame.buffer.copy(this.#changed, 0, start, end);
      removeDefaultRouter(frame, this.#changed.subarray(blockHeaderBytes, end - start));
      buffer = this.#changed;
      [start, end] = [0, end - start];
    }
    if (receiver.vlan !== 0) {
      const bytes = writeUntagged(buffer, start + blockHeaderBytes, end, this.#changed, blockHeaderBytes);
      buffer = this.#changed;
      buffer.writeUInt32BE(bytes, 0);
      [start, end] = [0, blockHeaderBytes + bytes];
    }
    const { sent } = receiver.counters;
    if (frame.isMulticast) {
      sent.broadcastFrames++;
      sent.broadcastBytes += end - start - blockHeaderBytes;
    } else {
      sent.unicastFrames++;
      sent.unicastBytes += end - start - blockHeaderBytes;
    }
    receiver.port.deliver(buffer, start, end, 1, source.serial);
  }

  #copyToMonitors(source: PortState, buffer: Buffer, start: number, end: number, frames: number): void {
    for (const { counters, port, attached } of this.#hub.monitors) {
      if (!attached) continue;
      counters.sent.unicastFrames += frames;
      counters.sent.unicastBytes += end - start - frames * blockHeaderBytes;
      port.deliver(buffer, start, end, frames, source.serial);
    }
  }
}
