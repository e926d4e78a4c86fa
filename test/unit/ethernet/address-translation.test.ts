import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { translateAddress, translateQuoted } from "../../../server/ethernet/address-translation.ts";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame } from "../../../server/ethernet/frame.ts";

const [client, outer, web] = [0xc0a8_1e0a, 0xc612_0e0a, 0xcb00_7150];
const protocols = { icmp: 1, tcp: 6, udp: 17, gre: 47, udpLite: 136 } as const;
type Protocol = keyof typeof protocols;

interface PacketOptions {
  readonly protocol?: Protocol;
  readonly source?: number;
  readonly destination?: number;
  /** In units of 8 bytes. */
  readonly fragmentOffset?: number;
  readonly hasChecksum?: boolean;
}

/** Where the checksum of a protocol is that covers the addresses. */
const checksumAt: Partial<Record<Protocol, number>> = { tcp: 16, udp: 6, udpLite: 6 };

/** An IPv4 packet whose checksums are right; the payload begins with the header of its protocol. */
function packet(payload: Uint8Array, options: PacketOptions = {}): Buffer {
  const {
    protocol = "udp",
    source = client,
    destination = web,
    fragmentOffset = 0,
    hasChecksum = true,
  } = options;
  const bytes = Buffer.concat([Buffer.alloc(20), payload]);
  bytes[0] = 0x45;
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt16BE(fragmentOffset, 6);
  bytes[8] = 64;
  bytes[9] = protocols[protocol];
  bytes.writeUInt32BE(source, 12);
  bytes.writeUInt32BE(destination, 16);
  bytes.writeUInt16BE(internetChecksum(bytes, 0, 20), 10);
  if (protocol === "tcp" && fragmentOffset === 0) bytes[20 + 12] = 0x50;
  const at = checksumAt[protocol];
  if (at !== undefined && fragmentOffset === 0) {
    bytes.writeUInt16BE(0, 20 + at);
    const sum = transportChecksum(bytes, 12, 8, protocols[protocol], 20, bytes.length);
    if (hasChecksum) bytes.writeUInt16BE(sum === 0 && protocol !== "tcp" ? 0xffff : sum, 20 + at);
  }
  return bytes;
}

function frameOf(ip: Buffer): Frame {
  const bytes = Buffer.concat([Buffer.from("5e00000000010200000000070800", "hex"), ip]);
  const frame = new Frame();
  assert.ok(frame.read(bytes, 0, bytes.length));
  return frame;
}

/** The packet of the frame, as it is now. */
const packetIn = ({ buffer, networkAt, end }: Frame) => buffer.subarray(networkAt, end);

const payloads = fc.uint8Array({ minLength: 24, maxLength: 80 });
const addresses = fc.integer({ min: 0, max: 0xffff_ffff });

describe("another address in a packet", () => {
  test("makes it the packet that had been sent with that address, whatever it carries", () => {
    fc.assert(
      fc.property(
        payloads,
        fc.constantFrom(...(Object.keys(protocols) as Protocol[])),
        fc.constantFrom("source", "destination"),
        addresses,
        addresses,
        (payload, protocol, end, before, after) => {
          const frame = frameOf(packet(payload, { protocol, [end]: before }));
          translateAddress(frame, end, after);
          assert.deepEqual(packetIn(frame), packet(payload, { protocol, [end]: after }));
        },
      ),
    );
  });

  test("leaves a datagram without checksum without one", () => {
    const payload = Buffer.alloc(24, 7);
    const frame = frameOf(packet(payload, { hasChecksum: false }));
    translateAddress(frame, "source", outer);
    assert.deepEqual(packetIn(frame), packet(payload, { hasChecksum: false, source: outer }));
  });

  test("touches nothing but the header of a later fragment", () => {
    const payload = Buffer.alloc(24, 7);
    const later = { protocol: "tcp", fragmentOffset: 185 } as const;
    const frame = frameOf(packet(payload, later));
    translateAddress(frame, "source", outer);
    assert.deepEqual(packetIn(frame), packet(payload, { ...later, source: outer }));
  });
});

/** A message of ICMP that quotes a packet. */
function quoting(quoted: Buffer, type: number, options: PacketOptions): Buffer {
  const message = Buffer.concat([Buffer.of(type, 1, 0, 0, 0, 0, 0, 0), quoted]);
  message.writeUInt16BE(internetChecksum(message, 0, message.length), 2);
  return packet(message, { ...options, protocol: "icmp" });
}

describe("another address in what ICMP quotes", () => {
  /** Of a packet, as a router quotes it: header and 8 bytes. */
  const quoted = (source: number) => packet(Buffer.alloc(8, 1), { source, hasChecksum: false });

  test("keeps every checksum right", () => {
    fc.assert(
      fc.property(addresses, addresses, (before, after) => {
        const frame = frameOf(quoting(quoted(before), 3, { source: web, destination: client }));
        translateQuoted(frame, "source", before, after);
        const inside = packetIn(frame).subarray(28);
        assert.equal(inside.readUInt32BE(12), after);
        assert.equal(internetChecksum(inside, 0, 20), 0);
        assert.equal(internetChecksum(packetIn(frame), 20, packetIn(frame).length), 0);
      }),
    );
  });

  test("leaves alone what is about somebody else, is too short, or quotes nothing", () => {
    for (const whole of [
      quoting(quoted(web), 3, {}),
      quoting(quoted(client).subarray(0, 19), 3, {}),
      quoting(quoted(client), 8, {}),
      packet(Buffer.alloc(60), { protocol: "udp" }),
    ]) {
      const frame = frameOf(Buffer.from(whole));
      translateQuoted(frame, "source", client, outer);
      assert.deepEqual(packetIn(frame), whole);
    }
  });
});
