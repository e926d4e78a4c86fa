import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { parseAddress } from "../../../server/ethernet/ip-address.ts";
import {
  pingNatLimits,
  dnsProxyLimits,
  fragmentLimits,
  tcpLimits,
  tcpNatLimits,
  udpNatLimits,
} from "../../../server/limits.ts";
import { Fragments } from "../../../server/secure-nat/fragments.ts";
import { UdpSender } from "../../../server/secure-nat/udp-sender.ts";
import type {
  Outside,
  OutsidePingEvents,
  OutsideTcpEvents,
  OutsideUdpEvents,
} from "../../../server/secure-nat/outside.ts";
import { PacketWriter, type Station } from "../../../server/secure-nat/packet-writer.ts";
import { SecureNat } from "../../../server/secure-nat/secure-nat.ts";
import { createSecureNatSettings } from "../../../server/settings/secure-nat-settings.ts";
import { isReachable } from "../../../server/secure-nat/reachable-addresses.ts";
import { unblock } from "../hub/hub-fixture.ts";
import { IncomingSegment, writeSegmentHeader, type SegmentHeader } from "../../../server/tcp/segment.ts";

const ip = (text: string) => Buffer.from(parseAddress(text) ?? []).readUInt32BE();
const defaultSecureNat = createSecureNatSettings(Uint8Array.of(0x5e, 0, 0, 0, 0, 1));
const host: Station = { mac0: 0x5e00, mac1: 1, address: ip("192.168.30.1") };
const client: Station = { mac0: 0x0200, mac1: 7, address: ip("192.168.30.10") };
const web = ip("203.0.113.80");
const { ack, rst, syn } = tcpFlags;

/** A connection of the host, which the test plays. */
interface FakeConnection {
  readonly address: number;
  readonly port: number;
  readonly events: OutsideTcpEvents;
  readonly written: Buffer[];
  /** Calls of {@link OutsideTcp.write} that are not done yet. */
  readonly done: (() => void)[];
  readonly calls: string[];
}

interface FakeQuestion {
  readonly query: string;
  readonly answered: (answer: Buffer | undefined) => void;
  isGivenUp: boolean;
}

interface FakePing {
  readonly events: OutsidePingEvents;
  readonly sent: (readonly [address: number, sequence: number, payload: string])[];
  isOpen: boolean;
}

interface FakeSocket {
  readonly events: OutsideUdpEvents;
  readonly sent: string[];
  isOpen: boolean;
}

