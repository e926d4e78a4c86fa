import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { parseIpv4 } from "../../../server/ethernet/ipv4-network.ts";
import { formatIpv4 } from "../../../server/ethernet/word-address.ts";
import { kernelNatLimits } from "../../../server/limits.ts";
import { connectionKey, HalfOpen } from "../../../server/secure-nat/half-open.ts";
import { KernelNat, outerNetwork } from "../../../server/secure-nat/kernel-nat.ts";
import { PacketWriter, type Station } from "../../../server/secure-nat/packet-writer.ts";
import { block, unblock } from "../hub/hub-fixture.ts";

const ip = (text: string) => parseIpv4(text) ?? assert.fail(text);
const router: Station<number> = { mac0: 0x5e00, mac1: 1, address: ip("192.168.30.1") };
const alice: Station<number> = { mac0: 0x0200, mac1: 7, address: ip("192.168.30.10") };
const network = ip("198.18.16.0");
const web = ip("203.0.113.80");
const closed = ip("169.254.169.254");

const made: Buffer[] = [];
const writer = new PacketWriter({
  send: (buffer, start, end) => made.push(...unblock(buffer.subarray(start, end))),
  soon: (flush) => flush(),
});

/** A frame with a datagram from port 1000 to port 2000. */
function datagram(from: Station, to: Station, payload = "hello"): Buffer {
  const at = writer.begin(from, to, 17);
  writer.buffer.writeUInt16BE(1_000, at);
  writer.buffer.writeUInt16BE(2_000, at + 2);
  writer.buffer.writeUInt16BE(8 + payload.length, at + 4);
  writer.buffer.write(payload, at + 8);
  writer.finishTransport(at + 8 + payload.length, 17, at + 6);
  return made.pop() ?? assert.fail();
}

/** A frame with a segment between port 1000 + `port` of a client and port 80 of the other end, sent by one of them. */
function segment(from: Station, to: Station, flags: number, port: number, isAnswer = false): Buffer {
  const at = writer.begin(from, to, 6);
  writer.buffer.fill(0, at, at + 20);
  const [client, remote] = [1_000 + port, 80];
  writer.buffer.writeUInt16BE(isAnswer ? remote : client, at);
  writer.buffer.writeUInt16BE(isAnswer ? client : remote, at + 2);
  writer.buffer.writeUInt32BE(4_711, at + 4);
  writer.buffer[at + 12] = 0x50;
  writer.buffer[at + 13] = flags;
  writer.finishTransport(at + 20, 6, at + 16);
  return made.pop() ?? assert.fail();
}

/** What a frame says, once its checksums were found right. */
function read(bytes: Buffer | undefined): string {
  assert.ok(bytes);
  const frame = new Frame();
  assert.ok(frame.read(bytes, 0, bytes.length));
  const { networkAt, transportAt, packetEnd, sourceIp3, destinationIp3, payloadAt } = frame;
  assert.equal(internetChecksum(bytes, networkAt, transportAt), 0);
  assert.equal(transportChecksum(bytes, networkAt + 12, 8, 17, transportAt, packetEnd), 0);
  const payload = bytes.toString("latin1", payloadAt, packetEnd);
  return `${formatIpv4(sourceIp3)} > ${formatIpv4(destinationIp3)} at ${bytes.toString("hex", 0, 6)}: ${payload}`;
}

class Scene {
  now = 0;
  readonly outside: Buffer[] = [];
  readonly inside: Buffer[] = [];
  readonly nat = new KernelNat({
    network,
    router,
    sendOutside: (buffer, start, end) => this.outside.push(...unblock(buffer.subarray(start, end))),
    sendInside: (buffer, start, end) => this.inside.push(...unblock(buffer.subarray(start, end))),
    mayReach: (address) => address !== closed,
    writer: new PacketWriter({
      send: (buffer, start, end) => this.inside.push(...unblock(buffer.subarray(start, end))),
      soon: (flush) => flush(),
    }),
    mostConnecting: 3,
    now: () => this.now,
  });

  /** A client sends; what goes outside. */
  send(frame: Buffer, session = 1): { taken: boolean; sent: Buffer[] } {
    const parsed = new Frame();
    assert.ok(parsed.read(frame, 0, frame.length));
    const taken = this.nat.receive(parsed, session);
    this.nat.flush();
    return { taken, sent: this.outside.splice(0) };
  }

  /** The kernel sends frames; what goes inside. */
  deliver(...frames: readonly Buffer[]): Buffer[] {
    const blocks = Buffer.concat(frames.map((frame) => block(frame)));
    this.nat.deliver(blocks, 0, blocks.length);
    return this.inside.splice(0);
  }
}

const to = (address: number): Station => ({ ...router, address });

