import { blockLimits, packetDeviceLimits } from "../limits.ts";
import type { PinnedMemory } from "../native/pinned-memory.ts";
import { SystemCallError } from "../native/system-call-error.ts";
import type { Descriptor, SystemCalls, Watch } from "../native/system-calls.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";
import { indexOfEthernet, interfaceRequest } from "./interface-request.ts";
import type { PacketDevice, PacketDeviceEvents } from "./packet-device.ts";
import { finishFrame, readUnfinished, unfinishedHeaderBytes } from "./unfinished-frame.ts";

// linux/if_packet.h, linux/if_ether.h, asm-generic/socket.h
const AF_PACKET = 17;
const ETH_P_ALL = 0x0003;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_AUXDATA = 8;
const PACKET_VNET_HDR = 15;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_PROMISC = 1;
const PACKET_OUTGOING = 4;
const TP_STATUS_VLAN_VALID = 1 << 4;
const TP_STATUS_VLAN_TPID_VALID = 1 << 6;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;

/** `struct sockaddr_ll`, of which the kind of a frame is one byte. */
const addressBytes = 20;
const kindAt = 10;
/** `struct packet_mreq`. */
const membershipBytes = 16;
/** `struct cmsghdr` with `struct tpacket_auxdata` behind it. */
const details = { bytes: 64, levelAt: 8, typeAt: 12, statusAt: 16, tagAt: 32, tagTypeAt: 34 } as const;

const macsBytes = 12;
const tagBytes = 4;
const leastFrameBytes = 14;
const vlanType = 0x8100;

export interface PacketSocketOptions {
  /** Takes all frames of the wire, and not only those that are for the host. */
  readonly promiscuous: boolean;
}

/**
 * An interface of the host that is there, by a packet socket (packet(7)): what comes in at it comes here, and what is sent here leaves by
 * it. What the host itself sends through it is not for us, and what we send does not reach the host itself: it is on the other side of
 * the interface.
 *
 * Frames come with a header that tells what their sender left to the network card (`PACKET_VNET_HDR`), and are finished here. To switch
 * that off at the interface, as the official server does by ethtool, would change it for the whole host, would have to be put back by
 * whoever ends last, and is of no use where it counts: frames through a veth or a bridge are left unfinished by the interface that they
 * were sent through, which is another one.
 */
export class PacketSocket implements PacketDevice {
  readonly name: string;
  dropped = 0;
  readonly #calls: SystemCalls;
  readonly #events: PacketDeviceEvents;
  readonly #descriptor: Descriptor;
  readonly #received: PinnedMemory;
  readonly #details: { readonly address: PinnedMemory; readonly control: PinnedMemory };
  /** Begins with a header that leaves nothing to anybody. */
  readonly #outgoing: PinnedMemory;
  /** One segment of a longer frame. */
  readonly #segment = Buffer.allocUnsafe(blockLimits.frameBytes);
  readonly #batch = Buffer.allocUnsafe(packetDeviceLimits.batchBytes);
  #batchUsed = 0;
  readonly #watch: Watch;
  #isOpen = true;

  private constructor(calls: SystemCalls, descriptor: Descriptor, name: string, events: PacketDeviceEvents) {
    this.#calls = calls;
    this.#descriptor = descriptor;
    this.name = name;
    this.#events = events;
    this.#received = calls.allocate(unfinishedHeaderBytes + packetDeviceLimits.unfinishedBytes);
    this.#details = { address: calls.allocate(addressBytes), control: calls.allocate(details.bytes) };
    this.#outgoing = calls.allocate(unfinishedHeaderBytes + blockLimits.frameBytes);
    this.#watch = calls.watch(descriptor, () => this.#read());
  }

  /**
   * Opens an interface, which stays as it is otherwise.
   *
   * @throws {RangeError} for a name that no interface can have
   * @throws {SystemCallError} EPERM without CAP_NET_RAW, ENODEV when there is none of this name
   * @throws {Error} when it is down, or is not of Ethernet
   */
  static open(
    calls: SystemCalls,
    name: string,
    events: PacketDeviceEvents,
    { promiscuous }: PacketSocketOptions,
  ): PacketSocket {
    const request = interfaceRequest(calls, name);
    const argument = calls.allocate(addressBytes);
    let descriptor: Descriptor | undefined;
    try {
      descriptor = calls.packetSocket();
      const index = indexOfEthernet(calls, request, name);
      setOptions(calls, descriptor, argument, { index, promiscuous });
      argument.bytes.fill(0);
      argument.bytes.writeUInt16LE(AF_PACKET, 0);
      argument.bytes.writeUInt16BE(ETH_P_ALL, 2);
      argument.bytes.writeInt32LE(index, 4);
      calls.bind(descriptor, argument, addressBytes);
      return new PacketSocket(calls, descriptor, name, events);
    } catch (error) {
      if (descriptor !== undefined) calls.close(descriptor);
      throw error;
    } finally {
      request.release();
      argument.release();
    }
  }

