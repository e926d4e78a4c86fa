import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { internetChecksum, transportChecksum } from "../../../server/ethernet/frame-checksum.ts";

/** As RFC 1071 tells it, and no faster. */
function plainChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

describe("the checksum of IP", () => {
  test("is that of RFC 1071, of any part of a buffer", () => {
    assert.equal(internetChecksum(Buffer.from("0001f203f4f5f6f7", "hex"), 0, 8), 0x220d);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_600 }), fc.nat(20), fc.nat(20), (bytes, skipped, left) => {
        const start = Math.min(skipped, bytes.length);
        const end = Math.max(start, bytes.length - left);
        assert.equal(internetChecksum(bytes, start, end), plainChecksum(bytes.subarray(start, end)));
      }),
      { numRuns: 300 },
    );
  });

  test("is that of the longest packet, which is all ones", () => {
    const bytes = Buffer.alloc(65_535, 0xff);
    assert.equal(internetChecksum(bytes, 0, bytes.length), plainChecksum(bytes));
  });

  test("of a transport covers the addresses, the protocol and the length too", () => {
    const port = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(port, fc.uint8Array({ maxLength: 1_500 }), fc.nat(255), (addresses, payload, protocol) => {
        const packet = Buffer.concat([addresses, payload]);
        const pseudo = Buffer.from([0, protocol, payload.length >> 8, payload.length & 0xff]);
        assert.equal(
          transportChecksum(packet, 0, 8, protocol, 8, packet.length),
          plainChecksum(Buffer.concat([addresses, pseudo, payload])),
        );
      }),
      { numRuns: 200 },
    );
  });
});
