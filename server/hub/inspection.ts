import { blockLimits } from "../limits.ts";
import { dhcpAck, ethernetHeaderBytes, Frame, read16, read32 } from "../ethernet/frame.ts";
import { carriesTcpData, encodeRedirect } from "../ethernet/frame-redirect.ts";
import { announcesDefaultRouter } from "../ethernet/frame-router-advertisement.ts";
import type { AccessRule } from "../settings/access-rule.ts";
import { dropMessage } from "./drop-message.ts";
import { configuresClients, findHubDrop, findReceiverDrop, findSenderDrop } from "./frame-filter.ts";
import type { HubLog } from "./hub-log.ts";
import type { HubState } from "./hub-state.ts";
import { formatIpv4, formatMac } from "../ethernet/word-address.ts";
import { learnMac } from "./mac-table.ts";
import { packetLogLevel, packetLogLine } from "./packet-log.ts";
import type { DropReason } from "./port-counters.ts";
import { destinations, type PortState } from "./port-state.ts";

const minuteMs = 60_000;
const { nowhere, monitors, everywhere, searched, selected } = destinations;

export interface InspectionOptions {
  readonly hub: HubState;
  readonly log: HubLog;
  readonly random: () => number;
  /** Keeps a frame back and gives it to {@link Inspection.route} again; false when there is no room for it. */
  readonly delay: (source: PortState, buffer: Buffer, at: number, end: number, delayMs: number) => boolean;
  /** Sends a frame to the port that it answers. */
  readonly answer: (port: PortState, frame: Buffer) => void;
}

/**
 * The long way through a hub: looks into a frame, applies filters, learns from it, logs it and finds its destination, in the order
 * of the hub reference, section 2 (`Cedar/Hub.c` StorePacket).
 */
export class Inspection {
  /** The frame that was looked into last. */
  readonly frame = new Frame();
  /** The receiver of a frame for which {@link destinations.selected} was the answer; undefined when it is flooded. */
  receiver: PortState | undefined;
  readonly #options: InspectionOptions;
  readonly #hub: HubState;
  /** Whether a rule of the access list has let the frame pass, so that none is tried for the receivers. */
  #isAdmitted = false;
  /** What the access list says of the receivers of that frame, once one was asked about. */
  #mayReach: ((receiver: PortState) => boolean) | undefined;

  constructor(options: InspectionOptions) {
    this.#options = options;
    this.#hub = options.hub;
  }

  /**
   * Where the frame of `buffer` from `at` to `end` goes: a port, or one of {@link destinations}.
   *
   * @param isDelayed it was here before and has waited; what is checked on entry was checked then
   */
  route(
    source: PortState,
    buffer: Buffer,
    at: number,
    end: number,
    now: number,
    isDelayed = false,
  ): PortState {
    const { frame } = this;
    if (source.port.monitor) return this.#drop(source, "monitor", now);
    if (end - at < ethernetHeaderBytes) return this.#drop(source, "short", now);
    if (((buffer[at] as number) & 1) !== 0 && !isDelayed) countAsBroadcast(source, end - at);
    if (!frame.read(buffer, at, end)) return this.#drop(source, "malformed", now);
    this.#isAdmitted = isDelayed;
    this.#mayReach = undefined;
    const reason = isDelayed ? undefined : this.#enter(source, now);
    if (reason === "delayed") return nowhere;
    if (reason !== undefined) return this.#drop(source, reason, now);
    const learning = learnMac(
      this.#hub.macs,
      source,
      this.#hub.macWord(frame.source0, frame.vlan),
      frame.source1,
      now,
    );
    if (learning === "new") this.#logStation(source, now);
    else if (learning !== "known") return this.#drop(source, learning, now);
    return this.#findDestination(source, now);
  }

