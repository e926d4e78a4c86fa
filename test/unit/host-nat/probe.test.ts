import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { internetChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame } from "../../../server/ethernet/frame.ts";
import { formatIpv4 } from "../../../server/ethernet/word-address.ts";
import { findProbeResult, probeBlock, probeTarget } from "../../../server/host-nat/probe.ts";
import { PacketWriter, type Station } from "../../../server/secure-nat/packet-writer.ts";
import { block, unblock } from "../hub/hub-fixture.ts";

const from: Station = { mac0: 0x5e00, mac1: 1, address: 0xc612_0002 };
const kernel: Station = { ...from, address: 0xc612_0001 };
const [probe = Buffer.alloc(0)] = unblock(probeBlock(from));

/** What a router answers to the packet of the frame. */
function answer(code: number, { type = 3, quoted = probe.subarray(14), damage = 0 } = {}): Buffer {
  const frames: Buffer[] = [];
  const writer = new PacketWriter({
    send: (buffer, start, end) => frames.push(...unblock(buffer.subarray(start, end))),
    soon: (flush) => flush(),
  });
  const at = writer.begin(kernel, from, 1);
  writer.buffer.fill(0, at, at + 8);
  writer.buffer.set([type, code], at);
  const end = at + 8 + quoted.copy(writer.buffer, at + 8);
  writer.buffer.writeUInt16BE(internetChecksum(writer.buffer, at, end) ^ damage, at + 2);
  writer.finish(end);
  return frames[0] ?? assert.fail();
}

function resultOf(...frames: readonly Buffer[]) {
  const blocks = Buffer.concat(frames.map((frame) => block(frame)));
  return findProbeResult(blocks, 0, blocks.length, from.address);
}

describe("a packet that tries the way out", () => {
  test("is a datagram to an address that nobody has", () => {
    const frame = new Frame();
    assert.ok(frame.read(probe, 0, probe.length));
    assert.deepEqual(
      [formatIpv4(frame.sourceIp3), formatIpv4(frame.destinationIp3), frame.destinationPort],
      ["198.18.0.2", "192.0.2.1", probeTarget.port],
    );
  });

  test("has passed when our own rule answers, among other frames", () => {
    const other = Buffer.from("33330000000202000000000786dd6000", "hex");
    assert.equal(resultOf(other, answer(2)), "passed");
    assert.equal(resultOf(other, probe, Buffer.alloc(3)), undefined);
  });

  test("was refused when somebody else answers, who says why", () => {
    assert.deepEqual(resultOf(answer(0)), { refused: "the host has no route to the Internet" });
    assert.deepEqual(resultOf(answer(13)), { refused: "the host's firewall refuses to forward" });
    assert.deepEqual(resultOf(answer(77)), {
      refused: "the host does not forward (ICMP unreachable, code 77)",
    });
  });

  test("is not answered by what is damaged, cut, of another kind, or about another packet", () => {
    const about = Buffer.from(probe.subarray(14));
    about.writeUInt32BE(0xcb00_7101, 16);
    for (const frame of [
      answer(2, { damage: 1 }),
      answer(2, { quoted: probe.subarray(14, 33) }),
      answer(2, { type: 11 }),
      answer(2, { quoted: about }),
    ]) {
      assert.equal(resultOf(frame), undefined);
    }
    const blocks = block(answer(2));
    assert.equal(findProbeResult(blocks, 0, blocks.length, from.address + 1), undefined);
  });
});