describe("NAT by the kernel", () => {
  test("gives a client another address outside, and what comes back the client's own", () => {
    const scene = new Scene();
    const { taken, sent } = scene.send(datagram(alice, to(web)));
    assert.ok(taken);
    assert.deepEqual(sent.map(read), ["198.18.30.10 > 203.0.113.80 at 5e0000000001: hello"]);
    const answer = datagram(to(web), to(ip("198.18.30.10")), "and back");
    assert.deepEqual(scene.deliver(answer).map(read), [
      "203.0.113.80 > 192.168.30.10 at 020000000007: and back",
    ]);
  });

  test("shows the virtual host where the kernel speaks for itself", () => {
    const scene = new Scene();
    scene.send(datagram(alice, to(web)));
    const own = datagram(to(network + outerNetwork.kernel), to(ip("198.18.30.10")), "too far");
    assert.deepEqual(scene.deliver(own).map(read), ["192.168.30.1 > 192.168.30.10 at 020000000007: too far"]);
  });

  test("takes nothing to closed addresses, to loopback, and to none of its own", () => {
    const scene = new Scene();
    for (const address of [
      closed,
      ip("127.0.0.1"),
      network,
      network + outerNetwork.kernel,
      ip("198.18.30.10"),
    ]) {
      assert.deepEqual(scene.send(datagram(alice, to(address))), { taken: false, sent: [] });
    }
  });

  test("hands inside what is for clients alone, in runs as they came", () => {
    const scene = new Scene();
    scene.send(datagram(alice, to(web)));
    const mine = () => datagram(to(web), to(ip("198.18.30.10")));
    const others = [
      datagram(to(web), to(ip("198.18.30.11"))),
      datagram(to(web), to(ip("10.0.0.1"))),
      datagram(to(web), to(network + outerNetwork.probe)),
      Buffer.from("33330000000202000000000786dd6000", "hex"),
      Buffer.alloc(7),
    ];
    const frames = others.flatMap((other) => [mine(), other, mine()]);
    assert.equal(scene.deliver(...frames).length, 2 * others.length);
  });

  test("gives two clients with the same last bits two addresses, each its own", () => {
    const scene = new Scene();
    const bob: Station<number> = { mac0: 0x0200, mac1: 8, address: ip("192.168.46.10") };
    const [first, second] = [alice, bob].map((from) => read(scene.send(datagram(from, to(web))).sent[0]));
    assert.match(first ?? "", /^198\.18\.30\.10 /);
    assert.match(second ?? "", /^198\.18\.30\.11 /);
    assert.match(read(scene.deliver(datagram(to(web), to(ip("198.18.30.11"))))[0]), /> 192\.168\.46\.10 /);
  });

  test("follows a client to another MAC address", () => {
    const scene = new Scene();
    scene.send(datagram(alice, to(web)));
    scene.send(datagram({ ...alice, mac1: 9 }, to(web)));
    assert.match(read(scene.deliver(datagram(to(web), to(ip("198.18.30.10"))))[0]), /at 020000000009/);
  });

  test("has place for so many, then for those who come when somebody was quiet for long", () => {
    const scene = new Scene();
    const send = (index: number) =>
      scene.send(datagram({ ...alice, address: ip("10.0.0.0") + index }, to(web))).sent.length;
    for (let index = 0; index < kernelNatLimits.clients; index++) assert.equal(send(index), 1);
    assert.equal(scene.nat.clients, kernelNatLimits.clients);
    scene.now = kernelNatLimits.quietMs - 1;
    assert.deepEqual([send(5_000), scene.nat.refused], [0, 1]);
    for (let index = 1; index < kernelNatLimits.clients; index++) send(index);
    scene.now += kernelNatLimits.fullMs;
    // The first one was quiet since, and nobody else.
    assert.deepEqual([send(5_000), send(5_001), scene.nat.refused], [1, 0, 2]);
    assert.equal(scene.nat.clients, kernelNatLimits.clients);
  });

  test("looks for a quiet client once a second at most when there was none", () => {
    const scene = new Scene();
    const send = (index: number) =>
      scene.send(datagram({ ...alice, address: ip("10.0.0.0") + index }, to(web))).sent.length;
    for (let index = 0; index < kernelNatLimits.clients; index++) send(index);
    scene.now = kernelNatLimits.quietMs - 1;
    assert.equal(send(5_000), 0);
    scene.now += kernelNatLimits.fullMs - 1;
    assert.equal(send(5_000), 0);
    scene.now += 1;
    assert.equal(send(5_000), 1);
  });

  describe("holds a client to connections that nobody has answered", () => {
    const { syn, ack, rst } = tcpFlags;
    const outer: Station<number> = { ...router, address: ip("198.18.30.10") };
    const bob: Station<number> = { mac0: 0x0200, mac1: 8, address: ip("192.168.30.11") };
    let scene: Scene;
    const begin = (port: number, from = alice) => scene.send(segment(from, to(web), syn, port)).sent.length;
    const answer = (flags: number, port: number) =>
      void scene.deliver(segment(to(web), outer, flags, port, true));
    beforeEach(() => {
      scene = new Scene();
      for (const port of [1, 2, 3]) assert.equal(begin(port), 1);
    });

    test("refuses one that is too many by a reset, and others not", () => {
      assert.deepEqual([begin(4), scene.nat.refused], [0, 1]);
      const [reset] = scene.inside.splice(0);
      const frame = new Frame();
      assert.ok(reset && frame.read(reset, 0, reset.length));
      assert.deepEqual(
        [
          formatIpv4(frame.sourceIp3),
          formatIpv4(frame.destinationIp3),
          frame.sourcePort,
          frame.destinationPort,
        ],
        ["203.0.113.80", "192.168.30.10", 80, 1_004],
      );
      assert.equal(frame.tcpFlags, rst | ack);
      assert.equal(reset.readUInt32BE(frame.transportAt + 8), 4_712);
      assert.equal(begin(4, bob), 1);
      // Of a client that has as many as it may, everything else goes on.
      assert.equal(scene.send(segment(alice, to(web), ack, 1)).sent.length, 1);
      assert.equal(scene.send(datagram(alice, to(web))).sent.length, 1);
    });

    test("takes repetitions for what they are", () => {
      for (let count = 0; count < 5; count++) assert.equal(begin(2), 1);
      assert.equal(scene.nat.refused, 0);
    });

    test("counts none that was answered, refused or given up", () => {
      answer(syn | ack, 1);
      assert.deepEqual([begin(4), begin(5)], [1, 0]);
      answer(rst | ack, 2);
      assert.deepEqual([begin(5), begin(6)], [1, 0]);
      scene.send(segment(alice, to(web), rst, 3));
      assert.deepEqual([begin(6), begin(7)], [1, 0]);
      // Of somebody else, and of a connection that has ended.
      answer(syn | ack, 8);
      answer(syn | ack, 1);
      assert.equal(begin(7), 0);
    });

    test("counts none that somebody on the way could not deliver", () => {
      scene.inside.length = 0;
      const sent = segment(outer, to(web), syn, 1);
      const at = writer.begin(to(ip("203.0.113.1")), outer, 1);
      writer.buffer.fill(0, at, at + 8);
      writer.buffer[at] = 3;
      const end = at + 8 + sent.copy(writer.buffer, at + 8, 14, 14 + 28);
      writer.buffer.writeUInt16BE(internetChecksum(writer.buffer, at, end), at + 2);
      writer.finish(end);
      const error = made.pop() ?? assert.fail();
      // One that is cut tells nothing.
      for (const cut of [14 + 20 + 8, 14 + 20 + 8 + 20, 14 + 20 + 8 + 20 + 3])
        scene.deliver(error.subarray(0, cut));
      assert.equal(begin(4), 0);
      scene.deliver(error);
      assert.deepEqual([begin(4), begin(5)], [1, 0]);
    });

    test("forgets what nobody answers, without a timer", () => {
      scene.now = kernelNatLimits.connectingMs - 1;
      assert.equal(begin(4), 0);
      // Tried again, so that it lasts longer.
      assert.equal(begin(1), 1);
      scene.now++;
      assert.deepEqual([begin(4), begin(5), begin(6)], [1, 1, 0]);
    });

    test("lets no fragment through that hides what it begins", () => {
      const cut = segment(alice, to(web), syn, 4);
      // The rest of its header is in another fragment.
      cut[14 + 20 + 12] = 0x60;
      cut.writeUInt16BE(0x2000, 20);
      assert.deepEqual(scene.send(cut), { taken: true, sent: [] });
    });
  });
});

