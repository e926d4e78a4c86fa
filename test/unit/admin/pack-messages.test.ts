import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { findRpc, rpcs } from "../../../server/admin/definitions.ts";
import { decodeMessage, encodeMessage } from "../../../server/admin/pack-messages.ts";
import { RpcError, type RpcDefinition } from "../../../server/admin/rpc.ts";
import { zeroMessage } from "../../../server/admin/zero-value.ts";
import { packProtocolLimits, rpcLimits } from "../../../server/limits.ts";
import { decodePack, encodePack, Pack, type PackValues } from "../../../server/wire/pack.ts";
import { arbitraryMessage } from "./arbitrary-message.ts";

const overTheWire = (pack: Pack) => decodePack(encodePack(pack), packProtocolLimits);
const definitions = Object.entries(rpcs) as [string, RpcDefinition][];

/** Replies of the official server (build 9674), by method, as they came. */
const officialReplies = JSON.parse(
  readFileSync(new URL("fixtures/packs.json", import.meta.url), "utf8"),
) as Record<string, string>;

const plain = ({ type, values }: PackValues) => ({
  type,
  values: [...values].map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value)),
});

const few = <Value>(value: fc.Arbitrary<Value>) => fc.array(value, { minLength: 1, maxLength: 3 });

const anyValues: fc.Arbitrary<PackValues> = fc.oneof(
  fc.record({ type: fc.constant("int" as const), values: few(fc.nat({ max: 0xffff_ffff })) }),
  fc.record({ type: fc.constant("int64" as const), values: few(fc.bigInt(0n, (1n << 64n) - 1n)) }),
  fc.record({ type: fc.constant("data" as const), values: few(fc.uint8Array({ maxLength: 20 })) }),
  fc.record({
    type: fc.constantFrom("str" as const, "unistr" as const),
    values: few(fc.stringMatching(/^\w*$/)),
  }),
);

describe("messages of the administration as PACK", () => {
  for (const [name, { fields }] of definitions) {
    test(`${name} comes back as it was`, () => {
      fc.assert(
        fc.property(arbitraryMessage(fields), (message) => {
          const pack = overTheWire(encodeMessage(new Pack(), fields, message));
          assert.deepEqual(decodeMessage(pack, fields), message);
        }),
        { numRuns: 20 },
      );
    });
  }

  for (const [name, encoded] of Object.entries(officialReplies)) {
    test(`${name} of the official server is read and written with the same elements, types and values`, () => {
      const official = decodePack(Buffer.from(encoded, "base64"), packProtocolLimits);
      const fields = findRpc(name)?.definition.fields ?? {};
      const ours = encodeMessage(new Pack(), fields, decodeMessage(official, fields));
      const written = new Map([...ours.elements()].map((element) => [element.name, plain(element.content)]));
      for (const element of official.elements()) {
        // Beside an IPv6 address it has another number of no meaning.
        if (name === "GetAcList" && element.name === "IpAddress") continue;
        assert.deepEqual(written.get(element.name), plain(element.content), element.name);
      }
    });
  }

  test("what is not there is zero", () => {
    for (const [, { fields }] of definitions) {
      assert.deepEqual(decodeMessage(new Pack(), fields), zeroMessage(fields));
    }
  });

  test("elements of any type and number are read, or refused as an invalid parameter", () => {
    const anyMethod = fc.constantFrom(...definitions.map(([, { fields }]) => fields));
    fc.assert(
      fc.property(
        anyMethod.chain((fields) => {
          const names = Object.entries(fields).flatMap(([name, field]) =>
            field.type === "list"
              ? Object.keys(field.fields)
              : [name, `${name}@ipv6_bool`, `${name}@ipv6_array`],
          );
          const elements = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), anyValues), {
            selector: ([name]) => name.toLowerCase(),
          });
          return fc.tuple(fc.constant(fields), elements);
        }),
        ([fields, elements]) => {
          const pack = new Pack();
          for (const [name, values] of elements) pack.add(name, values);
          try {
            const message = decodeMessage(pack, fields);
            assert.deepEqual(Object.keys(message), Object.keys(fields));
            encodeMessage(new Pack(), fields, message);
          } catch (error) {
            assert.ok(error instanceof RpcError && error.error === "invalidParameter", String(error));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test("a number beyond what can be kept exactly is refused by its name", () => {
    const pack = new Pack().addInt64("Int64Value", 1n << 53n);
    assert.throws(
      () => decodeMessage(pack, rpcs.Test.fields),
      /^RpcError: Int64Value: 9007199254740992 is too large$/,
    );
  });

  test("a list has as many items as its first field has values, and no more than are allowed", () => {
    const ids = (count: number) =>
      new Pack()
        .add("Id", { type: "int", values: new Array<number>(count).fill(1) })
        .add("Priority", { type: "int", values: [7, 8, 9] });
    const { AccessList } = decodeMessage(ids(2), rpcs.EnumAccess.fields);
    assert.deepEqual(
      AccessList.map(({ Priority }) => Priority),
      [7, 8],
    );
    assert.throws(
      () => decodeMessage(ids(rpcLimits.items + 1), rpcs.SetAccessList.fields),
      /Id: 32769 items; at most 32768 are allowed/,
    );
  });

  test("as many addresses as a table can have are written", () => {
    const { fields } = rpcs.EnumIpTable;
    const [item] = decodeMessage(new Pack().addInt("Key", 1), fields).IpTable;
    assert.ok(item);
    const message = {
      HubName: "HUB",
      IpTable: new Array<typeof item>(2 * 65_536).fill({ ...item, Ip: "10.0.0.1" }),
    };
    assert.equal(encodeMessage(new Pack(), fields, message).count("Ip"), 2 * 65_536);
  });
});