  /** Why a receiver does not get the frame that was looked into last. */
  findReceiverDrop(source: PortState, receiver: PortState, now: number): DropReason | undefined {
    const { frame } = this;
    const { settings, accessList } = this.#hub;
    const reason = findReceiverDrop(frame, source, receiver, settings.options);
    if (reason !== undefined) return reason;
    if (!this.#isAdmitted && accessList.dependsOnReceiver) {
      this.#mayReach ??= accessList.forReceivers(frame, source);
      if (!this.#mayReach(receiver)) return "receiverAccessList";
    }
    return receiver.download?.admits(frame, now) === false ? "downloadLimit" : undefined;
  }

  /** What is checked when a frame comes in: why it goes no further, if it does not. */
  #enter(source: PortState, now: number): DropReason | "delayed" | undefined {
    const { frame } = this;
    const { settings, accessList } = this.#hub;
    if (!settings.online) return "offline";
    if (frame.hasInvalidSource) return "invalidSource";
    if (source.upload?.admits(frame, now) === false) return "uploadLimit";
    const reason = findSenderDrop(frame, source);
    if (reason !== undefined) return reason;
    if (frame.isDhcp && frame.dhcpMessageType === dhcpAck) this.#learnAssignment(source, now);
    const filtered = findHubDrop(frame, settings.options);
    if (filtered !== undefined) return filtered;
    const rule = accessList.findOnEntry(frame, source);
    return rule === undefined ? undefined : this.#applyRule(rule, source);
  }

