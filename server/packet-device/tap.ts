import { blockLimits, packetDeviceLimits } from "../limits.ts";
import type { PinnedMemory } from "../native/pinned-memory.ts";
import type { Descriptor, SystemCalls, Watch } from "../native/system-calls.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";
import { bringUp, bringUpRouted, interfaceRequest, nameBytes, type RoutedSetup } from "./interface-request.ts";
import type { PacketDevice, PacketDeviceEvents } from "./packet-device.ts";

// linux/if_tun.h
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;

/** Through which TAPs are made. */
export const tunControl = "/dev/net/tun";

/** What interfaces are named through which the kernel translates for hubs; each has a number besides. */
export const natDevicePrefix = "vpnnat";

/** A TAP: what the host sends to this interface comes here, and what is sent here the host receives. */
export class Tap implements PacketDevice {
  readonly name: string;
  dropped = 0;
  readonly #calls: SystemCalls;
  readonly #events: PacketDeviceEvents;
  readonly #descriptor: Descriptor;
  readonly #received: PinnedMemory;
  readonly #outgoing: PinnedMemory;
  readonly #watch: Watch;
  #isOpen = true;

  private constructor(calls: SystemCalls, descriptor: Descriptor, name: string, events: PacketDeviceEvents) {
    this.#calls = calls;
    this.#descriptor = descriptor;
    this.name = name;
    this.#events = events;
    this.#received = calls.allocate(packetDeviceLimits.batchBytes);
    this.#outgoing = calls.allocate(blockLimits.frameBytes);
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
    return Tap.#make(calls, `${natDevicePrefix}%d`, events, (request) => bringUpRouted(calls, request, setup));
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
      request.bytes.writeUInt16LE(IFF_TAP | IFF_NO_PI, nameBytes);
      calls.ioctl(descriptor, TUNSETIFF, request);
      setUp(request);
      // The kernel has put a number for "%d".
      const [given = name] = request.bytes.toString("utf8", 0, nameBytes).split("\0");
      return new Tap(calls, descriptor, given, events);
    } catch (error) {
      calls.close(descriptor);
      throw error;
    } finally {
      request.release();
    }
  }

  send(buffer: Buffer, start: number, end: number): void {
    for (let at = start; at < end && this.#isOpen;) {
      const frameAt = at + blockHeaderBytes;
      const bytes = readUint32(buffer, at);
      at = frameAt + bytes;
      buffer.copy(this.#outgoing.bytes, 0, frameAt, at);
      try {
        if (this.#calls.write(this.#descriptor, this.#outgoing, 0, bytes) === undefined) this.dropped++;
      } catch {
        // The interface is down, or gone; the next read tells.
        this.dropped++;
      }
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.stop();
    this.#calls.close(this.#descriptor);
    this.#received.release();
    this.#outgoing.release();
  }

  /** Takes at most one batch, so that the host's frames do not hold up everything else; what is left comes in the next turn. */
  #read(): void {
    const { bytes } = this.#received;
    let used = 0;
    let failure: unknown;
    // One byte more than a frame may have, which tells the ones that are too long.
    const most = bytes.length - blockHeaderBytes - blockLimits.frameBytes;
    for (let frames = 0; frames < packetDeviceLimits.batchFrames && used < most; frames++) {
      const frameAt = used + blockHeaderBytes;
      let length: number | undefined;
      try {
        length = this.#calls.read(this.#descriptor, this.#received, frameAt, blockLimits.frameBytes + 1);
      } catch (error) {
        failure = error;
        break;
      }
      if (length === undefined) break;
      if (length === 0 || length > blockLimits.frameBytes) {
        this.dropped++;
        continue;
      }
      bytes.writeUInt32BE(length, used);
      used = frameAt + length;
    }
    if (used > 0) this.#events.receive(bytes, 0, used);
    // Whoever received it may have closed the device.
    if (failure === undefined || !this.#isOpen) return;
    this.close();
    this.#events.lost(failure as Error);
  }
}
