import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import {
  finishFrame,
  readUnfinished,
  type Unfinished,
} from "../../../server/packet-device/unfinished-frame.ts";

type Kind = "tcp4" | "tcp6" | "udp4" | "udp6";
const finished: Unfinished = {
  needsChecksum: false,
  segments: "none",
  segmentBytes: 0,
  checksumAt: 0,
  checksumOffset: 0,
};

/** A frame as a kernel leaves it, with the positions of its headers. */
function frameOf(kind: Kind, payload: Buffer, tags = "", options = 0) {
  const [isIpv4, isTcp] = [kind.endsWith("4"), kind.startsWith("tcp")];
  const network = 14 + tags.length / 2;
  const transport = network + (isIpv4 ? 20 : 40);
  const end = transport + (isTcp ? 20 + options : 8);
  const frame = Buffer.alloc(end + payload.length);
  frame.write(`020000000001020000000002${tags}${isIpv4 ? "0800" : "86dd"}`, "hex");
  const length = frame.length - network;
  if (isIpv4) {
    frame[network] = 0x45;
    frame.writeUInt16BE(length & 0xffff, network + 2);
    frame.writeUInt16BE(0xfffe, network + 4);
    frame[network + 9] = isTcp ? 6 : 17;
    frame.write("c0000201c0000202", network + 12, "hex");
    frame.writeUInt16BE(internetChecksum(frame, network, transport), network + 10);
  } else {
    frame[network] = 0x60;
    frame.writeUInt16BE((length - 40) & 0xffff, network + 4);
    frame[network + 6] = isTcp ? 6 : 17;
    frame.write("20010db8000000000000000000000001".repeat(2), network + 8, "hex");
  }
  if (isTcp) {
    frame.writeUInt32BE(0xffff_fff0, transport + 4);
    frame[transport + 12] = ((20 + options) / 4) << 4;
    // CWR, ACK, PSH and FIN.
    frame[transport + 13] = 0x99;
  } else {
    frame.writeUInt16BE((frame.length - transport) & 0xffff, transport + 4);
  }
  payload.copy(frame, end);
  return { frame, network, transport, end, isIpv4, isTcp };
}

function isChecksumRight(frame: Buffer, kind: Kind, network: number, transport: number): boolean {
  const [addressesAt, addressBytes] = kind.endsWith("4") ? [network + 12, 8] : [network + 8, 32];
  const protocol = kind.startsWith("tcp") ? 6 : 17;
  return transportChecksum(frame, addressesAt, addressBytes, protocol, transport, frame.length) === 0;
}

function finish(frame: Buffer, unfinished: Unfinished): Buffer[] | undefined {
  const frames: Buffer[] = [];
  const done = finishFrame(frame, 0, frame.length, unfinished, Buffer.alloc(1_600), (buffer, start, end) =>
    frames.push(Buffer.from(buffer.subarray(start, end))),
  );
  if (!done) assert.deepEqual(frames, []);
  return done ? frames : undefined;
}

const kinds = fc.constantFrom<Kind>("tcp4", "tcp6", "udp4", "udp6");
const tags = fc.constantFrom("", "81000005", "88a8000781000005");

