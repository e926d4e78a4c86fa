import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { packProtocolLimits } from "../../../server/limits.ts";
import {
  addAddress,
  addAddresses,
  addAddressesInSteps,
  readAddress,
} from "../../../server/wire/pack-address.ts";
import { decodePack, encodePack, Pack } from "../../../server/wire/pack.ts";
import { formatAddress, parseAddress } from "../../../server/ethernet/ip-address.ts";

const overTheWire = (pack: Pack) => decodePack(encodePack(pack), packProtocolLimits);

describe("IP address of a PACK", () => {
  test("has its first byte lowest", () => {
    const pack = addAddress(new Pack(), "Ip", "127.0.0.1");
    assert.equal(pack.int("Ip"), 16777343);
    assert.equal(pack.int("Ip@ipv6_bool"), 0);
    assert.deepEqual(pack.data("Ip@ipv6_array"), new Uint8Array(16));
    assert.equal(pack.int("Ip@ipv6_scope_id"), 0);
    assert.equal(pack.size, 4);
  });

  test("is read from the number alone, as from the four elements with a mapped address of newer programs", () => {
    const pack = new Pack().addInt("Ip", 16777343);
    assert.equal(readAddress(pack, "Ip"), "127.0.0.1");
    pack.addBool("Ip@ipv6_bool", false);
    pack.addData("Ip@ipv6_array", parseAddress("::ffff:127.0.0.1") ?? new Uint8Array());
    assert.equal(readAddress(pack, "Ip"), "127.0.0.1");
  });

  test("is none where it is missing, or has not the bytes of one", () => {
    assert.equal(readAddress(new Pack(), "Ip"), undefined);
    const pack = new Pack().addInt("Ip", 1).addBool("Ip@ipv6_bool", true);
    assert.equal(readAddress(pack, "Ip"), undefined);
    pack.addData("Ip@ipv6_array", new Uint8Array(15));
    assert.equal(readAddress(pack, "Ip"), undefined);
  });

  test("is refused when it is no address", () => {
    assert.throws(() => addAddress(new Pack(), "Ip", "host"), /PACK element "Ip": "host" is no IP address/);
    assert.throws(() => addAddresses(new Pack(), "Ip", []), RangeError);
  });

  test("comes back as it was, alone and in arrays", () => {
    const address = fc
      .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
      .map(formatAddress);
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: 5 }), (addresses) => {
        const pack = overTheWire(addAddresses(new Pack(), "Ip", addresses));
        assert.deepEqual(
          addresses.map((_address, index) => readAddress(pack, "Ip", index)),
          addresses,
        );
        assert.equal(readAddress(pack, "Ip", addresses.length), undefined);
      }),
    );
  });

  test("is added in steps where there are thousands", () => {
    const addresses = Array.from({ length: 32_768 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    const pack = new Pack();
    let steps = 1;
    for (const step = addAddressesInSteps(pack, "Ip", addresses); step.next().done !== true;) steps++;
    assert.ok(steps > addresses.length / 64, `${steps} steps`);
    assert.equal(readAddress(pack, "Ip", 32_767), "10.0.127.255");
  });
});
