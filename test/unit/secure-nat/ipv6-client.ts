import assert from "node:assert/strict";
import { frameChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame, icmpv6Types } from "../../../server/ethernet/frame.ts";
import {
  destinationAddress,
  formatIpAddress,
  parseIpAddress,
  sourceAddress,
  writeIpv6,
  type Ipv6Address,
} from "../../../server/ethernet/packed-address.ts";
import { uniqueLocalPlanOf } from "../../../server/ethernet/unique-local.ts";
import { PacketWriter, type Station } from "../../../server/secure-nat/packet-writer.ts";
import { unblock } from "../hub/hub-fixture.ts";
import { client, defaultSecureNat, host } from "./world.ts";

export function ip6(text: string): Ipv6Address {
  const address = parseIpAddress(text);
  return typeof address === "string" ? address : assert.fail(`${text} is no IPv6 address`);
}

/** What the virtual host of the tests makes of its MAC address. */
export const plan = uniqueLocalPlanOf(defaultSecureNat.host.mac);
export const host6: Station<Ipv6Address> = { ...host, address: plan.address };
/** An address in a network that begins as that of the virtual host. */
export const inNetwork = (last: string) =>
  ip6(formatIpAddress(plan.network.first).replace(/::$/, `::${last}`));
export const client6: Station<Ipv6Address> = { ...client, address: inNetwork("7") };
export const clientLinkLocal: Station<Ipv6Address> = { ...client, address: ip6("fe80::7") };
export const web6 = ip6("2001:db8::80");
/** Where a client sends what is for all stations, or all routers. */
export const allStations: Station<Ipv6Address> = { mac0: 0x3333, mac1: 1, address: ip6("ff02::1") };
export const allRouters: Station<Ipv6Address> = { mac0: 0x3333, mac1: 2, address: ip6("ff02::2") };

export interface MessageOptions {
  readonly from?: Station<Ipv6Address>;
  readonly to?: Station<Ipv6Address>;
  readonly hopLimit?: number;
}

/** A frame of the client with a message of ICMPv6, whose checksum is right. */
export function icmpv6(
  body: Uint8Array,
  { from = clientLinkLocal, to = allRouters, hopLimit = 255 }: MessageOptions = {},
): Buffer {
  return frameOf((writer) => {
    const at = writer.begin(from, to, 58, undefined, hopLimit);
    writer.buffer.set(body, at);
    writer.finishTransport(at + body.length, 58, at + 2);
  });
}

export function frameOf(write: (writer: PacketWriter) => void): Buffer {
  const frames: Buffer[] = [];
  write(
    new PacketWriter({
      send: (buffer, start, end) => frames.push(...unblock(buffer.subarray(start, end))),
      soon: (flush) => flush(),
    }),
  );
  return frames.pop() ?? assert.fail();
}

export const linkLayerOption = Buffer.from("0101020000000007", "hex");

export function solicitRouter(options: MessageOptions = {}, more = linkLayerOption): Buffer {
  return icmpv6(Buffer.concat([Buffer.from([133, 0, 0, 0, 0, 0, 0, 0]), more]), options);
}

/** The multicast address of those who may have an address. */
export function solicitedNode(target: Ipv6Address): Station<Ipv6Address> {
  const bytes = Buffer.alloc(16);
  writeIpv6(bytes, 0, target);
  const last = bytes.subarray(13);
  const group = Buffer.concat([Buffer.from("ff0200000000000000000001ff", "hex"), last]);
  return {
    mac0: 0x3333,
    mac1: group.readUInt32BE(12),
    address: ip6(group.toString("hex").replace(/(....)(?=.)/g, "$1:")),
  };
}

export function solicitNeighbor(
  target: Ipv6Address,
  { to = solicitedNode(target), more = linkLayerOption, ...options }: MessageOptions & { more?: Buffer } = {},
): Buffer {
  const body = Buffer.alloc(24);
  body[0] = icmpv6Types.neighborSolicitation;
  writeIpv6(body, 8, target);
  return icmpv6(Buffer.concat([body, more]), { to, ...options });
}

export function ping6(payload: string, options: MessageOptions = {}): Buffer {
  const head = Buffer.from([128, 0, 0, 0, 0, 5, 0, 6]);
  return icmpv6(Buffer.concat([head, Buffer.from(payload)]), {
    from: client6,
    to: host6,
    hopLimit: 64,
    ...options,
  });
}

/** What a frame to the client says, after its checksum was found right. */
export function read6(bytes: Buffer | undefined) {
  assert.ok(bytes);
  const frame = new Frame();
  assert.ok(frame.read(bytes, 0, bytes.length));
  assert.equal(frame.network, "ipv6");
  assert.deepEqual([frame.source0, frame.source1], [host.mac0, host.mac1]);
  assert.equal(frame.packetEnd, bytes.length);
  if (frame.transport !== "fragment") assert.equal(frameChecksum(frame, frame.protocol), 0);
  return Object.assign(frame, {
    from: sourceAddress(frame),
    to: destinationAddress(frame),
    hopLimit: bytes[frame.networkAt + 7],
    code: bytes[frame.transportAt + 1],
    body: bytes.subarray(frame.transportAt, frame.packetEnd),
  });
}