describe("a frame that was left unfinished", () => {
  test("gets its checksum, on top of that of the pseudo header", () => {
    fc.assert(
      fc.property(kinds, tags, fc.uint8Array({ maxLength: 1_400 }), (kind, tag, payload) => {
        const { frame, network, transport, isIpv4, isTcp } = frameOf(kind, Buffer.from(payload), tag);
        const checksumOffset = isTcp ? 16 : 6;
        const addresses = frame.subarray(network + (isIpv4 ? 12 : 8), transport);
        const pseudo = Buffer.concat([addresses, Buffer.alloc(4)]);
        pseudo.writeUInt16BE(isTcp ? 6 : 17, addresses.length);
        pseudo.writeUInt16BE(frame.length - transport, addresses.length + 2);
        frame.writeUInt16BE(~internetChecksum(pseudo, 0, pseudo.length) & 0xffff, transport + checksumOffset);
        const unfinished = { ...finished, needsChecksum: true, checksumAt: transport, checksumOffset };
        const [whole, ...more] = finish(frame, unfinished) ?? [];
        assert.ok(whole && more.length === 0);
        assert.ok(isChecksumRight(whole, kind, network, transport));
      }),
    );
  });

  test("is cut into segments that are whole packets, and together what it was", () => {
    fc.assert(
      fc.property(
        kinds,
        tags,
        fc.uint8Array({ minLength: 1, maxLength: 5_000 }),
        fc.integer({ min: 1, max: 1_460 }),
        fc.constantFrom(0, 12, 40),
        (kind, tag, bytes, segmentBytes, options) => {
          const payload = Buffer.from(bytes);
          const { frame, network, transport, end, isIpv4, isTcp } = frameOf(kind, payload, tag, options);
          const segments = isTcp ? (kind as "tcp4" | "tcp6") : "udp";
          const frames = finish(frame, { ...finished, segments, segmentBytes });
          assert.ok(frames);
          assert.deepEqual(Buffer.concat(frames.map((each) => each.subarray(end))), payload);
          for (const [index, each] of frames.entries()) {
            const isLast: boolean = index === frames.length - 1;
            if (!isLast) assert.equal(each.length, end + segmentBytes);
            assert.ok(isChecksumRight(each, kind, network, transport));
            if (isIpv4) {
              assert.equal(internetChecksum(each, network, transport), 0);
              assert.equal(each.readUInt16BE(network + 2), each.length - network);
              assert.equal(each.readUInt16BE(network + 4), (0xfffe + index) & 0xffff);
            } else {
              assert.equal(each.readUInt16BE(network + 4), each.length - transport);
            }
            if (!isTcp) {
              assert.equal(each.readUInt16BE(transport + 4), each.length - transport);
              continue;
            }
            const sequence: number = (0xffff_fff0 + index * segmentBytes) % 0x1_0000_0000;
            assert.equal(each.readUInt32BE(transport + 4), sequence);
            assert.equal(each[transport + 13], 0x10 | (isLast ? 0x09 : 0) | (index === 0 ? 0x80 : 0));
          }
        },
      ),
    );
  });

  test("passes as it is when nothing is left to do", () => {
    const { frame } = frameOf("tcp4", Buffer.from("payload"));
    assert.deepEqual(finish(Buffer.from(frame), finished), [frame]);
  });

  test("is given up when it is not what its header says", () => {
    const payload = Buffer.alloc(4_000);
    const tcp = frameOf("tcp4", payload).frame;
    const cut = (segments: Unfinished["segments"], segmentBytes = 1_000) => ({
      ...finished,
      segments,
      segmentBytes,
    });
    assert.equal(finish(tcp, cut("tcp6")), undefined);
    assert.equal(finish(tcp, cut("udp")), undefined);
    assert.equal(finish(tcp, cut("unknown")), undefined);
    assert.equal(finish(tcp, cut("tcp4", 0)), undefined);
    assert.equal(finish(tcp, cut("tcp4", 1_590)), undefined);
    // TCP inside of a tunnel over UDP.
    assert.equal(finish(frameOf("udp4", payload).frame, cut("tcp4")), undefined);
    const outside = { ...finished, needsChecksum: true, checksumAt: tcp.length - 1, checksumOffset: 16 };
    assert.equal(finish(tcp, outside), undefined);
  });

  test("is handled whatever it is, and what comes out fits a frame of the hub", () => {
    const header = fc.uint8Array({ minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(
        header,
        kinds,
        tags,
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(),
        (bytes, kind, tag, noise, at) => {
          const { frame } = frameOf(kind, Buffer.alloc(1_000), tag);
          frame.set(
            noise.subarray(0, frame.length),
            Math.min(at % frame.length, frame.length - noise.length),
          );
          const unfinished = readUnfinished(Buffer.from(bytes));
          for (const length of [frame.length, 14, 40]) {
            for (const each of finish(Buffer.from(frame.subarray(0, length)), unfinished) ?? []) {
              assert.ok(each.length <= 1_600);
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
