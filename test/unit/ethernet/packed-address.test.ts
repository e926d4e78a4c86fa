import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../../server/ethernet/ip-address.ts";
import { formatIpNetwork, hasAddress, parseIpNetwork } from "../../../server/ethernet/ip-network.ts";
import {
  endKey,
  formatIpAddress,
  ipv6At,
  parseIpAddress,
  writeIpv6,
} from "../../../server/ethernet/packed-address.ts";
import { uniqueLocalPlanOf } from "../../../server/ethernet/unique-local.ts";

const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });

/** Bits of an address as text: a slow way to see whether two begin alike. */
const bitsOf = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");

describe("a packed address", () => {
  test("is the bytes that it was made of, in text as in a packet", () => {
    fc.assert(
      fc.property(fc.oneof(sixteen, fc.uint8Array({ minLength: 4, maxLength: 4 })), (bytes) => {
        const text = formatAddress(bytes);
        const address = parseIpAddress(text);
        assert.equal(formatIpAddress(address ?? assert.fail()), text);
        if (typeof address !== "string") return;
        assert.equal(ipv6At(bytes, 0), address);
        const written = new Uint8Array(16);
        writeIpv6(written, 0, address);
        assert.deepEqual(written, bytes);
      }),
    );
  });

  test("with a port has a key that no other has", () => {
    fc.assert(
      fc.property(sixteen, sixteen, fc.nat(0xffff), fc.nat(0xffff), (one, other, port, otherPort) => {
        const isSame = Buffer.from(one).equals(other) && port === otherPort;
        assert.equal(endKey(ipv6At(one, 0), port) === endKey(ipv6At(other, 0), otherPort), isSame);
      }),
    );
    assert.notEqual(endKey(1, 0), endKey(0, 0xffff));
  });

  test("is none for a text that is none", () => {
    for (const text of ["", "1.2.3", ":::", "fe80::1::2", "::g"])
      assert.equal(parseIpAddress(text), undefined);
  });
});

describe("a network of IPv6", () => {
  test("has the addresses that begin as its first one does", () => {
    fc.assert(
      fc.property(sixteen, sixteen, fc.nat(128), fc.nat(128), (one, noise, prefixLength, alike) => {
        const other = Uint8Array.from(one, (byte, index) =>
          index * 8 + 8 <= alike ? byte : (noise[index] ?? 0),
        );
        const network = parseIpNetwork(`${formatAddress(one)}/${prefixLength}`) ?? assert.fail();
        const begins = bitsOf(one).slice(0, prefixLength) === bitsOf(other).slice(0, prefixLength);
        assert.equal(hasAddress(network, ipv6At(other, 0)), begins);
        assert.deepEqual(parseIpNetwork(formatIpNetwork(network)), network);
      }),
    );
  });

  test("is none in a text that is none, and has no address of IPv4", () => {
    for (const text of ["::/129", "::/", "::/-1", "::/0/0", "fe80::1%eth0/64", ":/0", "::1/1.5"])
      assert.equal(parseIpNetwork(text), undefined, text);
    assert.equal(hasAddress(parseIpNetwork("::/0") ?? assert.fail(), 0x7f00_0001), false);
    assert.equal(
      hasAddress(parseIpNetwork("0.0.0.0/0") ?? assert.fail(), ipv6At(new Uint8Array(16), 0)),
      false,
    );
    assert.deepEqual(parseIpNetwork("2001:db8::1"), parseIpNetwork("2001:db8::1/128"));
    assert.equal(formatIpNetwork(parseIpNetwork("2001:db8::1/32") ?? assert.fail()), "2001:db8::/32");
  });
});

describe("the addresses of a router", () => {
  test("are the same for the same MAC address, of a network that another has not", () => {
    const plans = [1, 2].map((last) => uniqueLocalPlanOf(Uint8Array.of(0x5e, 0, 0, 0, 0, last)));
    assert.deepEqual(plans[0], uniqueLocalPlanOf(Uint8Array.of(0x5e, 0, 0, 0, 0, 1)));
    assert.notEqual(plans[0]?.network.first, plans[1]?.network.first);
    for (const plan of plans) {
      assert.ok(hasAddress(plan.network, plan.address));
      assert.ok(hasAddress(parseIpNetwork("fd00::/8") ?? assert.fail(), plan.address));
      assert.ok(hasAddress(parseIpNetwork("fe80::/64") ?? assert.fail(), plan.linkLocal));
    }
    assert.throws(() => uniqueLocalPlanOf(new Uint8Array(5)), RangeError);
    assert.equal(parseAddress(formatIpAddress(plans[0]?.address ?? 0))?.length, 16);
  });
});