  send(buffer: Buffer, start: number, end: number): void {
    for (let at = start; at < end && this.#isOpen;) {
      const frameAt = at + blockHeaderBytes;
      const bytes = unfinishedHeaderBytes + readUint32(buffer, at);
      at += blockHeaderBytes + bytes - unfinishedHeaderBytes;
      buffer.copy(this.#outgoing.bytes, unfinishedHeaderBytes, frameAt, at);
      try {
        if (this.#calls.write(this.#descriptor, this.#outgoing, 0, bytes) === undefined) this.dropped++;
      } catch {
        // Longer than the interface's MTU, or the interface is down or gone; the next read tells.
        this.dropped++;
      }
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.stop();
    this.#calls.close(this.#descriptor);
    const { address, control } = this.#details;
    for (const memory of [this.#received, this.#outgoing, address, control]) memory.release();
  }

  /** Takes about one batch, so that the wire does not hold up everything else; what is left comes in the next turn. */
  #read(): void {
    const most = this.#received.bytes.length;
    let failure: unknown;
    let bytes = 0;
    for (let frames = 0; frames < packetDeviceLimits.batchFrames; frames++) {
      if (bytes >= packetDeviceLimits.batchBytes || !this.#isOpen) break;
      let length: number | undefined;
      try {
        length = this.#calls.receiveMessage(this.#descriptor, this.#received, 0, most, this.#details);
      } catch (error) {
        if (isUnspeakable(error)) {
          this.dropped++;
          continue;
        }
        failure = error;
        break;
      }
      if (length === undefined) break;
      bytes += length;
      this.#take(length);
    }
    this.#flush();
    // Whoever received it may have closed the device.
    if (failure === undefined || !this.#isOpen) return;
    this.close();
    this.#events.lost(failure as Error);
  }

  /** Looks at the frame that was received. */
  #take(length: number): void {
    const { bytes } = this.#received;
    // Where the kernel cannot keep them back (before 4.20).
    if (this.#details.address.bytes[kindAt] === PACKET_OUTGOING) return;
    if (length > bytes.length || length < unfinishedHeaderBytes + leastFrameBytes) {
      this.dropped++;
      return;
    }
    const { control } = this.#details;
    const isFinished = finishFrame(
      bytes,
      unfinishedHeaderBytes,
      length,
      readUnfinished(bytes),
      this.#segment,
      (buffer, start, end) => this.#add(buffer, start, end, control.bytes),
    );
    if (!isFinished) this.dropped++;
  }

  /** Adds a frame to the batch, with the tag that the kernel has taken off. */
  #add(buffer: Buffer, start: number, end: number, control: Buffer): void {
    const isTagged = hasTag(control);
    const length = end - start + (isTagged ? tagBytes : 0);
    if (length > blockLimits.frameBytes) {
      this.dropped++;
      return;
    }
    if (this.#batchUsed + blockHeaderBytes + length > this.#batch.length) this.#flush();
    const at = this.#batchUsed;
    this.#batchUsed += blockHeaderBytes + length;
    const frameAt = at + blockHeaderBytes;
    this.#batch.writeUInt32BE(length, at);
    if (!isTagged) {
      buffer.copy(this.#batch, frameAt, start, end);
      return;
    }
    const hasType = (control.readUInt32LE(details.statusAt) & TP_STATUS_VLAN_TPID_VALID) !== 0;
    const tagAt = frameAt + macsBytes;
    buffer.copy(this.#batch, frameAt, start, start + macsBytes);
    this.#batch.writeUInt16BE(hasType ? control.readUInt16LE(details.tagTypeAt) : vlanType, tagAt);
    this.#batch.writeUInt16BE(control.readUInt16LE(details.tagAt), tagAt + 2);
    buffer.copy(this.#batch, tagAt + tagBytes, start + macsBytes, end);
  }

  #flush(): void {
    const end = this.#batchUsed;
    this.#batchUsed = 0;
    if (end > 0 && this.#isOpen) this.#events.receive(this.#batch, 0, end);
  }
}

function hasTag(control: Buffer): boolean {
  return (
    control.readUInt32LE(0) >= details.tagTypeAt + 2 &&
    control.readInt32LE(details.levelAt) === SOL_PACKET &&
    control.readInt32LE(details.typeAt) === PACKET_AUXDATA &&
    (control.readUInt32LE(details.statusAt) & TP_STATUS_VLAN_VALID) !== 0
  );
}

/** Of a frame that the header cannot tell of, such as one of a tunnel that was left whole; the kernel has dropped it. */
function isUnspeakable(error: unknown): boolean {
  return error instanceof SystemCallError && error.code === "EINVAL";
}

function setOptions(
  calls: SystemCalls,
  descriptor: Descriptor,
  argument: PinnedMemory,
  { index, promiscuous }: { readonly index: number; readonly promiscuous: boolean },
): void {
  const set = (level: number, option: number, value: number) => {
    argument.bytes.writeInt32LE(value);
    calls.setOption(descriptor, level, option, argument, 4);
  };
  const trySet = (level: number, option: number, value: number): boolean => {
    try {
      set(level, option, value);
      return true;
    } catch {
      return false;
    }
  };
  set(SOL_PACKET, PACKET_VNET_HDR, 1);
  set(SOL_PACKET, PACKET_AUXDATA, 1);
  trySet(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  // The first one goes beyond what the host grants to everybody, and needs CAP_NET_ADMIN.
  const { receiveBytes } = packetDeviceLimits;
  if (!trySet(SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes)) trySet(SOL_SOCKET, SO_RCVBUF, receiveBytes);
  if (!promiscuous) return;
  argument.bytes.fill(0);
  argument.bytes.writeInt32LE(index, 0);
  argument.bytes.writeUInt16LE(PACKET_MR_PROMISC, 4);
  calls.setOption(descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, argument, membershipBytes);
}
