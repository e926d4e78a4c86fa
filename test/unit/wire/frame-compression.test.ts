import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import {
  compressedBound,
  compressFrame,
  decompressFrame,
  sharesContext,
} from "../../../server/wire/frame-compression.ts";

const most = 1600;
const target = Buffer.alloc(4 + most + 1);

/** What is read of a block, or undefined. */
function read(block: Uint8Array): Buffer | undefined {
  target.fill(0xee);
  const bytes = decompressFrame(block, target, 4, most);
  assert.equal(target.readUInt32BE(0), 0xeeee_eeee, "bytes before its place");
  return bytes === undefined ? undefined : Buffer.from(target.subarray(4, 4 + bytes));
}

describe("compression of frames", () => {
  test("does it with the memory of the first one, as this runtime allows", () => {
    assert.equal(sharesContext, true);
  });

  test("writes what zlib reads, and reads what zlib writes, one after the other", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: most }), (frame) => {
        const out = Buffer.alloc(3 + compressedBound(frame.length));
        const bytes = compressFrame(frame, out, 3);
        assert.deepEqual(new Uint8Array(inflateSync(out.subarray(3, 3 + bytes))), frame);
        const back = read(deflateSync(frame, { level: 9 }));
        assert.deepEqual(back && new Uint8Array(back), frame);
      }),
    );
  });

  test("reads what zlib reads of hostile bytes, and nothing else", () => {
    const whole = deflateSync(Buffer.alloc(700, "frame"));
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      // A header of zlib, and whatever follows.
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Uint8Array.of(0x78, 0x9c, ...bytes)),
      // One byte of a whole one is another.
      fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => {
        const changed = Uint8Array.from(whole);
        changed[at] = byte;
        return changed;
      }),
      fc.nat(whole.length).map((end) => Uint8Array.from(whole.subarray(0, end))),
    );
    fc.assert(
      fc.property(hostile, (block) => {
        let expected: Buffer | undefined;
        try {
          expected = inflateSync(block, { maxOutputLength: most });
        } catch {
          expected = undefined;
        }
        assert.deepEqual(read(block), expected);
      }),
    );
  });

  test("takes no frame that becomes too long, and goes on after it", () => {
    assert.equal(read(deflateSync(Buffer.alloc(most + 1))), undefined);
    assert.equal(read(deflateSync(Buffer.alloc(100_000_000))), undefined);
    assert.equal(read(deflateSync(Buffer.alloc(most, 7)))?.length, most);
  });
});
