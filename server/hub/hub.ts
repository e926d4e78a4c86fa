import { blockLimits, hubLimits } from "../limits.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";
import { writeTagged } from "../ethernet/frame-vlan.ts";
import { formatIp, formatMac } from "../ethernet/word-address.ts";
import { DelayedFrames } from "./delayed-frames.ts";
import { Delivery } from "./delivery.ts";
import type { HubLog } from "./hub-log.ts";
import type { HubAttachment, HubPort } from "./hub-port.ts";
import type { HubTime } from "./hub-time.ts";
import type { HubSettings } from "../settings/hub-settings.ts";
import { HubState } from "./hub-state.ts";
import { Inspection } from "./inspection.ts";
import { KnownStations } from "./known-stations.ts";
import type { PortCounters } from "./port-counters.ts";
import { destinations, type PortState } from "./port-state.ts";

export type { HubLog } from "./hub-log.ts";

export interface HubEnvironment {
  readonly settings: HubSettings;
  readonly log: HubLog;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** From 0 up to, and without, 1. */
  readonly random: () => number;
  /** Calls back once after a time; what it returns calls that off. */
  readonly schedule: (callback: () => void, delayMs: number) => () => void;
  /** The hub's share of the thread. */
  readonly time: HubTime;
}

/** A port's place in a {@link Hub}. */
export interface CountingHubAttachment extends HubAttachment {
  readonly counters: PortCounters;
}

/** A port that is plugged in. */
export interface PluggedPort {
  readonly port: HubPort;
  readonly counters: PortCounters;
  /** Of the hub's clock, in milliseconds. */
  readonly since: number;
}

/** An entry of the table of MAC addresses; times are of the hub's clock, in milliseconds. */
export interface MacEntry {
  /** As in `5E-00-00-00-00-01`. */
  readonly mac: string;
  /** Name of the port. */
  readonly port: string;
  /** 0 without a tag. */
  readonly vlan: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** An entry of the table of IP addresses; times are of the hub's clock, in milliseconds. */
export interface IpEntry {
  readonly ip: string;
  /** Name of the port. */
  readonly port: string;
  /** Whether a DHCP server assigned it. */
  readonly dhcp: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const { nowhere, unclear, selected } = destinations;
/** Frames that are looked into until the hub asks whether its time is over. */
const framesBetweenLooks = 4;

/**
 * A Virtual Hub: a switch between the ports that are plugged into it.
 *
 * Frames come in runs of blocks and leave in runs: those that stand side by side and go the same way are handed over in one
 * call. What goes between two known stations takes the short way ({@link KnownStations}), everything else the long one
 * ({@link Inspection}).
 */
export class Hub {
  readonly #options: HubEnvironment;
  readonly #state: HubState;
  readonly #known: KnownStations;
  readonly #inspection: Inspection;
  readonly #delivery: Delivery;
  readonly #delayed: DelayedFrames<PortState>;
  /** The block of a frame that gets a tag. */
  #tagged: Buffer | undefined;

