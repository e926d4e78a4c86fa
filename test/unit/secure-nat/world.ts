import assert from "node:assert/strict";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { formatIpAddress, sourceAddress, type IpAddress } from "../../../server/ethernet/packed-address.ts";
import { parseAddress } from "../../../server/ethernet/ip-address.ts";
import { UdpSender } from "../../../server/secure-nat/udp-sender.ts";
import type {
  Outside,
  OutsidePingEvents,
  OutsideTcpEvents,
  OutsideUdpEvents,
} from "../../../server/secure-nat/outside.ts";
import { PacketWriter, type Station } from "../../../server/secure-nat/packet-writer.ts";
import { SecureNat, type SecureNatOptions } from "../../../server/secure-nat/secure-nat.ts";
import { createSecureNatSettings } from "../../../server/settings/secure-nat-settings.ts";
import { isReachable } from "../../../server/secure-nat/reachable-addresses.ts";
import { unblock } from "../hub/hub-fixture.ts";
import { IncomingSegment, writeSegmentHeader, type SegmentHeader } from "../../../server/tcp/segment.ts";

export const ip = (text: string) => Buffer.from(parseAddress(text) ?? []).readUInt32BE();
export const defaultSecureNat = createSecureNatSettings(Uint8Array.of(0x5e, 0, 0, 0, 0, 1));
export const host: Station<number> = { mac0: 0x5e00, mac1: 1, address: ip("192.168.30.1") };
export const client: Station<number> = { mac0: 0x0200, mac1: 7, address: ip("192.168.30.10") };
export const web = ip("203.0.113.80");
const { ack, syn } = tcpFlags;

/** A connection of the host, which the test plays. */
interface FakeConnection {
  readonly address: IpAddress;
  readonly port: number;
  readonly events: OutsideTcpEvents;
  readonly written: Buffer[];
  /** Calls of {@link OutsideTcp.write} that are not done yet. */
  readonly done: (() => void)[];
  readonly calls: string[];
}

interface SegmentEnds {
  readonly port?: number;
  readonly to?: IpAddress;
  readonly toPort?: number;
  readonly from?: Station;
}

interface DatagramEnds extends SegmentEnds {
  readonly mac?: Omit<Station, "address">;
}

interface FakeQuestion {
  readonly query: string;
  readonly answered: (answer: Buffer | undefined) => void;
  isGivenUp: boolean;
}

interface FakePing {
  readonly events: OutsidePingEvents;
  readonly sent: (readonly [address: IpAddress, sequence: number, payload: string])[];
  isOpen: boolean;
}

interface FakeSocket {
  readonly events: OutsideUdpEvents;
  readonly sent: string[];
  isOpen: boolean;
}

/** Of IPv4 a number, as tests reckon with it. */
const addressText = (address: IpAddress) =>
  typeof address === "number" ? String(address) : `[${formatIpAddress(address)}]`;

