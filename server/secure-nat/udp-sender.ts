import { transportChecksum } from "../ethernet/frame-checksum.ts";
import { writeIpv6 } from "../ethernet/packed-address.ts";
import {
  fragmentHeaderBytes,
  ipProtocols,
  ipv4HeaderBytes,
  mostPayload,
  type PacketWriter,
  type Station,
} from "./packet-writer.ts";

const udpHeaderBytes = 8;

/** Sends UDP to stations of a hub, in fragments where it is longer than a frame may be. */
export class UdpSender {
  readonly #writer: PacketWriter;
  readonly #mtu: number;

  constructor(writer: PacketWriter, mtu: number) {
    this.#writer = writer;
    this.#mtu = mtu;
  }

  send(from: Station, fromPort: number, to: Station, toPort: number, payload: Buffer): void {
    const bytes = udpHeaderBytes + payload.length;
    if (bytes > 0xffff - ipv4HeaderBytes) return;
    // With the addresses before, which the checksum is over as well.
    const addressesBytes = typeof from.address === "number" ? 8 : 32;
    const packet = Buffer.alloc(addressesBytes + bytes);
    for (const [at, { address }] of [
      [0, from],
      [addressesBytes / 2, to],
    ] as const) {
      if (typeof address === "number") packet.writeUInt32BE(address, at);
      else writeIpv6(packet, at, address);
    }
    packet.writeUInt16BE(fromPort, addressesBytes);
    packet.writeUInt16BE(toPort, addressesBytes + 2);
    packet.writeUInt16BE(bytes, addressesBytes + 4);
    payload.copy(packet, addressesBytes + udpHeaderBytes);
    const sum = transportChecksum(packet, 0, addressesBytes, ipProtocols.udp, addressesBytes, packet.length);
    // 0 would say that there is none (RFC 768).
    packet.writeUInt16BE(sum || 0xffff, addressesBytes + 6);
    const datagram = packet.subarray(addressesBytes);
    const room = mostPayload(from.address, this.#mtu);
    const isWhole = bytes <= room;
    const isIpv6 = typeof from.address === "string";
    const most = Math.floor((room - (isIpv6 ? fragmentHeaderBytes : 0)) / 8) * 8;
    const identification = this.#writer.nextIdentification();
    for (let at = 0; at < bytes; at += most) {
      const part = isWhole ? datagram : datagram.subarray(at, at + most);
      const fragment = { identification, offset: at, isLast: at + part.length >= bytes };
      // In IPv4 who is on the way may cut a packet that is whole.
      const start = this.#writer.begin(from, to, ipProtocols.udp, isWhole && isIpv6 ? undefined : fragment);
      this.#writer.finish(start + part.copy(this.#writer.buffer, start));
      if (isWhole) return;
    }
  }
}
