import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../../server/ethernet/ip-address.ts";

const hex = (text: string) => {
  const bytes = parseAddress(text);
  return bytes && Buffer.from(bytes).toString("hex");
};
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** With runs of zero groups, where the text form is hard. */
const ipv6Bytes = fc
  .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])));

describe("text form of an IP address", () => {
  test("is read", () => {
    assert.equal(hex("192.0.2.1"), "c0000201");
    assert.equal(hex("2001:db8::1"), "20010db8000000000000000000000001");
    assert.equal(hex("::"), "0".repeat(32));
    assert.equal(hex("::ffff:192.0.2.1"), "00000000000000000000ffffc0000201");
    assert.equal(hex("fe80::1%eth0"), "fe800000000000000000000000000001");
    assert.equal(hex("1:2:3:4:5:6:7::"), "00010002000300040005000600070000");
    assert.equal(hex("1:2:3:4:5:6:1.2.3.4"), "00010002000300040005000601020304");
  });

  test("of anything else is refused", () => {
    const wrong = ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", "a", ":", ":::", "1:2", "1::2::3"];
    const wrong6 = ["1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "::1.2.3", "1.2.3.4::", "g::"];
    for (const text of [...wrong, ...wrong6]) assert.equal(parseAddress(text), undefined, text);
  });

  test("is taken where Node.js takes it, and nowhere else", () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom("0", "1", "a", "f", ":", "."), maxLength: 24 }),
    );
    fc.assert(
      fc.property(text, (value) => {
        const expected = isIPv4(value) ? 4 : isIPv6(value) ? 16 : undefined;
        assert.equal(parseAddress(value)?.length, expected, value);
      }),
      { numRuns: 1000 },
    );
  });

  test("is the shortest of RFC 5952", () => {
    for (const text of ["::", "::1", "1::", "2001:db8::1:0:0:1", "2001:db8:0:1:1:1:1:1", "1:0:0:2::3"]) {
      assert.equal(formatAddress(parseAddress(text) ?? new Uint8Array()), text);
    }
    assert.throws(() => formatAddress(new Uint8Array(5)), RangeError);
  });

  test("is the one that the URL standard writes", () => {
    fc.assert(
      fc.property(ipv6Bytes, (address) => {
        const text = formatAddress(address);
        assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`);
      }),
    );
  });

  test("comes back as it was", () => {
    fc.assert(
      fc.property(fc.oneof(bytes(4), bytes(16), ipv6Bytes), (address) => {
        assert.deepEqual(parseAddress(formatAddress(address)), address);
      }),
    );
  });
});