/** The virtual host with a client, on a clock that the test moves. */
export class World {
  now = 0;
  readonly sent: Buffer[] = [];
  readonly outside: FakeConnection[] = [];
  readonly nat: SecureNat;
  readonly questions: FakeQuestion[] = [];
  readonly udpSockets: FakeSocket[] = [];
  readonly pings: FakePing[] = [];
  /** Whether the host lets anybody ask for an echo. */
  mayPing = true;
  /** Whether the host knows no way for what is sent. */
  hasNoWay = false;
  /** Frames of the client that were made. */
  readonly #made: Buffer[] = [];
  readonly #client = new PacketWriter({
    send: (buffer, start, end) => this.#made.push(...unblock(buffer.subarray(start, end))),
    soon: (flush) => flush(),
  });

  constructor(settings = defaultSecureNat, ipv6?: SecureNatOptions["ipv6"]) {
    const network: Outside = {
      openUdp: (_version, events) => {
        const socket: FakeSocket = { events, sent: [], isOpen: true };
        this.udpSockets.push(socket);
        return {
          send: (bytes, address, port) => {
            // As the runtime does, which throws otherwise.
            assert.ok(port > 0 && port <= 0xffff, `port ${port}`);
            socket.sent.push(`${bytes.toString("latin1")} to ${addressText(address)}:${port}`);
          },
          close: () => void (socket.isOpen = false),
        };
      },
      openPing: (_version, events) => {
        if (!this.mayPing) return undefined;
        const ping: FakePing = { events, sent: [], isOpen: true };
        this.pings.push(ping);
        return {
          send: (address, sequence, payload) => {
            if (this.hasNoWay) return false;
            ping.sent.push([address, sequence, Buffer.from(payload).toString("latin1")]);
            return true;
          },
          close: () => void (ping.isOpen = false),
        };
      },
      queryDns: (query, answered) => {
        const question: FakeQuestion = { query: query.toString("hex"), answered, isGivenUp: false };
        this.questions.push(question);
        return () => void (question.isGivenUp = true);
      },
      connectDns: (events) => network.connectTcp(0, 53, events),
      connectTcp: (address, port, events) => {
        const connection: FakeConnection = { address, port, events, written: [], done: [], calls: [] };
        this.outside.push(connection);
        const called = (name: string) => () => void connection.calls.push(name);
        return {
          write: (bytes, done) => {
            connection.written.push(Buffer.from(bytes));
            connection.done.push(done);
          },
          end: called("end"),
          destroy: called("destroy"),
          pause: called("pause"),
          resume: called("resume"),
        };
      },
    };
    this.nat = new SecureNat({
      settings,
      outside: network,
      ipv6,
      mayReach: (address) => isReachable(address, settings.nat.openNetworks),
      send: (buffer, start, end) => this.sent.push(...unblock(buffer.subarray(start, end))),
      soon: (flush) => flush(),
      now: () => this.now,
      unixNow: () => this.now,
      random: () => 77,
    });
  }

  /** The client sends a frame; what comes back. */
  receive(frame: Uint8Array, session = 1): Buffer[] {
    this.sent.length = 0;
    this.nat.receive(Buffer.from(frame), 0, frame.length, session);
    this.nat.turnEnded(() => false);
    return this.sent;
  }

  /** What came since the last call. */
  take(): Buffer[] {
    return this.sent.splice(0);
  }

  /** A TCP segment of the client, as a frame. */
  segment(
    header: Partial<SegmentHeader>,
    payload = "",
    { port = 50_000, to = web, toPort = 80, from = client }: SegmentEnds = {},
  ): Buffer {
    const writer = this.#client;
    const at = writer.begin(from, { ...host, address: to }, 6);
    const payloadAt = writeSegmentHeader(writer.buffer, at, port, toPort, {
      sequence: 0,
      acknowledgment: 0,
      flags: ack,
      window: 0xffff,
      mss: 0,
      windowScale: -1,
      sackPermitted: false,
      sackEdges: [],
      ...header,
    });
    const end = payloadAt + writer.buffer.write(payload, payloadAt);
    writer.finishTransport(end, 6, at + 16);
    return this.#made.pop() ?? assert.fail();
  }

  /** A UDP packet of the client, in as many frames as it takes. */
  datagram(
    payload: string | Buffer,
    { port = 5_000, to = web, mac = host, toPort = 53, from = client }: DatagramEnds = {},
  ): Buffer[] {
    const sender = new UdpSender(this.#client, 1_500);
    sender.send(from, port, { ...mac, address: to }, toPort, Buffer.from(payload));
    return this.#made.splice(0);
  }

  ping(payload: string, to = host, [identifier, sequence] = [5, 6], from = client): Buffer {
    const writer = this.#client;
    const at = writer.begin(from, to, 1);
    writer.buffer.set([8, 0, 0, 0, 0, identifier, 0, sequence], at);
    const end = at + 8 + writer.buffer.write(payload, at + 8);
    writer.buffer.writeUInt16BE(internetChecksum(writer.buffer, at, end), at + 2);
    writer.finish(end);
    return this.#made.pop() ?? assert.fail();
  }
}

/** What a frame to the client says, after its addresses and checksums were found right. */
export function read(frame: Buffer | undefined) {
  assert.ok(frame);
  const parsed = new Frame();
  assert.ok(parsed.read(frame, 0, frame.length));
  assert.deepEqual([parsed.source0, parsed.source1], [host.mac0, host.mac1]);
  assert.deepEqual([parsed.destination0, parsed.destination1], [client.mac0, client.mac1]);
  const { networkAt, transportAt, packetEnd } = parsed;
  assert.equal(parsed.destinationIp3 >>> 0, client.address);
  assert.equal(internetChecksum(frame, networkAt, transportAt), 0);
  if (parsed.transport === "icmp") assert.equal(internetChecksum(frame, transportAt, packetEnd), 0);
  else assert.equal(transportChecksum(frame, networkAt + 12, 8, parsed.protocol, transportAt, packetEnd), 0);
  return parsed;
}

export function readTcp(frame: Buffer | undefined) {
  return readSegment(read(frame));
}

/** The segment of a frame. */
export function readSegment(frame: Frame) {
  const { buffer, transportAt, packetEnd, sourcePort, destinationPort } = frame;
  const segment = new IncomingSegment();
  assert.ok(segment.read(buffer, transportAt, packetEnd));
  const payload = buffer.toString("latin1", segment.payloadAt, segment.payloadEnd);
  const { flags, sequence, acknowledgment } = segment;
  const from = sourceAddress(frame);
  return { from, sourcePort, destinationPort, flags, sequence, acknowledgment, payload };
}

/** A connection of the client that is established, both ways. */
export function established(world: World): FakeConnection {
  world.receive(world.segment({ sequence: 10, flags: syn, mss: 1_460 }));
  const connection = world.outside.at(-1);
  assert.ok(connection);
  world.sent.length = 0;
  connection.events.connected();
  assert.equal(readTcp(world.sent[0]).flags, syn | ack);
  assert.deepEqual(world.receive(world.segment({ sequence: 11, acknowledgment: 78 })), []);
  return connection;
}
