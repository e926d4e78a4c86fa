import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { packetDeviceLimits } from "../../../server/limits.ts";
import { OutgoingFrames, type OutgoingFramesOptions } from "../../../server/packet-device/outgoing-frames.ts";
import {
  finishFrame,
  readUnfinished,
  unfinishedHeaderBytes,
} from "../../../server/packet-device/unfinished-frame.ts";
import { block } from "../hub/hub-fixture.ts";

/** What tells a packet from others; what is left out is as in the first packet of the flow. */
interface Packet {
  readonly version: 4 | 6;
  readonly protocol: "tcp" | "udp";
  readonly payload: number;
  readonly sequence?: number;
  readonly id?: number;
  readonly mayBeCut?: boolean;
  readonly flags?: number;
  readonly port?: number;
  readonly acknowledged?: number;
  readonly window?: number;
  readonly hops?: number;
  readonly options?: string;
  readonly hasChecksum?: boolean;
  readonly padding?: number;
}

const [ack, psh, fin, syn, cwr] = [0x10, 0x08, 0x01, 0x02, 0x80];
const timestamp = "0101080a0102030405060708";

function frameOf(packet: Packet): Buffer {
  const { version, protocol, sequence = 0, options = timestamp } = packet;
  const transport = 14 + (version === 4 ? 20 : 40);
  const end = transport + (protocol === "tcp" ? 20 + options.length / 2 : 8);
  const frame = Buffer.alloc(end + packet.payload);
  frame.write(`020000000001020000000002${version === 4 ? "0800" : "86dd"}`, "hex");
  const hops = packet.hops ?? 64;
  if (version === 4) {
    frame.writeUInt16BE(0x4500, 14);
    frame.writeUInt16BE(frame.length - 14, 16);
    frame.writeUInt16BE(packet.id ?? 7, 18);
    frame.writeUInt16BE(packet.mayBeCut === true ? 0 : 0x4000, 20);
    frame.set([hops, protocol === "tcp" ? 6 : 17], 22);
    frame.write("c0000201c0000202", 26, "hex");
    frame.writeUInt16BE(internetChecksum(frame, 14, 34), 24);
  } else {
    frame.writeUInt32BE(0x60012345, 14);
    frame.writeUInt16BE(frame.length - transport, 18);
    frame.set([protocol === "tcp" ? 6 : 17, hops], 20);
    frame.write("20010db8000000000000000000000001".repeat(2), 22, "hex");
  }
  frame.writeUInt16BE(packet.port ?? 1_000, transport);
  frame.writeUInt16BE(2_000, transport + 2);
  for (let at = end; at < frame.length; at++) frame[at] = sequence + at;
  if (protocol === "tcp") {
    frame.writeUInt32BE(sequence >>> 0, transport + 4);
    frame.writeUInt32BE(packet.acknowledged ?? 5, transport + 8);
    frame.set([(5 + options.length / 8) << 4, packet.flags ?? ack], transport + 12);
    frame.writeUInt16BE(packet.window ?? 500, transport + 14);
    frame.write(options, transport + 20, "hex");
  } else frame.writeUInt16BE(frame.length - transport, transport + 4);
  const [addressesAt, addressBytes] = version === 4 ? [26, 8] : [22, 32];
  const number = protocol === "tcp" ? 6 : 17;
  const sum = transportChecksum(frame, addressesAt, addressBytes, number, transport, frame.length);
  const checksum = packet.hasChecksum === false ? 0 : sum || 0xffff;
  frame.writeUInt16BE(checksum, transport + (protocol === "tcp" ? 16 : 6));
  return Buffer.concat([frame, Buffer.alloc(packet.padding ?? 0)]);
}

/** What goes to the kernel, as the number of frames in each, and the frames that it makes of it. */
function send(frames: readonly Buffer[], options?: OutgoingFramesOptions) {
  const memory = Buffer.alloc(packetDeviceLimits.gatheredBytes, 0xee);
  const outgoing = new OutgoingFrames(memory, options);
  const blocks = Buffer.concat(frames.map((frame) => block(frame)));
  const counts: number[] = [];
  const cut: Buffer[] = [];
  for (let at = 0; at < blocks.length; outgoing.clear()) {
    const former = at;
    at = outgoing.take(blocks, at, blocks.length);
    assert.ok(at > former, "it takes at least one");
    outgoing.close();
    counts.push(...outgoing.counts);
    for (const [index, offset] of outgoing.offsets.entries()) {
      const length = outgoing.lengths[index] as number;
      const frameAt = offset + unfinishedHeaderBytes;
      const unfinished = readUnfinished(memory, offset);
      assert.equal(unfinished.segments !== "none", (outgoing.counts[index] as number) > 1);
      const emit = (buffer: Buffer, start: number, end: number) =>
        cut.push(Buffer.from(buffer.subarray(start, end)));
      assert.ok(finishFrame(memory, frameAt, offset + length, unfinished, Buffer.alloc(1_600), emit));
    }
  }
  return { counts, cut };
}

const flowOf = (first: Packet, count: number, last: Partial<Packet> = {}) =>
  Array.from({ length: count }, (_, index) => ({
    ...first,
    id: (first.id ?? 7) + index,
    sequence: (first.sequence ?? 0) + index * first.payload,
    ...(index === count - 1 ? last : {}),
  }));

const flows: Packet[] = (["tcp", "udp"] as const).flatMap((protocol) =>
  ([4, 6] as const).map((version) => ({ version, protocol, payload: 1_000 })),
);

