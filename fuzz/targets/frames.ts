import assert from "node:assert/strict";
import { blocksOf, arp, ipOf, tcp, udp } from "../../attack/support/frames.ts";
import {
  dhcpOptions,
  readDhcpMessage,
  writeDhcpMessage,
  type DhcpMessage,
} from "../../server/dhcp/dhcp-message.ts";
import { frameChecksum, internetChecksum, transportChecksum } from "../../server/ethernet/frame-checksum.ts";
import { readDhcpv6Message, writeDhcpv6Message } from "../../server/dhcp/dhcpv6-message.ts";
import { findDnsQueryName } from "../../server/ethernet/frame-dns.ts";
import { carriesTcpData } from "../../server/ethernet/frame-redirect.ts";
import { announcesDefaultRouter } from "../../server/ethernet/frame-router-advertisement.ts";
import { Frame, tcpFlags } from "../../server/ethernet/frame.ts";
import { describePacket } from "../../server/hub/packet-description.ts";
import { IncomingSegment } from "../../server/tcp/segment.ts";
import { TestHub, TestPort } from "../../test/unit/hub/hub-fixture.ts";
import {
  client6,
  ping6,
  plan,
  solicitNeighbor,
  solicitRouter,
  web6,
} from "../../test/unit/secure-nat/ipv6-client.ts";
import { defaultSecureNat, host, web, World } from "../../test/unit/secure-nat/world.ts";
import type { FuzzTarget } from "../fuzzer.ts";

const ends = { to: 2, from: 1, toIp: ipOf("10.0.0.2"), fromIp: ipOf("10.0.0.1") };

const dhcpMessage = writeDhcpMessage({
  isReply: false,
  transactionId: 7,
  broadcast: true,
  clientAddress: 0,
  yourAddress: 0,
  relayAddress: 0,
  clientMac: Buffer.from("020000000001", "hex"),
  options: new Map([
    [dhcpOptions.messageType, Uint8Array.of(1)],
    [dhcpOptions.hostName, Buffer.from("client")],
  ]),
});
const dnsQuery = Buffer.from("123401000001000000000000036162630378797a0000010001", "hex");

const frames = (): Buffer[] => [
  arp(1, ends),
  tcp(ends, { fromPort: 1_000, toPort: 80 }),
  tcp(
    ends,
    { fromPort: 1_000, toPort: 80, flags: tcpFlags.ack },
    Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  ),
  udp(ends, 68, 67, dhcpMessage),
  udp(ends, 5_000, 53, dnsQuery),
  // VLAN, router advertisement, BPDU.
  Buffer.from(`${"02".repeat(12)}8100000a0800${"45".padEnd(92, "0")}`, "hex"),
  Buffer.from(
    `333300000001020000000001${"86dd"}6000000000183aff${"fe80".padEnd(32, "1")}${"ff02".padEnd(32, "1")}8600000040000708${"00".repeat(16)}`,
    "hex",
  ),
  Buffer.from(`0180c200000002000000000100264242030000${"00".repeat(41)}`, "hex"),
];

export const frame: FuzzTarget = {
  about: "frames: Ethernet, ARP, IPv4, IPv6, TCP, UDP, DHCP, DNS, and their lines of the packet log",
  seeds: frames,
  run: (input) => {
    const read = new Frame();
    if (!read.read(input, 0, input.length)) return;
    const { start, networkAt, end } = read;
    assert.ok(start === 0 && end === input.length && networkAt <= end);
    findDnsQueryName(read);
    announcesDefaultRouter(read);
    carriesTcpData(read);
    const line = JSON.stringify(describePacket(read));
    assert.ok(line.length < 16_384);
    if (read.transport === "tcp") {
      const segment = new IncomingSegment();
      if (segment.read(input, read.transportAt, read.packetEnd)) {
        assert.ok(segment.payloadAt <= segment.payloadEnd && segment.payloadEnd <= input.length);
      }
    }
  },
};

export const dhcp: FuzzTarget = {
  about: "DHCP messages",
  seeds: () => [dhcpMessage],
  run: (input) => {
    const message = readDhcpMessage(input, 0, input.length);
    if (message === undefined) return;
    const written = writeDhcpMessage(message);
    const again = readDhcpMessage(written, 0, written.length);
    assert.ok(again);
    // Values that came in parts are Buffers, others are not.
    const optionsOf = ({ options }: DhcpMessage) =>
      [...options].map(([code, value]) => [code, Buffer.from(value).toString("hex")]);
    assert.deepEqual(optionsOf(again), optionsOf(message));
    assert.deepEqual({ ...again, options: undefined }, { ...message, options: undefined });
  },
};

export const dhcpv6: FuzzTarget = {
  about: "DHCPv6 messages",
  seeds: () => [
    Buffer.from("0b1234560001000e000100011c39cf880800271bc9c10006000400170018000800020000", "hex"),
  ],
  run: (input) => {
    const message = readDhcpv6Message(input, 0, input.length);
    if (message === undefined) return;
    const written = writeDhcpv6Message(message);
    assert.ok(written.length <= input.length);
    const again = readDhcpv6Message(written, 0, written.length);
    assert.deepEqual(again, message);
  },
};

/** Frames as they come one after the other: each behind its length in two bytes. */
const inARow = (all: readonly Buffer[]) =>
  Buffer.concat(
    all.flatMap((each) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(each.length);
      return [length, each];
    }),
  );

