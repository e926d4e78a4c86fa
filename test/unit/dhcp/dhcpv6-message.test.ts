import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readDhcpv6Message, writeDhcpv6Message } from "../../../server/dhcp/dhcpv6-message.ts";
import { encodeDomainName } from "../../../server/dhcp/domain-name.ts";
import { dhcpLimits } from "../../../server/limits.ts";

describe("a message of DHCPv6", () => {
  test("is read as it was written", () => {
    const option = fc.tuple(fc.nat(0xffff), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(
        fc.nat(0xff),
        fc.nat(0xff_ffff),
        fc.uniqueArray(option, { selector: ([kind]) => kind, maxLength: 20 }),
        (type, transactionId, options) => {
          const bytes = writeDhcpv6Message({ type, transactionId, options: new Map(options) });
          const read = readDhcpv6Message(bytes, 0, bytes.length) ?? assert.fail();
          assert.deepEqual([read.type, read.transactionId], [type, transactionId]);
          assert.deepEqual(
            [...read.options].map(([kind, value]) => [kind, Uint8Array.from(value)]),
            options.map(([kind, value]) => [kind, Uint8Array.from(value)]),
          );
        },
      ),
    );
  });

  test("that a client of systemd sent is understood", () => {
    // Information-request: client identifier, option request (23, 24), elapsed time.
    const bytes = Buffer.from(
      "0b1234560001000e000100011c39cf880800271bc9c10006000400170018000800020000",
      "hex",
    );
    const { type, options } = readDhcpv6Message(bytes, 0, bytes.length) ?? assert.fail();
    assert.deepEqual([type, [...options.keys()]], [11, [1, 6, 8]]);
    for (let end = 0; end < bytes.length; end++) {
      const cut = readDhcpv6Message(bytes, 0, end);
      assert.ok(cut === undefined || [4, 22, 30].includes(end), String(end));
    }
  });

  test("has no more options than it may", () => {
    const message = (count: number) => Buffer.concat([Buffer.alloc(4), Buffer.alloc(4 * count)]);
    for (const [count, isRead] of [
      [dhcpLimits.options, true],
      [dhcpLimits.options + 1, false],
    ] as const)
      assert.equal(readDhcpv6Message(message(count), 0, 4 + 4 * count) !== undefined, isRead);
  });
});

describe("a domain name as labels", () => {
  test("is that of RFC 1035, and none for what cannot be one", () => {
    assert.equal(encodeDomainName("lab.example.")?.toString("latin1"), "\x03lab\x07example\0");
    for (const name of ["", ".", "a..b", "x".repeat(64), Array<string>(130).fill("ab").join(".")])
      assert.equal(encodeDomainName(name), undefined, name);
  });
});
