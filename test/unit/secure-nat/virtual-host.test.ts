import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { parseAddress } from "../../../server/ethernet/ip-address.ts";
import { tcpNatLimits } from "../../../server/limits.ts";
import type { Outside, OutsideTcpEvents } from "../../../server/secure-nat/outside.ts";
import { PacketWriter, type Station } from "../../../server/secure-nat/packet-writer.ts";
import { isReachable } from "../../../server/secure-nat/reachable-addresses.ts";
import { TcpNat } from "../../../server/secure-nat/tcp-nat.ts";
import { VirtualHost } from "../../../server/secure-nat/virtual-host.ts";
import { IncomingSegment, writeSegmentHeader, type SegmentHeader } from "../../../server/tcp/segment.ts";

const ip = (text: string) => Buffer.from(parseAddress(text) ?? []).readUInt32BE();
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

/** The virtual host with a client, on a clock that the test moves. */
class World {
  now = 0;
  readonly sent: Buffer[] = [];
  readonly outside: FakeConnection[] = [];
  readonly nat: TcpNat;
  readonly host: VirtualHost;
  readonly #client = new PacketWriter();

  constructor() {
    const network: Outside = {
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
    const writer = new PacketWriter();
    const send = (frame: Buffer) => void this.sent.push(Buffer.from(frame));
    this.nat = new TcpNat({
      outside: network,
      writer,
      send,
      router: host,
      mtu: 1_500,
      now: () => this.now,
      random: () => 77,
      mayReach: isReachable,
    });
    this.host = new VirtualHost({
      station: host,
      mask: ip("255.255.255.0"),
      writer,
      send,
      dhcp: undefined,
      tcp: this.nat,
    });
  }

  /** The client sends a frame; what comes back. */
  receive(frame: Uint8Array): Buffer[] {
    this.sent.length = 0;
    this.host.receive(Buffer.from(frame), 0, frame.length);
    this.nat.flush();
    return this.sent;
  }

  /** A TCP segment of the client, as a frame. */
  segment(
    header: Partial<SegmentHeader>,
    payload = "",
    { port = 50_000, to = web, from = client } = {},
  ): Buffer {
    const writer = this.#client;
    const at = writer.begin(from, { ...host, address: to }, 6);
    const payloadAt = writeSegmentHeader(writer.buffer, at, port, 80, {
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
    return Buffer.from(writer.finishTransport(end, 6, at + 16));
  }

  ping(payload: string, to = host): Buffer {
    const writer = this.#client;
    const at = writer.begin(client, to, 1);
    writer.buffer.set([8, 0, 0, 0, 0, 5, 0, 6], at);
    const end = at + 8 + writer.buffer.write(payload, at + 8);
    writer.buffer.writeUInt16BE(internetChecksum(writer.buffer, at, end), at + 2);
    return Buffer.from(writer.finish(end));
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
    assert.equal(world.nat.count, 0);
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
        .every(isReachable),
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
    connection.events.data(Buffer.alloc(tcpNatLimits.highBytes));
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
    assert.ok(acknowledgment >= 78 + tcpNatLimits.lowBytes);
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
    assert.equal(world.nat.count, 0);
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
    for (; world.now < 600_000 && world.nat.count > 0; world.now += 50) world.nat.tick();
    assert.deepEqual(silent.calls, ["destroy"]);
  });

  test("has a bound, behind which the next one is refused", () => {
    const world = new World();
    for (let port = 1; port <= tcpNatLimits.connections; port++) {
      assert.deepEqual(world.receive(world.segment({ flags: syn }, "", { port })), []);
    }
    assert.equal(readTcp(world.receive(world.segment({ flags: syn }))[0]).flags, rst | ack);
    world.nat.close();
    assert.equal(world.nat.count, 0);
    assert.ok(world.outside.every(({ calls }) => calls.join() === "destroy"));
  });
});
