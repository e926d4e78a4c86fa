import { randomInt } from "node:crypto";
import { internetChecksum } from "../ethernet/frame-checksum.ts";
import type { PinnedMemory } from "../native/pinned-memory.ts";
import type { Descriptor, SystemCalls, Watch } from "../native/system-calls.ts";
import type { OutsidePing, OutsidePingEvents } from "../secure-nat/outside.ts";

const AF_INET = 2;
/** `struct sockaddr_in`. */
const addressBytes = 16;
const icmpTypes = { echoReply: 0, echoRequest: 8 } as const;
const icmpHeaderBytes = 8;
/** Longer answers are no answers to what clients may ask. */
const mostBytes = 2_048;
/** Answers that are taken in one turn. */
const batch = 64;

/** Echo requests by a socket of the host: one of its own kind where the system lets this user have it, else a raw one. */
export class HostPing implements OutsidePing {
  readonly #calls: SystemCalls;
  readonly #events: OutsidePingEvents;
  readonly #descriptor: Descriptor;
  readonly #isRaw: boolean;
  /** Of the requests; the system replaces it unless the socket is raw. */
  readonly #identifier = randomInt(0x1_0000);
  readonly #request: PinnedMemory;
  readonly #answer: PinnedMemory;
  readonly #to: PinnedMemory;
  readonly #details: { readonly address: PinnedMemory; readonly control: PinnedMemory };
  readonly #watch: Watch;
  #isOpen = true;

  private constructor(
    calls: SystemCalls,
    { descriptor, isRaw }: { readonly descriptor: Descriptor; readonly isRaw: boolean },
    events: OutsidePingEvents,
  ) {
    this.#calls = calls;
    this.#events = events;
    this.#descriptor = descriptor;
    this.#isRaw = isRaw;
    this.#request = calls.allocate(mostBytes);
    this.#answer = calls.allocate(mostBytes);
    this.#to = calls.allocate(addressBytes);
    this.#details = { address: calls.allocate(addressBytes), control: calls.allocate(64) };
    this.#watch = calls.watch(descriptor, () => this.#read());
  }

  /** @throws {SystemCallError} EACCES or EPERM where neither kind is allowed */
  static open(calls: SystemCalls, events: OutsidePingEvents): HostPing {
    let descriptor: Descriptor;
    try {
      descriptor = calls.icmpSocket("datagram");
    } catch {
      return new HostPing(calls, { descriptor: calls.icmpSocket("raw"), isRaw: true }, events);
    }
    return new HostPing(calls, { descriptor, isRaw: false }, events);
  }

  send(address: number, sequence: number, payload: Uint8Array): void {
    const length = icmpHeaderBytes + payload.length;
    if (!this.#isOpen || length > mostBytes) return;
    const { bytes } = this.#request;
    bytes.writeUInt32BE(icmpTypes.echoRequest << 24, 0);
    bytes.writeUInt16BE(this.#identifier, 4);
    bytes.writeUInt16BE(sequence, 6);
    bytes.set(payload, icmpHeaderBytes);
    bytes.writeUInt16BE(internetChecksum(bytes, 0, length), 2);
    this.#to.bytes.writeUInt16LE(AF_INET, 0);
    this.#to.bytes.writeUInt32BE(address, 4);
    try {
      this.#calls.sendTo(this.#descriptor, this.#request, 0, length, this.#to, addressBytes);
    } catch {
      // There is no way to that network.
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.stop();
    this.#calls.close(this.#descriptor);
    const { address, control } = this.#details;
    for (const memory of [this.#request, this.#answer, this.#to, address, control]) memory.release();
  }

  #read(): void {
    for (let count = 0; count < batch && this.#isOpen; count++) {
      let length: number | undefined;
      try {
        length = this.#calls.receiveMessage(this.#descriptor, this.#answer, 0, mostBytes, this.#details);
      } catch (error) {
        this.close();
        this.#events.failed(error as Error);
        return;
      }
      if (length === undefined) return;
      if (length <= mostBytes) this.#take(length);
    }
  }

  #take(length: number): void {
    const { bytes } = this.#answer;
    const at = this.#isRaw ? ((bytes[0] as number) & 0x0f) * 4 : 0;
    if (at + icmpHeaderBytes > length || bytes[at] !== icmpTypes.echoReply) return;
    if (this.#isRaw && bytes.readUInt16BE(at + 4) !== this.#identifier) return;
    if (internetChecksum(bytes, at, length) !== 0) return;
    const from = this.#details.address.bytes.readUInt32BE(4);
    this.#events.reply(from, bytes.readUInt16BE(at + 6), bytes.subarray(at + icmpHeaderBytes, length));
  }
}
