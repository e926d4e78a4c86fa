import { transportChecksum } from "../ethernet/frame-checksum.ts";
import { ipProtocols, ipv4HeaderBytes, type PacketWriter, type Station } from "./packet-writer.ts";

const udpHeaderBytes = 8;
const addressesBytes = 8;

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
    const packet = Buffer.alloc(addressesBytes + bytes);
    packet.writeUInt32BE(from.address, 0);
    packet.writeUInt32BE(to.address, 4);
    packet.writeUInt16BE(fromPort, addressesBytes);
    packet.writeUInt16BE(toPort, addressesBytes + 2);
    packet.writeUInt16BE(bytes, addressesBytes + 4);
    payload.copy(packet, addressesBytes + udpHeaderBytes);
    const sum = transportChecksum(packet, 0, addressesBytes, ipProtocols.udp, addressesBytes, packet.length);
    // 0 would say that there is none (RFC 768).
    packet.writeUInt16BE(sum || 0xffff, addressesBytes + 6);
    const datagram = packet.subarray(addressesBytes);
    const most = Math.floor((this.#mtu - ipv4HeaderBytes) / 8) * 8;
    const isWhole = bytes <= this.#mtu - ipv4HeaderBytes;
    const identification = this.#writer.nextIdentification();
    for (let at = 0; at < bytes; at += most) {
      const part = isWhole ? datagram : datagram.subarray(at, at + most);
      const start = this.#writer.begin(from, to, ipProtocols.udp, {
        identification,
        offset: at,
        isLast: at + part.length >= bytes,
      });
      this.#writer.finish(start + part.copy(this.#writer.buffer, start));
      if (isWhole) return;
    }
  }
}