/** The virtual host with a client, on a clock that the test moves. */
class World {
  now = 0;
  readonly sent: Buffer[] = [];
  readonly outside: FakeConnection[] = [];
  readonly nat: SecureNat;
  readonly questions: FakeQuestion[] = [];
  readonly udpSockets: FakeSocket[] = [];
  readonly pings: FakePing[] = [];
  /** Whether the host lets anybody ask for an echo. */
  mayPing = true;
  /** Frames of the client that were made. */
  readonly #made: Buffer[] = [];
  readonly #client = new PacketWriter({
    send: (buffer, start, end) => this.#made.push(...unblock(buffer.subarray(start, end))),
    soon: (flush) => flush(),
  });

  constructor(settings = defaultSecureNat) {
    const network: Outside = {
      openUdp: (events) => {
        const socket: FakeSocket = { events, sent: [], isOpen: true };
        this.udpSockets.push(socket);
        return {
          send: (bytes, address, port) =>
            void socket.sent.push(`${bytes.toString("latin1")} to ${address}:${port}`),
          close: () => void (socket.isOpen = false),
        };
      },
      openPing: (events) => {
        if (!this.mayPing) return undefined;
        const ping: FakePing = { events, sent: [], isOpen: true };
        this.pings.push(ping);
        return {
          send: (address, sequence, payload) =>
            void ping.sent.push([address, sequence, Buffer.from(payload).toString("latin1")]),
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
      mayReach: (address) => isReachable(address, settings.nat.openNetworks),
      send: (buffer, start, end) => this.sent.push(...unblock(buffer.subarray(start, end))),
      soon: (flush) => flush(),
      now: () => this.now,
      unixNow: () => this.now,
      random: () => 77,
    });
  }

  /** The client sends a frame; what comes back. */
  receive(frame: Uint8Array): Buffer[] {
    this.sent.length = 0;
    this.nat.receive(Buffer.from(frame), 0, frame.length);
    this.nat.turnEnded();
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
    { port = 50_000, to = web, toPort = 80, from = client } = {},
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
  datagram(payload: string | Buffer, { port = 5_000, to = web, toPort = 53 } = {}): Buffer[] {
    const sender = new UdpSender(this.#client, 1_500);
    sender.send(client, port, { ...host, address: to }, toPort, Buffer.from(payload));
    return this.#made.splice(0);
  }

  ping(payload: string, to = host, [identifier, sequence] = [5, 6]): Buffer {
    const writer = this.#client;
    const at = writer.begin(client, to, 1);
    writer.buffer.set([8, 0, 0, 0, 0, identifier, 0, sequence], at);
    const end = at + 8 + writer.buffer.write(payload, at + 8);
    writer.buffer.writeUInt16BE(internetChecksum(writer.buffer, at, end), at + 2);
    writer.finish(end);
    return this.#made.pop() ?? assert.fail();
  }
}

/** What a frame to the client says, after its addresses and checksums were found right. */
function read(frame: Buffer | undefined) {
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

function readTcp(frame: Buffer | undefined) {
  const { transportAt, packetEnd, sourceIp3, sourcePort, destinationPort } = read(frame);
  const segment = new IncomingSegment();
  assert.ok(frame && segment.read(frame, transportAt, packetEnd));
  const payload = frame.toString("latin1", segment.payloadAt, segment.payloadEnd);
  const { flags, sequence, acknowledgment } = segment;
  return { from: sourceIp3 >>> 0, sourcePort, destinationPort, flags, sequence, acknowledgment, payload };
}

/** A connection of the client that is established, both ways. */
function established(world: World): FakeConnection {
  world.receive(world.segment({ sequence: 10, flags: syn, mss: 1_460 }));
  const connection = world.outside.at(-1);
  assert.ok(connection);
  world.sent.length = 0;
  connection.events.connected();
  assert.equal(readTcp(world.sent[0]).flags, syn | ack);
  assert.deepEqual(world.receive(world.segment({ sequence: 11, acknowledgment: 78 })), []);
  return connection;
}

describe("a virtual host", () => {
  test("answers who asks for its address, and nobody else's", () => {
    const world = new World();
    const ask = (target: number) =>
      Buffer.from(
        "ffffffffffff" +
          "020000000007" +
          "0806" +
          "0001080006040001" +
          "020000000007c0a81e0a" +
          "000000000000" +
          target.toString(16).padStart(8, "0"),
        "hex",
      );
    assert.equal(
      world.receive(ask(host.address))[0]?.toString("hex"),
      "0200000000075e00000000010806" + "0001080006040002" + "5e0000000001c0a81e01" + "020000000007c0a81e0a",
    );
    assert.deepEqual(world.receive(ask(host.address + 1)), []);
  });

  test("answers ping with what it was sent", () => {
    const world = new World();
    const answer = world.receive(world.ping("anybody there?"))[0];
    const { icmpType, transportAt, packetEnd, sourceIp3 } = read(answer);
    assert.deepEqual([icmpType, sourceIp3 >>> 0], [0, host.address]);
    assert.equal(answer?.toString("hex", transportAt + 4, transportAt + 8), "00050006");
    assert.equal(answer?.toString("latin1", transportAt + 8, packetEnd), "anybody there?");
  });

  test("takes nothing that is damaged, or of another network", () => {
    const world = new World();
    for (const at of [20, 40]) {
      const frame = world.ping("x".repeat(20));
      frame[at] = (frame[at] ?? 0) ^ 1;
      assert.deepEqual(world.receive(frame), [], `byte ${at}`);
    }
    const elsewhere = world.segment({ flags: syn }, "", { from: { ...client, address: ip("10.0.0.7") } });
    assert.deepEqual(world.receive(elsewhere), []);
    assert.deepEqual(world.outside, []);
  });

  test("is undisturbed by noise, in whole and in part", () => {
    const world = new World();
    const frames = [world.ping("x".repeat(30)), world.segment({ flags: syn, mss: 1_460 })];
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...frames),
        fc.array(change, { maxLength: 5 }),
        fc.nat(),
        (frame, changes, cut) => {
          const bytes = Buffer.from(frame);
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          world.receive(bytes.subarray(0, bytes.length - (cut % 20)));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("TCP through a NAT", () => {
  test("is answered when the other end has answered, and carries bytes both ways", () => {
    const world = new World();
    assert.deepEqual(world.receive(world.segment({ sequence: 10, flags: syn })), []);
    const [connection] = world.outside;
    assert.deepEqual([connection?.address, connection?.port], [web, 80]);
    assert.deepEqual(world.receive(world.segment({ sequence: 10, flags: syn })), []);
    assert.equal(world.outside.length, 1);
    connection?.events.connected();
    assert.deepEqual(readTcp(world.sent[0]), {
      from: web,
      sourcePort: 80,
      destinationPort: 50_000,
      flags: syn | ack,
      sequence: 77,
      acknowledgment: 11,
      payload: "",
    });
    const [answer] = world.receive(world.segment({ sequence: 11, acknowledgment: 78 }, "question"));
    assert.equal(readTcp(answer).acknowledgment, 19);
    assert.deepEqual(connection?.written.map(String), ["question"]);
    world.sent.length = 0;
    connection?.events.data(Buffer.from("answer"));
    assert.equal(readTcp(world.sent[0]).payload, "answer");
  });

  test("is refused as the other end refuses it, and where clients may not go", () => {
    const world = new World();
    world.receive(world.segment({ sequence: 10, flags: syn }));
    world.outside[0]?.events.failed(new Error("ECONNREFUSED"));
    assert.deepEqual([readTcp(world.sent[0]).flags, readTcp(world.sent[0]).acknowledgment], [rst | ack, 11]);
    assert.equal(world.nat.counts().tcp, 0);
    for (const address of [
      "127.0.0.1",
      "127.255.255.255",
      "169.254.169.254",
      "0.0.0.0",
      "224.0.0.1",
      "255.255.255.255",
    ]) {
      const [answer] = world.receive(world.segment({ flags: syn }, "", { to: ip(address) }));
      assert.equal(readTcp(answer).flags, rst | ack, address);
    }
    assert.equal(world.outside.length, 1);
    assert.ok(
      ["126.255.255.255", "128.0.0.0", "169.253.0.1", "223.255.255.255", "10.0.0.1"]
        .map(ip)
        .every((address) => isReachable(address, [])),
    );
  });

  test("of which nothing is known is reset, and a reset is not answered", () => {
    const world = new World();
    const [answer] = world.receive(world.segment({ sequence: 5, acknowledgment: 900 }, "hello?"));
    assert.deepEqual([readTcp(answer).flags, readTcp(answer).sequence], [rst, 900]);
    assert.deepEqual(world.receive(world.segment({ flags: rst })), []);
  });

  test("reads no more from an end than the other takes", () => {
    const world = new World();
    const connection = established(world);
    connection.events.data(Buffer.alloc(tcpLimits.receiveBytes));
    assert.deepEqual(connection.calls, []);
    connection.events.data(Buffer.alloc(1));
    connection.events.data(Buffer.alloc(1));
    assert.deepEqual(connection.calls, ["pause"]);
    let acknowledgment = 78;
    while (connection.calls.length === 1) {
      acknowledgment += 536;
      world.receive(world.segment({ sequence: 11, acknowledgment }));
    }
    assert.deepEqual(connection.calls, ["pause", "resume"]);
    assert.ok(acknowledgment >= 78 + tcpLimits.receiveBytes / 2);
  });

  test("has less room on each connection the more there are", () => {
    const world = new World();
    const first = established(world);
    first.events.data(Buffer.alloc(50_000));
    assert.deepEqual(first.calls, []);
    for (let port = 1; port < tcpNatLimits.perClient; port++) {
      world.receive(world.segment({ flags: syn }, "", { port }));
      if (port > 1) world.outside.at(-1)?.events.connected();
    }
    first.events.data(Buffer.alloc(1));
    assert.deepEqual(first.calls, ["pause"]);
    world.take();
    world.outside[1]?.events.connected();
    const [answer] = world.take();
    assert.equal(answer?.readUInt16BE(14 + 20 + 14), tcpNatLimits.leastBytes);
  });

  test("ends on one side as it does on the other", () => {
    const world = new World();
    const connection = established(world);
    world.receive(world.segment({ sequence: 11, acknowledgment: 78, flags: ack | tcpFlags.fin }, "last"));
    assert.deepEqual([connection.written.map(String), connection.calls], [["last"], ["end"]]);
    world.sent.length = 0;
    connection.events.data(Buffer.from("bye"));
    connection.events.ended();
    assert.deepEqual(
      world.sent.map((frame) => readTcp(frame).flags & tcpFlags.fin),
      [0, tcpFlags.fin],
    );
    world.receive(world.segment({ sequence: 16, acknowledgment: 82 }));
    assert.equal(world.nat.counts().tcp, 0);
    // What it was given may not have left yet: it closes by itself.
    assert.deepEqual(connection.calls, ["end"]);
  });

  test("that the client resets, or that is given up, is dropped outside", () => {
    const world = new World();
    const reset = established(world);
    world.receive(world.segment({ sequence: 11, flags: rst }));
    assert.deepEqual(reset.calls, ["destroy"]);
    const silent = established(world);
    silent.events.data(Buffer.from("anybody there?"));
    for (; world.now < 600_000 && world.nat.counts().tcp > 0; world.now += 50) world.nat.tick();
    assert.deepEqual(silent.calls, ["destroy"]);
  });

  test("on which nobody says anything for half an hour ends, although the client is there", () => {
    const world = new World();
    const connection = established(world);
    const idleMs = defaultSecureNat.nat.tcpTimeoutSeconds * 1_000;
    for (; world.now <= idleMs; world.now += 5_000) {
      world.sent.length = 0;
      world.nat.tick();
      if (world.sent.length > 0) world.receive(world.segment({ sequence: 11, acknowledgment: 78 }));
      assert.equal(world.nat.counts().tcp, 1);
    }
    world.nat.tick();
    assert.equal(world.nat.counts().tcp, 0);
    assert.deepEqual(connection.calls, ["destroy"]);
  });

  test("has a bound, behind which the next one is refused", () => {
    const world = new World();
    const open = (port: number) => world.receive(world.segment({ flags: syn }, "", { port }));
    const refusal = (port: number) => readTcp(open(port)[0]).flags;
    for (let port = 1; port <= tcpNatLimits.connecting; port++) assert.deepEqual(open(port), []);
    assert.equal(refusal(60_000), rst | ack);
    for (const { events } of world.outside) events.connected();
    for (let port = tcpNatLimits.connecting + 1; port <= tcpNatLimits.perClient; port++) {
      assert.deepEqual(open(port), []);
      world.outside.at(-1)?.events.connected();
    }
    assert.equal(refusal(60_001), rst | ack);
    assert.equal(world.nat.counts().refused, 2);
    world.nat.close();
    assert.equal(world.nat.counts().tcp, 0);
    assert.ok(world.outside.every(({ calls }) => calls.join() === "destroy"));
    // All that was counted of the client is counted back.
    const later = world.outside.length;
    for (let port = 1; port <= tcpNatLimits.connecting; port++) open(port);
    assert.equal(world.outside.length, later + tcpNatLimits.connecting);
  });
});

describe("what is switched off", () => {
  test("is not there, and the rest is", () => {
    const world = new World({
      ...defaultSecureNat,
      nat: { ...defaultSecureNat.nat, enabled: false },
      dhcp: { ...defaultSecureNat.dhcp, enabled: false },
    });
    assert.deepEqual(world.receive(world.segment({ flags: syn })), []);
    assert.deepEqual(world.receive(world.datagram("x")[0] ?? assert.fail()), []);
    assert.deepEqual([world.outside, world.udpSockets], [[], []]);
    assert.equal(world.receive(world.ping("x")).length, 1);
    assert.deepEqual(world.nat.counts(), { tcp: 0, udp: 0, dns: 0, ping: 0, leases: 0, refused: 0 });
  });
});

describe("UDP through a NAT", () => {
  test("goes to every address from one port, and comes back from those only", () => {
    const world = new World();
    world.receive(world.datagram("one")[0] ?? assert.fail());
    world.receive(world.datagram("other", { to: web + 1, toPort: 123 })[0] ?? assert.fail());
    const [socket, ...more] = world.udpSockets;
    assert.ok(socket && more.length === 0);
    assert.deepEqual(socket.sent, [`one to ${web}:53`, `other to ${web + 1}:123`]);
    world.sent.length = 0;
    socket.events.message(Buffer.from("from nowhere"), web + 2, 53);
    assert.deepEqual(world.sent, []);
    socket.events.message(Buffer.from("answer"), web, 54);
    const [answer] = world.take();
    const { sourceIp3, sourcePort, destinationPort, payloadAt, packetEnd } = read(answer);
    assert.deepEqual([sourceIp3 >>> 0, sourcePort, destinationPort], [web, 54, 5_000]);
    assert.equal(answer?.toString("latin1", payloadAt, packetEnd), "answer");
  });

  test("is put together and cut where it is longer than a frame", () => {
    const world = new World();
    const long = "0123456789".repeat(400);
    const frames = world.datagram(long);
    assert.equal(frames.length, 3);
    for (const frame of frames.toReversed()) world.receive(frame);
    const [socket] = world.udpSockets;
    assert.deepEqual(socket?.sent, [`${long} to ${web}:53`]);
    world.sent.length = 0;
    socket?.events.message(Buffer.from(long), web, 53);
    assert.deepEqual(
      world.sent.map((frame) => frame.length),
      [1_514, 1_514, 14 + 20 + 4_008 - 2 * 1_480],
    );
    const whole = new Fragments(() => 0);
    const parts = world.sent.map((bytes) => {
      const frame = new Frame();
      assert.ok(frame.read(bytes, 0, bytes.length));
      return whole.add(frame);
    });
    assert.deepEqual(parts.slice(0, 2), [undefined, undefined]);
    const { payloadAt, packetEnd } = read(parts[2]);
    assert.equal(parts[2]?.toString("latin1", payloadAt, packetEnd), long);
  });

  test("is forgotten when it is not used, or when another needs the room", () => {
    const world = new World();
    world.receive(world.datagram("one", { port: 1 })[0] ?? assert.fail());
    world.now = 59_999;
    world.receive(world.datagram("other", { port: 2 })[0] ?? assert.fail());
    world.now = 60_000;
    world.nat.tick();
    assert.deepEqual(
      world.udpSockets.map(({ isOpen }) => isOpen),
      [false, true],
    );
    for (let port = 3; port < 1_000; port++) world.receive(world.datagram("x", { port })[0] ?? assert.fail());
    assert.equal(world.nat.counts().udp, udpNatLimits.perClient);
    world.nat.close();
    assert.equal(world.nat.counts().udp, 0);
    assert.ok(world.udpSockets.every(({ isOpen }) => !isOpen));
  });

  test("reaches no closed address, and nothing that is damaged gets through", () => {
    const world = new World();
    world.receive(world.datagram("metadata", { to: ip("169.254.169.254"), toPort: 80 })[0] ?? assert.fail());
    const damaged = world.datagram("damaged")[0] ?? assert.fail();
    damaged[45] = (damaged[45] ?? 0) ^ 1;
    world.receive(damaged);
    assert.deepEqual(world.udpSockets, []);
  });
});

describe("a ping through a NAT", () => {
  const outside = { ...host, address: web };

  test("goes on from the host under a number of its own, and the answer comes back as it was asked for", () => {
    const world = new World();
    assert.deepEqual(world.receive(world.ping("one", outside, [5, 6])), []);
    assert.deepEqual(world.receive(world.ping("two", outside, [9, 6])), []);
    const [ping] = world.pings;
    assert.equal(world.pings.length, 1);
    assert.equal(world.nat.counts().ping, 2);
    const [first, second] = ping?.sent ?? [];
    assert.ok(ping && first && second);
    assert.deepEqual([first[0], first[2], second[2]], [web, "one", "two"]);
    // Another address answers, or nobody was asked.
    ping.events.reply(web + 1, second[1], Buffer.from("two"));
    ping.events.reply(web, 40_000, Buffer.from("two"));
    assert.equal(world.sent.length, 0);
    // Once, however often it comes.
    for (let times = 0; times < 2; times++) ping.events.reply(web, second[1], Buffer.from("two"));
    const [answer, ...others] = world.sent;
    assert.equal(others.length, 0);
    const { icmpType, sourceIp3, transportAt, packetEnd } = read(answer);
    assert.deepEqual([icmpType, sourceIp3 >>> 0], [0, web]);
    assert.equal(answer?.toString("hex", transportAt + 4, transportAt + 8), "00090006");
    assert.equal(answer?.toString("latin1", transportAt + 8, packetEnd), "two");
    world.nat.close();
    assert.equal(ping.isOpen, false);
  });

  test("is bounded, given up after a while, and reaches no closed address", () => {
    const world = new World();
    assert.deepEqual(world.receive(world.ping("x", { ...host, address: ip("169.254.169.254") })), []);
    assert.equal(world.pings.length, 0);
    for (let count = 0; count < pingNatLimits.perClient + 5; count++) world.receive(world.ping("x", outside));
    assert.equal(world.pings[0]?.sent.length, pingNatLimits.perClient);
    world.now += pingNatLimits.timeoutMs;
    world.nat.tick();
    assert.equal(world.nat.counts().ping, 0);
    world.receive(world.ping("x", outside));
    assert.equal(world.pings[0].sent.length, pingNatLimits.perClient + 1);
  });

  test("waits for a host that does not let anybody ask, and asks it again once a second", () => {
    const world = new World();
    world.mayPing = false;
    world.receive(world.ping("x", outside));
    world.mayPing = true;
    world.receive(world.ping("x", outside));
    assert.equal(world.pings.length, 0);
    world.now += 1_000;
    world.receive(world.ping("x", outside));
    assert.equal(world.pings[0]?.sent.length, 1);
    world.pings[0].events.failed(new Error("gone"));
    world.now += 1_000;
    world.receive(world.ping("x", outside));
    assert.equal(world.pings.length, 2);
  });
});

describe("fragments", () => {
  const frameOf = (bytes: Buffer) => {
    const frame = new Frame();
    assert.ok(frame.read(bytes, 0, bytes.length));
    return frame;
  };

  test("that overlap end their packet", () => {
    const [first, second] = new World().datagram("x".repeat(2_000)).map(frameOf);
    assert.ok(first && second);
    const fragments = new Fragments(() => 0);
    assert.equal(fragments.add(first), undefined);
    assert.equal(fragments.add(first), undefined);
    assert.equal(fragments.add(second), undefined);
  });

  test("are kept for a while, and no more than may be", () => {
    let now = 0;
    const world = new World();
    const pairs = Array.from({ length: fragmentLimits.packets + 1 }, () =>
      world.datagram("x".repeat(2_000)).map(frameOf),
    );
    const fragments = new Fragments(() => now);
    for (const [first] of pairs) fragments.add(first ?? assert.fail());
    assert.equal(fragments.add(pairs[0]?.[1] ?? assert.fail()), undefined);
    assert.ok(fragments.add(pairs[5]?.[1] ?? assert.fail()));
    now = fragmentLimits.ms;
    assert.equal(fragments.add(pairs[6]?.[1] ?? assert.fail()), undefined);
  });
});

describe("DNS of clients", () => {
  const query = (flags: number) =>
    Buffer.from([1, 2, flags, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]);
  const ask = (world: World, payload = query(1), port = 5_000) =>
    world.receive(world.datagram(payload, { port, to: host.address })[0] ?? assert.fail());

  test("is answered by the resolvers of the host, with what they say", () => {
    const world = new World();
    assert.deepEqual(ask(world), []);
    const [question] = world.questions;
    assert.equal(question?.query, query(1).toString("hex"));
    question.answered(Buffer.from("answer"));
    const [answer] = world.take();
    const { sourceIp3, sourcePort, destinationPort, payloadAt, packetEnd } = read(answer);
    assert.deepEqual([sourceIp3 >>> 0, sourcePort, destinationPort], [host.address, 53, 5_000]);
    assert.equal(answer?.toString("latin1", payloadAt, packetEnd), "answer");
    assert.equal(world.nat.counts().dns, 0);
  });

  test("that no resolver answers fails, so that the client need not wait", () => {
    const world = new World();
    ask(world);
    world.questions[0]?.answered(undefined);
    const [answer] = world.take();
    const { payloadAt, packetEnd } = read(answer);
    assert.equal(answer?.toString("hex", payloadAt, packetEnd), "010281820000000000000000");
  });

  test("takes no answers for questions, and no more than may be", () => {
    const world = new World();
    ask(world, query(0x81));
    ask(world, query(1).subarray(0, 11));
    assert.deepEqual(world.questions, []);
    for (let port = 1; port <= dnsProxyLimits.perClient + 5; port++) ask(world, query(1), port);
    assert.equal(world.questions.length, dnsProxyLimits.perClient);
    world.nat.close();
    assert.equal(world.nat.counts().dns, 0);
    assert.ok(world.questions.every(({ isGivenUp }) => isGivenUp));
  });

  test("over TCP goes to a resolver, and no other port of the host is open", () => {
    const world = new World();
    world.receive(world.segment({ flags: syn }, "", { to: host.address, toPort: 53 }));
    assert.deepEqual(
      world.outside.map(({ port }) => port),
      [53],
    );
    const [answer] = world.receive(world.segment({ flags: syn }, "", { to: host.address }));
    assert.equal(readTcp(answer).flags, rst | ack);
    assert.equal(world.outside.length, 1);
  });
});
