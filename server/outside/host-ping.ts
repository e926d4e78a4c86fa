import { randomInt } from "node:crypto";
import { internetChecksum } from "../ethernet/frame-checksum.ts";
import { icmpTypes, icmpv6Types } from "../ethernet/frame.ts";
import { ipv6At, writeIpv6, type IpAddress } from "../ethernet/packed-address.ts";
import type { PinnedMemory } from "../native/pinned-memory.ts";
import type { Descriptor, SystemCalls, Watch } from "../native/system-calls.ts";
import type { IpVersion, OutsidePing, OutsidePingEvents } from "../secure-nat/outside.ts";

/** What differs between the versions: `struct sockaddr_in` and `sockaddr_in6`, and where in it the address is. */
const families = {
  4: { number: 2, addressBytes: 16, addressAt: 4, types: icmpTypes },
  6: { number: 10, addressBytes: 28, addressAt: 8, types: icmpv6Types },
} as const;
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
  readonly #version: IpVersion;
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
    version: IpVersion,
    { descriptor, isRaw }: { readonly descriptor: Descriptor; readonly isRaw: boolean },
    events: OutsidePingEvents,
  ) {
    this.#calls = calls;
    this.#events = events;
    this.#descriptor = descriptor;
    this.#isRaw = isRaw;
    this.#version = version;
    const { addressBytes } = families[version];
    this.#request = calls.allocate(mostBytes);
    this.#answer = calls.allocate(mostBytes);
    this.#to = calls.allocate(addressBytes);
    this.#details = { address: calls.allocate(addressBytes), control: calls.allocate(64) };
    this.#watch = calls.watch(descriptor, () => this.#read());
  }

  /** @throws {SystemCallError} EACCES or EPERM where neither kind is allowed; EAFNOSUPPORT where the host has not this version of IP */
  static open(calls: SystemCalls, version: IpVersion, events: OutsidePingEvents): HostPing {
    const socket = (kind: "datagram" | "raw") =>
      version === 4 ? calls.icmpSocket(kind) : calls.icmpv6Socket(kind);
    let descriptor: Descriptor;
    try {
      descriptor = socket("datagram");
    } catch {
      return new HostPing(calls, version, { descriptor: socket("raw"), isRaw: true }, events);
    }
    return new HostPing(calls, version, { descriptor, isRaw: false }, events);
  }

  send(address: IpAddress, sequence: number, payload: Uint8Array): boolean {
    const length = icmpHeaderBytes + payload.length;
    if (!this.#isOpen || length > mostBytes) return true;
    const { number, addressBytes, addressAt, types } = families[this.#version];
    const { bytes } = this.#request;
    bytes.writeUInt32BE(types.echoRequest * 0x100_0000, 0);
    bytes.writeUInt16BE(this.#identifier, 4);
    bytes.writeUInt16BE(sequence, 6);
    bytes.set(payload, icmpHeaderBytes);
    // That of ICMPv6 the system reckons, since the address that it chooses is part of it.
    if (this.#version === 4) bytes.writeUInt16BE(internetChecksum(bytes, 0, length), 2);
    this.#to.bytes.fill(0);
    this.#to.bytes.writeUInt16LE(number, 0);
    if (typeof address === "number") this.#to.bytes.writeUInt32BE(address, addressAt);
    else writeIpv6(this.#to.bytes, addressAt, address);
    try {
      this.#calls.sendTo(this.#descriptor, this.#request, 0, length, this.#to, addressBytes);
    } catch {
      // There is no way to that network.
      return false;
    }
    return true;
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
    const { types } = families[this.#version];
    const isIpv4 = this.#version === 4;
    const at = this.#isRaw && isIpv4 ? ((bytes[0] as number) & 0x0f) * 4 : 0;
    if (at + icmpHeaderBytes > length || bytes[at] !== types.echoReply) return;
    if (this.#isRaw && bytes.readUInt16BE(at + 4) !== this.#identifier) return;
    // The system gives on what is right of ICMPv6 alone.
    if (isIpv4 && internetChecksum(bytes, at, length) !== 0) return;
    this.#events.reply(
      this.#sender(),
      bytes.readUInt16BE(at + 6),
      bytes.subarray(at + icmpHeaderBytes, length),
    );
  }

  #sender(): IpAddress {
    const { bytes } = this.#details.address;
    const { addressAt } = families[this.#version];
    return this.#version === 4 ? bytes.readUInt32BE(addressAt) : ipv6At(bytes, addressAt);
  }
}