describe("frames on their way to a kernel", () => {
  test("of one flow are merged, and the kernel makes the same of them", () => {
    for (const flow of flows) {
      const frames = flowOf({ ...flow, sequence: 0xffff_f000 }, 30, { payload: 300 }).map(frameOf);
      const { counts, cut } = send(frames);
      assert.deepEqual(counts, [30]);
      assert.deepEqual(cut, frames);
    }
  });

  test("are merged until a packet is full", () => {
    for (const [flow, expected] of [
      [flows[0], [65, 65]],
      [flows[2], [64, 64, 2]],
    ] as const) {
      assert.ok(flow);
      const frames = flowOf(flow, 130).map(frameOf);
      const { counts, cut } = send(frames);
      assert.deepEqual(counts, expected);
      assert.deepEqual(cut, frames);
    }
  });

  test("are not merged beyond one that ends a run", () => {
    const tcp = { version: 4, protocol: "tcp", payload: 100 } as const;
    const frames = [
      ...flowOf(tcp, 3, { flags: ack | psh }),
      ...flowOf({ ...tcp, sequence: 300, id: 10 }, 3, { payload: 10 }),
      ...flowOf({ ...tcp, sequence: 510, id: 13 }, 2, { flags: ack | fin }),
      ...flowOf({ ...tcp, sequence: 711, id: 15 }, 2),
    ].map(frameOf);
    const { counts, cut } = send(frames);
    assert.deepEqual(counts, [3, 3, 2, 2]);
    assert.deepEqual(cut, frames);
  });

  test("are left alone where they differ, or are odd in any way", () => {
    const [first, second] = flowOf({ version: 4, protocol: "tcp", payload: 100 }, 2) as [Packet, Packet];
    const changes: Partial<Packet>[] = [
      { sequence: 101 },
      { payload: 101 },
      { payload: 0 },
      { flags: ack | syn },
      { flags: ack | cwr },
      { flags: 0 },
      { port: 1_001 },
      { acknowledged: 6 },
      { window: 501 },
      { hops: 63 },
      { options: timestamp.replace("0102", "0103") },
      { options: "" },
      { mayBeCut: true },
      { version: 6 },
      { protocol: "udp" },
      { padding: 2 },
    ];
    for (const change of changes) {
      const frames = [first, { ...second, ...change }].map(frameOf);
      const { counts, cut } = send(frames);
      assert.deepEqual(counts, [1, 1], JSON.stringify(change));
      assert.deepEqual(cut, frames);
    }
    const mayBeCut = { ...first, mayBeCut: true };
    assert.deepEqual(send([mayBeCut, { ...mayBeCut, sequence: 100, id: 8 }].map(frameOf)).counts, [2]);
    assert.deepEqual(send([mayBeCut, { ...mayBeCut, sequence: 100, id: 9 }].map(frameOf)).counts, [1, 1]);
    const bare = { version: 4, protocol: "udp", payload: 10, hasChecksum: false } as const;
    assert.deepEqual(send([bare, bare].map(frameOf)).counts, [1, 1]);
  });

  test("with a wrong checksum are left alone: the kernel would make a right one", () => {
    for (const flow of flows) {
      for (const damaged of [0, 1]) {
        const frames = flowOf(flow, 2).map(frameOf);
        const frame = frames[damaged] as Buffer;
        frame[500] = (frame[500] as number) ^ 1;
        const { counts, cut } = send(frames);
        assert.deepEqual(counts, [1, 1]);
        assert.deepEqual(cut, frames);
      }
    }
  });

  test("are not merged where they are longer than the MTU, or where the kernel takes no datagrams", () => {
    for (const flow of flows) {
      const frames = flowOf(flow, 2).map(frameOf);
      const { length = 0 } = frames[0] ?? {};
      assert.deepEqual(send(frames, { longest: length }).counts, [2]);
      assert.deepEqual(send(frames, { longest: length - 1 }).counts, [1, 1]);
      const counts = flow.protocol === "udp" ? [1, 1] : [2];
      assert.deepEqual(send(frames, { mergesDatagrams: false }).counts, counts);
    }
  });

  test("go in their order, whatever they are, and none is lost", () => {
    const packet = fc.record({
      version: fc.constantFrom<4 | 6>(4, 4, 6),
      protocol: fc.constantFrom<"tcp" | "udp">("tcp", "tcp", "udp"),
      payload: fc.constantFrom(0, 1, 100, 100, 1_400),
      sequence: fc.constantFrom(0, 100, 200, 300, 1_400),
      id: fc.constantFrom(1, 2, 3, 4),
      flags: fc.constantFrom(ack, ack, ack, ack | psh),
      // The kernel counts the identifications on, which is only right where they are.
      mayBeCut: fc.constant(true),
    });
    const other = fc.uint8Array({ minLength: 1, maxLength: 1_600 }).map((bytes) => Buffer.from(bytes));
    const frame = fc.oneof({ weight: 6, arbitrary: packet.map(frameOf) }, { weight: 1, arbitrary: other });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 150 }), (frames) => {
        const { counts, cut } = send(frames);
        assert.deepEqual(cut, frames);
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          frames.length,
        );
      }),
      { numRuns: 300 },
    );
  });

  test("are taken as far as there is room", () => {
    const outgoing = new OutgoingFrames(Buffer.alloc(packetDeviceLimits.gatheredBytes));
    const blocks = Buffer.concat(Array.from({ length: 100 }, () => block(Buffer.alloc(60))));
    assert.equal(outgoing.take(blocks, 0, blocks.length), packetDeviceLimits.sentAtOnce * 64);
    assert.equal(outgoing.take(blocks, 0, blocks.length), 0);
    outgoing.clear();
    const long = Buffer.concat(Array.from({ length: 100 }, () => block(Buffer.alloc(1_600))));
    while (outgoing.take(long, 0, long.length) > 0);
    assert.ok(outgoing.offsets.length <= packetDeviceLimits.sentAtOnce);
  });
});
