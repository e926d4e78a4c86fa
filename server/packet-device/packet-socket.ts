import { packetDeviceLimits } from "../limits.ts";
import type { ReceiveBatch, SendBatch } from "../native/message-batch.ts";
import type { PinnedMemory } from "../native/pinned-memory.ts";
import { SystemCallError } from "../native/system-call-error.ts";
import type { Descriptor, SystemCalls, Watch } from "../native/system-calls.ts";
import { IncomingFrames, incomingBytes } from "./incoming-frames.ts";
import { indexOfEthernet, interfaceRequest, mtuOf } from "./interface-request.ts";
import type { OutgoingFrames } from "./outgoing-frames.ts";
import { OutgoingQueue } from "./outgoing-queue.ts";
import type { PacketDevice, PacketDeviceEvents } from "./packet-device.ts";

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
const [SO_SNDBUF, SO_SNDBUFFORCE] = [7, 32];
const [SO_RCVBUF, SO_RCVBUFFORCE] = [8, 33];

/** `struct sockaddr_ll`, of which the kind of a frame is one byte. */
const addressBytes = 20;
const kindAt = 10;
/** The same with what fills it up to the next one. */
const addressSpace = 24;
/** `struct packet_mreq`. */
const membershipBytes = 16;
/** `struct cmsghdr` with `struct tpacket_auxdata` behind it. */
const details = { bytes: 64, levelAt: 8, typeAt: 12, statusAt: 16, tagAt: 32, tagTypeAt: 34 } as const;

const tagBytes = 4;
const vlanType = 0x8100;
const ethernetBytes = 14;
/** Merged frames until the interface is asked for its MTU again. */
const mergedBeforeAsked = 1_024;

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
 * were sent through, which is another one. What is sent has the same header, so that segments of one flow leave as one frame.
 */
export class PacketSocket implements PacketDevice {
  readonly name: string;
  readonly #calls: SystemCalls;
  /** Of the interface, for the kernel. */
  readonly #index: number;
  readonly #events: PacketDeviceEvents;
  readonly #descriptor: Descriptor;
  /** Names the interface, for questions about it. */
  readonly #request: PinnedMemory;
  readonly #received: ReceiveBatch;
  readonly #incoming: IncomingFrames;
  readonly #tag = Buffer.alloc(tagBytes);
  readonly #sent: PinnedMemory;
  readonly #sendBatch: SendBatch;
  readonly #outgoing: OutgoingQueue;
  readonly #watch: Watch;
  #refused = 0;
  #merged = 0;
  /** Frames that the next call asks for: few where they are long. */
  #most = packetDeviceLimits.readAtOnce as number;
  #isOpen = true;

