import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame } from "../../../server/ethernet/frame.ts";
import { parseIpv4 } from "../../../server/ethernet/ipv4-network.ts";
import { formatIpv4 } from "../../../server/ethernet/word-address.ts";
import { kernelNatLimits } from "../../../server/limits.ts";
import { KernelNat, outerNetwork } from "../../../server/secure-nat/kernel-nat.ts";
import { PacketWriter, type Station } from "../../../server/secure-nat/packet-writer.ts";
import { block, unblock } from "../hub/hub-fixture.ts";

const ip = (text: string) => parseIpv4(text) ?? assert.fail(text);
const router: Station = { mac0: 0x5e00, mac1: 1, address: ip("192.168.30.1") };
const alice: Station = { mac0: 0x0200, mac1: 7, address: ip("192.168.30.10") };
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
    const bob: Station = { mac0: 0x0200, mac1: 8, address: ip("192.168.46.10") };
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
});
