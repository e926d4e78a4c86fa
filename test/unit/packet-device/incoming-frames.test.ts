import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { packetDeviceLimits } from "../../../server/limits.ts";
import { IncomingFrames } from "../../../server/packet-device/incoming-frames.ts";
import { unfinishedHeaderBytes } from "../../../server/packet-device/unfinished-frame.ts";
import { block, unblock } from "../hub/hub-fixture.ts";

function gathered() {
  const runs: Buffer[][] = [];
  const incoming = new IncomingFrames((buffer, start, end) =>
    runs.push(unblock(Buffer.from(buffer.subarray(start, end)))),
  );
  const take = (frame: Buffer, { header = Buffer.alloc(unfinishedHeaderBytes), lost = 0, tag = "" } = {}) => {
    // It stands in the middle of something.
    const memory = Buffer.concat([Buffer.from("xyz"), header, frame]);
    const bytes = memory.length - 3;
    const tagged = tag === "" ? undefined : Buffer.from(tag, "hex");
    incoming.take(memory, 3, bytes + lost, bytes, tagged);
  };
  return { incoming, runs, take };
}

describe("frames that came from a kernel", () => {
  test("are handed over as one run of blocks", () => {
    const { incoming, runs, take } = gathered();
    const frames = [60, 1_514, 14].map((bytes, index) => Buffer.alloc(bytes, index + 1));
    for (const frame of frames) take(frame);
    assert.deepEqual(runs, []);
    incoming.flush();
    incoming.flush();
    assert.deepEqual(runs, [frames]);
    assert.equal(incoming.dropped, 0);
  });

  test("get the tag back that the kernel has taken off", () => {
    const { incoming, runs, take } = gathered();
    take(Buffer.from("020000000001020000000002080045", "hex"), { tag: "81006005" });
    incoming.flush();
    assert.deepEqual(runs, [[Buffer.from("02000000000102000000000281006005080045", "hex")]]);
  });

  test("are dropped and counted where no hub takes them, or a part is missing", () => {
    const { incoming, runs, take } = gathered();
    take(Buffer.alloc(13));
    take(Buffer.alloc(1_601));
    take(Buffer.alloc(1_597), { tag: "81000005" });
    take(Buffer.alloc(100), { lost: 1 });
    // Segments of a kind that nobody knows; a checksum beyond the end.
    take(Buffer.alloc(100), { header: Buffer.from("0102000064000000000000", "hex").subarray(0, 10) });
    take(Buffer.alloc(100), { header: Buffer.from("01000000000062000600", "hex") });
    incoming.flush();
    assert.deepEqual(runs, []);
    assert.equal(incoming.dropped, 6);
  });

  test("go on in another run where one is full", () => {
    const { incoming, runs, take } = gathered();
    const frame = Buffer.alloc(1_514, 7);
    const perRun = Math.floor(packetDeviceLimits.batchBytes / block(frame).length);
    for (let count = 0; count <= perRun; count++) take(frame);
    incoming.flush();
    assert.deepEqual(
      runs.map(({ length }) => length),
      [perRun, 1],
    );
  });
});