  private constructor(
    calls: SystemCalls,
    descriptor: Descriptor,
    { name, index }: { readonly name: string; readonly index: number },
    events: PacketDeviceEvents,
  ) {
    this.#calls = calls;
    this.#descriptor = descriptor;
    this.name = name;
    this.#index = index;
    this.#events = events;
    this.#request = interfaceRequest(calls, name);
    this.#received = calls.receiveBatch(packetDeviceLimits.readAtOnce, {
      bytes: incomingBytes,
      addressBytes: addressSpace,
      controlBytes: details.bytes,
    });
    this.#incoming = new IncomingFrames((buffer, start, end) => {
      if (this.#isOpen) events.receive(buffer, start, end);
    });
    this.#sent = calls.allocate(packetDeviceLimits.gatheredBytes);
    this.#sendBatch = calls.sendBatch(packetDeviceLimits.sentAtOnce);
    this.#outgoing = new OutgoingQueue(this.#sent.bytes, { write: (frames) => this.#write(frames) });
    this.#askMtu();
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
      return new PacketSocket(calls, descriptor, { name, index }, events);
    } catch (error) {
      if (descriptor !== undefined) calls.close(descriptor);
      throw error;
    } finally {
      request.release();
      argument.release();
    }
  }

  get dropped(): number {
    return this.#refused + this.#incoming.dropped;
  }

  send(buffer: Buffer, start: number, end: number): void {
    if (this.#isOpen) this.#outgoing.add(buffer, start, end);
  }

  /** The kernel knows the interface by its number, and would go on with one that somebody gave another name. */
  check(): void {
    if (!this.#isOpen) return;
    let problem: Error | undefined;
    try {
      const index = indexOfEthernet(this.#calls, this.#request, this.name);
      if (index !== this.#index) problem = new Error(`${this.name} is another interface now`);
    } catch (error) {
      problem = error as Error;
    }
    if (problem === undefined) return;
    void this.close();
    this.#events.lost(problem);
  }

  close(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    this.#outgoing.flush();
    this.#isOpen = false;
    this.#watch.stop();
    this.#calls.close(this.#descriptor);
    for (const memory of [this.#request, this.#received, this.#sent, this.#sendBatch]) memory.release();
    return Promise.resolve();
  }

  #write(frames: OutgoingFrames): void {
    const { length } = frames.offsets;
    for (let sent = 0; sent < length && this.#isOpen;) sent += this.#send(frames, sent, length);
    if (this.#merged >= mergedBeforeAsked) this.#askMtu();
  }

  /** Sends those from number `first` on; gives how many of them are done with, sent or not. */
  #send({ offsets, lengths, counts }: OutgoingFrames, first: number, end: number): number {
    const count = counts[first] as number;
    if (count > 1) this.#merged++;
    try {
      const [batch, memory] = [this.#sendBatch, this.#sent];
      const sent = this.#calls.sendMessages(this.#descriptor, batch, memory, offsets, lengths, first, end);
      if (sent !== undefined) return sent;
    } catch (error) {
      // Longer than the interface's MTU, or the interface is down or gone; the next read tells.
      if (count > 1 && isUnspeakable(error)) this.#mergeLess();
    }
    this.#refused += count;
    return 1;
  }

  /** Kernels before 6.2 refuse merged datagrams; none is known that refuses TCP. */
  #mergeLess(): void {
    const { frames } = this.#outgoing;
    if (frames.mergesDatagrams) frames.mergesDatagrams = false;
    else frames.longest = 0;
  }

  /** The kernel does not hold merged frames against the MTU. */
  #askMtu(): void {
    this.#merged = 0;
    const { frames } = this.#outgoing;
    if (frames.longest === 0) return;
    try {
      frames.longest = mtuOf(this.#calls, this.#request) + ethernetBytes;
    } catch {
      frames.longest = 0;
    }
  }

  /** Takes about one batch, so that the wire does not hold up everything else; what is left comes in the next turn. */
  #read(): void {
    let failure: unknown;
    let bytes = 0;
    for (let frames = 0; frames < packetDeviceLimits.batchFrames;) {
      if (bytes >= packetDeviceLimits.batchBytes || !this.#isOpen) break;
      let count: number | undefined;
      try {
        count = this.#calls.receiveMessages(this.#descriptor, this.#received, this.#most);
      } catch (error) {
        if (isUnspeakable(error)) {
          this.#refused++;
          frames++;
          continue;
        }
        failure = error;
        break;
      }
      if (count === undefined) break;
      let taken = 0;
      for (let index = 0; index < count && this.#isOpen; index++) taken += this.#take(index);
      bytes += taken;
      frames += count;
      const rest = Math.floor(packetDeviceLimits.batchBytes / (taken / count));
      const isEmpty = count < this.#most;
      this.#most = Math.max(1, Math.min(rest, packetDeviceLimits.readAtOnce));
      if (isEmpty) break;
    }
    this.#incoming.flush();
    // Whoever received it may have closed the device.
    if (failure === undefined || !this.#isOpen) return;
    void this.close();
    this.#events.lost(failure as Error);
  }

  /** Takes a frame that was received; gives its length. */
  #take(index: number): number {
    const { bytes, addresses, controls } = this.#received;
    const length = this.#received.lengthOf(index);
    // Where the kernel cannot keep them back (before 4.20).
    if (addresses[index * addressSpace + kindAt] === PACKET_OUTGOING) return length;
    const tag = this.#tagOf(controls, index * details.bytes);
    this.#incoming.take(bytes, index * incomingBytes, length, incomingBytes, tag);
    return length;
  }

  /** The tag that the kernel has taken off. */
  #tagOf(control: Buffer, at: number): Buffer | undefined {
    if (
      control.readUInt32LE(at) < details.tagTypeAt + 2 ||
      control.readInt32LE(at + details.levelAt) !== SOL_PACKET ||
      control.readInt32LE(at + details.typeAt) !== PACKET_AUXDATA
    )
      return undefined;
    const status = control.readUInt32LE(at + details.statusAt);
    if ((status & TP_STATUS_VLAN_VALID) === 0) return undefined;
    const hasType = (status & TP_STATUS_VLAN_TPID_VALID) !== 0;
    this.#tag.writeUInt16BE(hasType ? control.readUInt16LE(at + details.tagTypeAt) : vlanType, 0);
    this.#tag.writeUInt16BE(control.readUInt16LE(at + details.tagAt), 2);
    return this.#tag;
  }
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
  const { receiveBytes, sendBytes } = packetDeviceLimits;
  if (!trySet(SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes)) trySet(SOL_SOCKET, SO_RCVBUF, receiveBytes);
  if (!trySet(SOL_SOCKET, SO_SNDBUFFORCE, sendBytes)) trySet(SOL_SOCKET, SO_SNDBUF, sendBytes);
  if (!promiscuous) return;
  argument.bytes.fill(0);
  argument.bytes.writeInt32LE(index, 0);
  argument.bytes.writeUInt16LE(PACKET_MR_PROMISC, 4);
  calls.setOption(descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, argument, membershipBytes);
}