  constructor(options: HubEnvironment) {
    this.#options = options;
    this.#state = new HubState(options.settings, options.random);
    this.#known = new KnownStations(this.#state);
    this.#delivery = new Delivery(this.#state);
    this.#delayed = new DelayedFrames({
      now: options.now,
      schedule: options.schedule,
      release: (source, block) => this.#forwardDelayed(source, block),
    });
    this.#inspection = new Inspection({
      hub: this.#state,
      log: options.log,
      random: options.random,
      delay: (source, buffer, at, end, delayMs) => this.#delayed.add(source, buffer, at, end, delayMs),
      answer: answerPort,
    });
    this.#tellUnsupported();
  }

  get settings(): HubSettings {
    return this.#state.settings;
  }

  /** Traffic and drops of all ports since the hub was made. */
  get counters(): PortCounters {
    return this.#state.counters;
  }

  /** Takes new settings, which hold from the next frame on. */
  update(settings: HubSettings): void {
    const former = this.settings;
    this.#state.update(settings);
    if (settings.accessList !== former.accessList || settings.log !== former.log) this.#tellUnsupported();
  }

  /** Plugs a port in. */
  attach(port: HubPort): CountingHubAttachment {
    const state = this.#state.add(port, this.#options.now());
    return {
      counters: state.counters,
      time: this.#options.time,
      forward: (buffer, start, end, isOver = never) => {
        if (!state.attached) return end;
        return state.vlan === 0
          ? this.#forward(state, buffer, start, end, isOver)
          : this.#forwardTagged(state, buffer, start, end, isOver);
      },
      detach: () => {
        if (!state.attached) return;
        this.#state.remove(state);
        this.#delayed.forget(state);
      },
    };
  }

  /** The ports that are plugged in. */
  *ports(): Generator<PluggedPort> {
    for (const { port, counters, since } of this.#state.all()) yield { port, counters, since };
  }

  *macTable(): Generator<MacEntry> {
    this.#state.sweepAll(this.#options.now());
    for (const { words, owner, createdAt, updatedAt } of this.#state.macs.entries()) {
      const port = this.#state.owner(owner).port.name;
      yield { mac: formatMac(words[0], words[1]), port, vlan: words[0] >>> 16, createdAt, updatedAt };
    }
  }

  *ipTable(): Generator<IpEntry> {
    this.#state.sweepAll(this.#options.now());
    for (const { words, owner, dhcp, createdAt, updatedAt } of this.#state.ips.entries())
      yield { ip: formatIp(words), port: this.#state.owner(owner).port.name, dhcp, createdAt, updatedAt };
  }

  /** Stations in the table of MAC addresses. */
  get macCount(): number {
    return this.#state.macs.size;
  }

  /** Entries of the table of IP addresses. */
  get ipCount(): number {
    return this.#state.ips.size;
  }

  /** Takes a station out of the table of MAC addresses, until it is heard of again. */
  forgetMac({ mac, vlan }: Pick<MacEntry, "mac" | "vlan">): void {
    for (const { words } of this.#state.macs.entries()) {
      if (formatMac(words[0], words[1]) !== mac || words[0] >>> 16 !== vlan) continue;
      this.#state.macs.delete(words);
      return;
    }
  }

  /** Takes an address out of the table of IP addresses, until it is heard of again. */
  forgetIp({ ip }: Pick<IpEntry, "ip">): void {
    for (const { words } of this.#state.ips.entries()) {
      if (formatIp(words) !== ip) continue;
      this.#state.ips.delete(words);
      return;
    }
  }

  #forward(source: PortState, buffer: Buffer, start: number, end: number, isOver: () => boolean): number {
    const now = this.#options.now();
    this.#state.sweep(now);
    const inspects = this.#state.inspectsAll || source.inspectsSent;
    const mostFlooded = hubLimits.floodedBytes / (this.#state.ports.length + 1);
    let target: PortState = nowhere;
    let runStart = start;
    let runFrames = 0;
    let frames = 0;
    let costly = 0;
    let at = start;
    while (at < end) {
      const frameAt = at + blockHeaderBytes;
      const next = frameAt + readUint32(buffer, at);
      let to: PortState = inspects ? unclear : this.#known.route(source, buffer, frameAt, next, now);
      const isCostly = to === unclear;
      if (isCostly) to = this.#inspection.route(source, buffer, frameAt, next, now);
      if (to !== target || to === selected || (isCostly && at - runStart > mostFlooded)) {
        if (target !== nowhere) this.#delivery.run(source, target, buffer, runStart, at, runFrames);
        if (to === selected) {
          this.#delivery.selected(source, this.#inspection, at, next, now);
          to = nowhere;
        }
        target = to;
        runStart = at;
        runFrames = 0;
      }
      runFrames++;
      frames++;
      at = next;
      // Not after each: to look at the clock costs a tenth of what a frame does.
      if (isCostly && ++costly % framesBetweenLooks === 0 && isOver()) break;
    }
    if (target !== nowhere) this.#delivery.run(source, target, buffer, runStart, at, runFrames);
    const { received } = source.counters;
    received.unicastFrames += frames;
    received.unicastBytes += at - start - frames * blockHeaderBytes;
    return at;
  }

  /** Forwards the frames of a port that belongs to a VLAN: each gets the tag that it has in the hub. */
  #forwardTagged(
    source: PortState,
    buffer: Buffer,
    start: number,
    end: number,
    isOver: () => boolean,
  ): number {
    const tagged = (this.#tagged ??= Buffer.allocUnsafe(2 * blockHeaderBytes + blockLimits.frameBytes));
    let at = start;
    do {
      const frameAt = at + blockHeaderBytes;
      const next = frameAt + readUint32(buffer, at);
      at = next;
      if (next - frameAt < 14) {
        source.drop("short", this.#options.now());
        continue;
      }
      const bytes = writeTagged(buffer, frameAt, next, source.vlan, tagged, blockHeaderBytes);
      tagged.writeUInt32BE(bytes, 0);
      this.#forward(source, tagged, 0, blockHeaderBytes + bytes, never);
    } while (at < end && !isOver());
    return at;
  }

  #forwardDelayed(source: PortState, block: Buffer): void {
    const now = this.#options.now();
    const to = this.#inspection.route(source, block, blockHeaderBytes, block.length, now, true);
    if (to === selected) this.#delivery.selected(source, this.#inspection, 0, block.length, now);
    else if (to !== nowhere) this.#delivery.run(source, to, block, 0, block.length, 1);
  }

  #tellUnsupported(): void {
    if (!this.settings.log.saveSecurityLog) return;
    for (const rule of this.#state.accessList.namingUserLists) {
      const effect = rule.action === "discard" ? "discards frames of everybody" : "fits no frame";
      this.#options.log.security(
        `The access list entry of priority ${rule.priority} names users by a file (include:, exclude:). Such files are not read; the entry ${effect}. Name a user or a group instead.`,
      );
    }
  }
}

function never(): boolean {
  return false;
}

function answerPort({ port, counters }: PortState, frame: Buffer): void {
  const block = Buffer.allocUnsafe(blockHeaderBytes + frame.length);
  block.writeUInt32BE(frame.length, 0);
  frame.copy(block, blockHeaderBytes);
  counters.sent.unicastFrames++;
  counters.sent.unicastBytes += frame.length;
  port.deliver(block, 0, block.length, 1, 0);
}
