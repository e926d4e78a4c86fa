import type { PinnedMemory } from "../native/pinned-memory.ts";
import type { Descriptor, SystemCalls, Watch } from "../native/system-calls.ts";
import { packetDeviceLimits } from "../limits.ts";
import { IncomingFrames, incomingBytes } from "./incoming-frames.ts";
import {
  bringUp,
  bringUpRouted,
  interfaceRequest,
  nameBytes,
  type RoutedSetup,
} from "./interface-request.ts";
import type { OutgoingFrames } from "./outgoing-frames.ts";
import { OutgoingQueue } from "./outgoing-queue.ts";
import type { PacketDevice, PacketDeviceEvents } from "./packet-device.ts";

// linux/if_tun.h
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const [TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_USO4, TUN_F_USO6] = [0x01, 0x02, 0x04, 0x20, 0x40];
const tcpOffloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

/** Through which TAPs are made. */
export const tunControl = "/dev/net/tun";

/** What interfaces are named through which the kernel translates for hubs; each has a number besides. */
export const natDevicePrefix = "vpnnat";

/**
 * A TAP: what the host sends to this interface comes here, and what is sent here the host receives. Both are as they would be to a
 * network card that finishes checksums and segments itself, and merges segments: one long frame takes the host and us a fraction of the
 * time of the frames that it stands for.
 */
export class Tap implements PacketDevice {
  readonly name: string;
  readonly #calls: SystemCalls;
  readonly #events: PacketDeviceEvents;
  readonly #descriptor: Descriptor;
  readonly #received: PinnedMemory;
  readonly #incoming: IncomingFrames;
  readonly #sent: PinnedMemory;
  readonly #outgoing: OutgoingQueue;
  readonly #watch: Watch;
  #refused = 0;
  #isOpen = true;
  #closed: Promise<void> = Promise.resolve();

  private constructor(
    calls: SystemCalls,
    descriptor: Descriptor,
    name: string,
    events: PacketDeviceEvents,
    mergesDatagrams: boolean,
  ) {
    this.#calls = calls;
    this.#descriptor = descriptor;
    this.name = name;
    this.#events = events;
    this.#received = calls.allocate(incomingBytes);
    this.#incoming = new IncomingFrames((buffer, start, end) => {
      if (this.#isOpen) events.receive(buffer, start, end);
    });
    this.#sent = calls.allocate(packetDeviceLimits.gatheredBytes);
    const write = (frames: OutgoingFrames) => this.#writeAll(frames);
    this.#outgoing = new OutgoingQueue(this.#sent.bytes, { write, mergesDatagrams });
    this.#watch = calls.watch(descriptor, () => this.#read());
  }

  /**
   * Makes the interface and brings it up. It goes with the descriptor.
   *
   * @param mac of the interface, 6 bytes; without it one that the kernel makes up
   * @throws {RangeError} for a name that no interface can have
   * @throws {SystemCallError} EPERM without CAP_NET_ADMIN, EBUSY when a TAP of this name is in use, ENOENT without /dev/net/tun
   */
  static open(calls: SystemCalls, name: string, events: PacketDeviceEvents, mac?: Uint8Array): Tap {
    return Tap.#make(calls, name, events, (request) => bringUp(calls, request, mac));
  }

  /**
   * Makes one with the next free name of {@link natDevicePrefix}, through which the kernel routes.
   *
   * @throws {SystemCallError} as {@link open}
   */
  static openRouted(calls: SystemCalls, events: PacketDeviceEvents, setup: RoutedSetup): Tap {
    return Tap.#make(calls, `${natDevicePrefix}%d`, events, (request) =>
      bringUpRouted(calls, request, setup),
    );
  }

  static #make(
    calls: SystemCalls,
    name: string,
    events: PacketDeviceEvents,
    setUp: (request: PinnedMemory) => void,
  ): Tap {
    const request = interfaceRequest(calls, name);
    const descriptor = calls.open(tunControl, "readWrite");
    try {
      request.bytes.writeUInt16LE(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, nameBytes);
      calls.ioctl(descriptor, TUNSETIFF, request);
      const mergesDatagrams = offload(calls, descriptor);
      setUp(request);
      // The kernel has put a number for "%d".
      const [given = name] = request.bytes.toString("utf8", 0, nameBytes).split("\0");
      return new Tap(calls, descriptor, given, events, mergesDatagrams);
    } catch (error) {
      calls.close(descriptor);
      throw error;
    } finally {
      request.release();
    }
  }

  get dropped(): number {
    return this.#refused + this.#incoming.dropped;
  }

  send(buffer: Buffer, start: number, end: number): void {
    if (this.#isOpen) this.#outgoing.add(buffer, start, end);
  }

  /** It is our own, whatever somebody calls it. */
  check(): void {}

  close(): Promise<void> {
    if (!this.#isOpen) return this.#closed;
    this.#outgoing.flush();
    this.#isOpen = false;
    this.#watch.stop();
    // The kernel waits until no processor looks at the interface any more, for some ten milliseconds.
    this.#closed = this.#calls.closeApart(this.#descriptor);
    this.#received.release();
    this.#sent.release();
    return this.#closed;
  }

  #writeAll({ offsets, lengths, counts }: OutgoingFrames): void {
    if (!this.#isOpen) return;
    for (const [index, offset] of offsets.entries()) {
      if (!this.#write(offset, lengths[index] as number)) this.#refused += counts[index] as number;
    }
  }

  #write(offset: number, length: number): boolean {
    try {
      return this.#calls.write(this.#descriptor, this.#sent, offset, length) !== undefined;
    } catch {
      // The interface is down, or gone; the next read tells.
      return false;
    }
  }

  /** Takes about one batch, so that the host's frames do not hold up everything else; what is left comes in the next turn. */
  #read(): void {
    const { bytes } = this.#received;
    let failure: unknown;
    let taken = 0;
    for (let frames = 0; frames < packetDeviceLimits.batchFrames; frames++) {
      if (taken >= packetDeviceLimits.batchBytes || !this.#isOpen) break;
      let length: number | undefined;
      try {
        length = this.#calls.read(this.#descriptor, this.#received, 0, bytes.length);
      } catch (error) {
        failure = error;
        break;
      }
      if (length === undefined) break;
      taken += length;
      this.#incoming.take(bytes, 0, length, bytes.length);
    }
    this.#incoming.flush();
    // Whoever received it may have closed the device.
    if (failure === undefined || !this.#isOpen) return;
    void this.close();
    this.#events.lost(failure as Error);
  }
}

/**
 * Has the host leave checksums and segments to us.
 *
 * @returns whether that goes for datagrams too, as with Linux 6.2 and later
 */
function offload(calls: SystemCalls, descriptor: Descriptor): boolean {
  try {
    calls.setTapOffloads(descriptor, tcpOffloads | TUN_F_USO4 | TUN_F_USO6);
    return true;
  } catch {
    calls.setTapOffloads(descriptor, tcpOffloads);
    return false;
  }
}