function* framesIn(input: Buffer): Iterable<Buffer> {
  const mostFrames = 32;
  let at = 0;
  for (let count = 0; count < mostFrames && at + 2 < input.length; count++) {
    const bytes = input.readUInt16BE(at) % 1_600;
    // A copy, since whoever gets it may write into it.
    yield Buffer.from(input.subarray(at + 2, at + 2 + bytes));
    at += 2 + bytes;
  }
}

export const hub: FuzzTarget = {
  about: "a hub with policies and an access list, by frames of two sessions",
  seeds: () => [inARow(frames()), inARow(frames().toReversed()), blocksOf(0, () => Buffer.alloc(0))],
  run: (input) => {
    const policy = {
      ...{ CheckMac: true, CheckIP: true, DHCPForce: true, DHCPNoServer: true, NoServer: true },
      ...{ ArpDhcpOnly: true, PrivacyFilter: false, MaxUpload: 1_000_000, RSandRAFilter: true },
    };
    const world = new TestHub();
    const [one, two] = [new TestPort("one", { policy }), new TestPort("two")];
    const attachments = [world.attach(one), world.attach(two)];
    let turn = 0;
    for (const each of framesIn(input)) {
      if (each.length === 0) continue;
      attachments[turn++ % 2]?.send(each);
      world.advance(300);
    }
  },
};

/** Makes checksums right, without which most of the virtual host is never reached. */
function withChecksums(bytes: Buffer): Buffer {
  const read = new Frame();
  if (!read.read(bytes, 0, bytes.length)) return bytes;
  if (read.network === "ipv6") return withChecksumOfIpv6(bytes, read);
  if (read.network !== "ipv4") return bytes;
  const { networkAt, transportAt, packetEnd, protocol, transport } = read;
  if (transportAt <= networkAt || transportAt > bytes.length || networkAt + 20 > bytes.length) return bytes;
  bytes.writeUInt16BE(0, networkAt + 10);
  bytes.writeUInt16BE(internetChecksum(bytes, networkAt, transportAt), networkAt + 10);
  const at = { tcp: 16, udp: 6, icmp: 2 }[transport as "tcp" | "udp" | "icmp"];
  if (at === undefined || transportAt + at + 2 > packetEnd) return bytes;
  bytes.writeUInt16BE(0, transportAt + at);
  const sum =
    transport === "icmp"
      ? internetChecksum(bytes, transportAt, packetEnd)
      : transportChecksum(bytes, networkAt + 12, 8, protocol, transportAt, packetEnd);
  bytes.writeUInt16BE(sum, transportAt + at);
  return bytes;
}

function withChecksumOfIpv6(bytes: Buffer, read: Frame): Buffer {
  const { transport, transportAt, packetEnd, protocol } = read;
  const position = { tcp: 16, udp: 6, icmpv6: 2 }[transport as "tcp" | "udp" | "icmpv6"];
  if (position === undefined || transportAt + position + 2 > packetEnd) return bytes;
  bytes.writeUInt16BE(0, transportAt + position);
  bytes.writeUInt16BE(frameChecksum(read, protocol) || 0xffff, transportAt + position);
  return bytes;
}

export const virtualHost: FuzzTarget = {
  about: "SecureNAT's virtual host whole: ARP, ND, ping, DHCP, DNS, UDP and TCP, by frames of a client",
  mostBytes: 4_096,
  seeds: () => {
    const world = new World();
    const { syn, ack, fin } = tcpFlags;
    const toHost = { to: host };
    const by6 = { from: client6, to: web6 };
    const outside6 = { ...host, address: web6 };
    return [
      inARow([
        world.segment({ sequence: 10, flags: syn, mss: 1_460, windowScale: 7, sackPermitted: true }),
        world.segment({ sequence: 11, acknowledgment: 78 }, "hello"),
        world.segment({ sequence: 16, acknowledgment: 78, flags: ack | fin }),
      ]),
      inARow([
        ...world.datagram("data"),
        ...world.datagram("x".repeat(3_000)),
        world.ping("ping", toHost.to),
      ]),
      inARow(world.datagram(dnsQuery, { to: host.address })),
      inARow([world.ping("ping", { ...host, address: web })]),
      inARow(frames()),
      inARow([
        solicitRouter(),
        solicitNeighbor(plan.address),
        ping6("ping"),
        ping6("ping", { to: outside6 }),
      ]),
      inARow([
        world.segment({ sequence: 10, flags: syn, mss: 1_440 }, "", by6),
        world.segment({ sequence: 11, acknowledgment: 78 }, "hello", by6),
      ]),
      inARow([...world.datagram("data", by6), ...world.datagram("x".repeat(3_000), by6)]),
      inARow(world.datagram(dnsQuery, { ...by6, to: plan.address })),
      inARow([udp({ to: "everybody", from: 7, toIp: 0xffff_ffff, fromIp: 0 }, 68, 67, dhcpMessage)]),
    ];
  },
  run: (input) => {
    const world = new World(defaultSecureNat, "leads");
    const connected = new Set<unknown>();
    let turn = 0;
    for (const each of framesIn(input)) {
      world.receive(withChecksums(each));
      world.now += 50;
      // What the host outside does meanwhile.
      const open = world.outside.filter(({ calls }) => !calls.includes("destroy"));
      const connection = open[turn++ % Math.max(1, open.length)];
      if (connection !== undefined) {
        if (connected.has(connection)) connection.events.data(Buffer.from(each));
        else connection.events.connected();
        connected.add(connection);
        for (const done of connection.done.splice(0)) done();
      }
      const question = world.questions.pop();
      if (question?.isGivenUp === false) question.answered(turn % 3 === 0 ? undefined : Buffer.from(each));
    }
    for (const sent of world.take()) assert.ok(sent.length >= 14 && sent.length <= 1_600);
  },
};