describe("connections that nobody has answered", () => {
  test("are as many as of one beginner at a time, and in all", () => {
    const beginners = Array.from({ length: 40 }, () => ({ halfOpen: 0 }));
    const halfOpen = new HalfOpen(500);
    for (const [client, beginner] of beginners.entries()) {
      for (let port = 0; port < 500; port++) {
        assert.ok(halfOpen.begin(connectionKey(client, port, web, 80), beginner, 0));
      }
    }
    assert.equal(halfOpen.count, kernelNatLimits.connections);
    // Those beyond go to the kernel, which has a bound for all of a hub.
    assert.equal(
      beginners.reduce((sum, each) => sum + each.halfOpen, 0),
      kernelNatLimits.connections,
    );
    assert.ok(
      halfOpen.begin(
        connectionKey(0, 0, web, 80),
        beginners[0] ?? assert.fail(),
        kernelNatLimits.connectingMs,
      ),
    );
    assert.deepEqual([halfOpen.count, beginners[0]?.halfOpen, beginners[1]?.halfOpen], [1, 1, 0]);
  });

  test("are told apart by both ends", () => {
    const keys = [
      connectionKey(1, 2, 3, 4),
      connectionKey(1, 2, 4, 3),
      connectionKey(1, 3, 3, 4),
      connectionKey(2, 2, 3, 4),
      connectionKey(1, 2, 0x0003_0000, 4),
      connectionKey(0x0001_0000, 2, 3, 4),
      connectionKey(1, 2, 0xffff_ffff, 4),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });
});
