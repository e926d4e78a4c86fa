import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { formatIpv4 } from "../../../server/ethernet/word-address.ts";
import { findProbeResult, probeBlocks, probeTargets } from "../../../server/host-nat/probe.ts";
import { PacketWriter, type Station } from "../../../server/secure-nat/packet-writer.ts";
import { block, unblock } from "../hub/hub-fixture.ts";

const from: Station<number> = { mac0: 0x5e00, mac1: 1, address: 0xc612_0002 };
const kernel: Station<number> = { ...from, address: 0xc612_0001 };
const probes = unblock(probeBlocks(from, 1_025));
const [silent = Buffer.alloc(0), answered = Buffer.alloc(0)] = probes;

function frameOf(write: (writer: PacketWriter) => void): Buffer {
  const frames: Buffer[] = [];
  write(
    new PacketWriter({
      send: (buffer, start, end) => void frames.push(...unblock(buffer.subarray(start, end))),
      soon: (flush) => flush(),
    }),
  );
  return frames[0] ?? assert.fail();
}

/** What a router says of the packet of the frame. */
function unreachable(code: number, { type = 3, quoted = answered.subarray(14), damage = 0 } = {}): Buffer {
  return frameOf((writer) => {
    const at = writer.begin(kernel, from, 1);
    writer.buffer.fill(0, at, at + 8);
    writer.buffer.set([type, code], at);
    const end = at + 8 + quoted.copy(writer.buffer, at + 8);
    writer.buffer.writeUInt16BE(internetChecksum(writer.buffer, at, end) ^ damage, at + 2);
    writer.finish(end);
  });
}

/** What a station answers by TCP. */
function segment(address: number, flags: number): Buffer {
  return frameOf((writer) => {
    const at = writer.begin({ ...from, address }, from, 6);
    writer.buffer.fill(0, at, at + 20);
    writer.buffer.set([0x50, flags], at + 12);
    writer.finishTransport(at + 20, 6, at + 16);
  });
}

function resultOf(...frames: readonly Buffer[]) {
  const blocks = Buffer.concat(frames.map((frame) => block(frame)));
  return findProbeResult(blocks, 0, blocks.length, from.address);
}

describe("packets that try the way out", () => {
  test("open connections to addresses that nobody has, the one without an answer first", () => {
    const read = probes.map((bytes) => {
      const frame = new Frame();
      assert.ok(frame.read(bytes, 0, bytes.length));
      const { networkAt, transportAt, packetEnd } = frame;
      assert.equal(internetChecksum(bytes, networkAt, transportAt), 0);
      assert.equal(transportChecksum(bytes, networkAt + 12, 8, 6, transportAt, packetEnd), 0);
      assert.equal(frame.tcpFlags, tcpFlags.syn);
      const [source, destination] = [frame.sourceIp3, frame.destinationIp3].map(formatIpv4);
      return `${source}:${frame.sourcePort} > ${destination}:${frame.destinationPort}`;
    });
    assert.deepEqual(read, ["198.18.0.2:1025 > 192.0.2.2:443", "198.18.0.2:1025 > 192.0.2.1:443"]);
  });

  test("have passed when our own rule answers the one, among other frames", () => {
    const other = Buffer.from("33330000000202000000000786dd6000", "hex");
    assert.equal(resultOf(other, segment(probeTargets.answered, tcpFlags.rst | tcpFlags.ack)), "passed");
    assert.equal(resultOf(other, answered, silent, Buffer.alloc(3)), undefined);
    assert.equal(resultOf(segment(probeTargets.answered, tcpFlags.syn | tcpFlags.ack)), undefined);
    assert.equal(resultOf(segment(0xcb00_7101, tcpFlags.rst)), undefined);
  });

  test("were refused when somebody answers both", () => {
    const both = [probeTargets.silent, probeTargets.answered].map((address) =>
      segment(address, tcpFlags.rst),
    );
    assert.deepEqual(resultOf(...both), { refused: "the host's firewall refuses to forward" });
  });

  test("were refused when somebody says why", () => {
    assert.deepEqual(resultOf(unreachable(0)), { refused: "the host has no route to the Internet" });
    assert.deepEqual(resultOf(unreachable(13, { quoted: silent.subarray(14) })), {
      refused: "the host's firewall refuses to forward",
    });
    assert.deepEqual(resultOf(unreachable(77)), {
      refused: "the host does not forward (ICMP unreachable, code 77)",
    });
  });

  test("are not answered by what is damaged, cut, of another kind, or about another packet", () => {
    const about = Buffer.from(answered.subarray(14));
    about.writeUInt32BE(0xcb00_7101, 16);
    for (const frame of [
      unreachable(13, { damage: 1 }),
      unreachable(13, { quoted: answered.subarray(14, 33) }),
      unreachable(13, { type: 11 }),
      unreachable(13, { quoted: about }),
    ]) {
      assert.equal(resultOf(frame), undefined);
    }
    const blocks = block(unreachable(13));
    assert.equal(findProbeResult(blocks, 0, blocks.length, from.address + 1), undefined);
  });
});