  #applyRule(rule: AccessRule, source: PortState): DropReason | "delayed" | undefined {
    const { frame } = this;
    const { random, delay, answer } = this.#options;
    this.#isAdmitted = true;
    if (rule.redirectUrl !== "" && carriesTcpData(frame)) {
      const redirect = encodeRedirect(frame, rule.redirectUrl);
      if (source.port.kind === "session" && redirect.length <= blockLimits.frameBytes)
        answer(source, redirect);
      return "redirected";
    }
    if (rule.action === "discard") return "accessList";
    if (rule.lossPercent > 0 && random() * 100 < rule.lossPercent) return "loss";
    if (rule.delayMs === 0) return undefined;
    const jitterMs = (rule.delayMs * rule.jitterPercent * (2 * random() - 1)) / 100;
    const delayMs = Math.floor(rule.delayMs + jitterMs);
    if (delayMs < 1) return undefined;
    return delay(source, frame.buffer, frame.start, frame.end, delayMs) ? "delayed" : "delayQueueFull";
  }

  #findDestination(source: PortState, now: number): PortState {
    const { frame } = this;
    const { macs, ips, settings } = this.#hub;
    let receiver: PortState | undefined;
    if (!frame.isMulticast) {
      const word0 = this.#hub.macWord(frame.destination0, frame.vlan);
      const slot = macs.find(word0, frame.destination1, 0, 0);
      if (slot !== -1) receiver = this.#hub.owner(macs.owner(slot));
      if (receiver === source) return this.#drop(source, "samePort", now);
    }
    if (!settings.options.NoIpTable) {
      const reason = ips.learn(source, frame, settings.options, now);
      if (reason !== undefined) return this.#drop(source, reason, now);
    }
    return receiver === undefined ? this.#flood(source, now) : this.#unicast(source, receiver, now);
  }

  #unicast(source: PortState, receiver: PortState, now: number): PortState {
    const reason = this.findReceiverDrop(source, receiver, now);
    if (reason !== undefined) {
      receiver.drop(reason, now);
      return monitors;
    }
    if (!this.#writePacketLog(source, receiver, now)) {
      this.#drop(source, "logLimit", now);
      return monitors;
    }
    if (receiver.vlan === 0 && !(receiver.stripsRouters && announcesDefaultRouter(this.frame)))
      return receiver;
    this.receiver = receiver;
    return selected;
  }

  #flood(source: PortState, now: number): PortState {
    const { frame } = this;
    const { selectsFlooded, stripsRouters } = this.#hub;
    if (source.stormLimiter?.admits(frame, now) === false) return this.#drop(source, "storm", now);
    if (!this.#writePacketLog(source, undefined, now)) {
      this.#drop(source, "logLimit", now);
      return monitors;
    }
    this.receiver = undefined;
    if (selectsFlooded || (stripsRouters && announcesDefaultRouter(frame))) return selected;
    if (configuresClients(frame, source)) return selected;
    return frame.isMulticast ? everywhere : searched;
  }

  /** Takes note of the address that a DHCP server assigns to a station whose port is known. */
  #learnAssignment(source: PortState, now: number): void {
    const { frame } = this;
    const { macs, ips, settings } = this.#hub;
    const { buffer, payloadAt: at } = frame;
    const isEthernet = buffer[at + 1] === 1 && buffer[at + 2] === 6;
    const address = read32(buffer, at + 16);
    if (settings.options.NoIpTable || frame.dhcpOperation !== 2 || !isEthernet) return;
    if (address === 0 || address === -1) return;
    const mac0 = read16(buffer, at + 28);
    const mac1 = read32(buffer, at + 30);
    const slot = macs.find(mac0, mac1, 0, 0);
    if (slot === -1) return;
    const owner = this.#hub.owner(macs.owner(slot));
    const isNew = ips.assign(owner.id, address, now);
    if (!isNew || (settings.options.NoDhcpPacketLogOutsideHub && owner === source)) return;
    this.#tellStation(
      source,
      now,
      `Session "${source.port.name}": the DHCP server ${formatIpv4(frame.sourceIp3)} (MAC address ${formatMac(frame.source0, frame.source1)}) assigned the IP address ${formatIpv4(address)} to MAC address ${formatMac(mac0, mac1)} of session "${owner.port.name}".`,
    );
  }

  #logStation(source: PortState, now: number): void {
    const { frame } = this;
    if (this.#hub.settings.options.NoMacAddressLog) return;
    const vlan = frame.vlan === 0 ? "" : ` in VLAN ${frame.vlan}`;
    this.#tellStation(
      source,
      now,
      `Session "${source.port.name}": the MAC address ${formatMac(frame.source0, frame.source1)}${vlan} is there now.`,
    );
  }

  #tellStation(source: PortState, now: number, message: string): void {
    if (!this.#hub.settings.log.saveSecurityLog) return;
    const leftOut = source.tellStation(now);
    if (leftOut === undefined) return;
    const more = leftOut === 0 ? "" : ` ${leftOut} lines like this before it are left out.`;
    this.#writeSecurityLog(`${message}${more}`);
  }

  /** Logs the frame if it is to be logged; false when more of them would be logged than the hub allows. */
  #writePacketLog(source: PortState, receiver: PortState | undefined, now: number): boolean {
    const { frame } = this;
    const { log, options } = this.#hub.settings;
    const level = packetLogLevel(frame, log, options);
    if (level === 0) return true;
    if (!mayLog(source, options.MaxLoggedPacketsPerMinute, now)) return false;
    this.#options.log.packet(packetLogLine(frame, source.port, receiver?.port, level));
    return true;
  }

  #drop(source: PortState, reason: DropReason, now: number): PortState {
    if (source.drop(reason, now) && this.#hub.settings.log.saveSecurityLog) {
      const message = dropMessage(reason, source, this.frame);
      if (message !== undefined) this.#writeSecurityLog(message);
    }
    return nowhere;
  }

  #writeSecurityLog(message: string): void {
    if (this.#hub.settings.log.saveSecurityLog) this.#options.log.security(message);
  }
}

function countAsBroadcast({ counters: { received } }: PortState, bytes: number): void {
  received.broadcastFrames++;
  received.broadcastBytes += bytes;
  received.unicastFrames--;
  received.unicastBytes -= bytes;
}

/** Whether another frame of a session may be logged in this minute. */
function mayLog(source: PortState, mostInMinute: number, now: number): boolean {
  if (mostInMinute === 0 || source.policy.NoBroadcastLimiter || source.port.kind !== "session") return true;
  if (now - source.loggedSince >= minuteMs) {
    source.loggedSince = now;
    source.loggedFrames = 0;
  }
  return ++source.loggedFrames <= mostInMinute;
}
