import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { packBeforeLoginLimits, packProtocolLimits } from "../../../server/limits.ts";
import { DecodeError } from "../../../server/wire/decode-error.ts";
import { decodePack, encodePack, Pack, type PackValues } from "../../../server/wire/pack.ts";
import { anyCharacter } from "../any-character.ts";
import { naiveEncode, type NaiveElement } from "./naive-pack.ts";

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");
const decode = (bytes: Uint8Array) => decodePack(bytes, packProtocolLimits);
const elementsOf = (pack: Pack) =>
  [...pack.elements()].map(({ name, content }) => [name, plain(content)] as const);

/** Values that deepEqual can compare whatever kind of Uint8Array they are. */
function plain(content: PackValues) {
  return {
    type: content.type,
    values: content.values.map((value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
    ),
  };
}

// Worked examples of reference/softether/transport.md, section 3, which the official 9674 programs accepted.
const vectors: { origin: string; bytes: Buffer; pack: () => Pack }[] = [
  {
    origin: "additional-connect reply",
    bytes: hex(`00000002 00000006 6572726f72 00000000 00000001 00000000
      0000000a 646972656374696f6e 00000000 00000001 00000001`),
    pack: () => new Pack().addInt("error", 0).addInt("direction", 1),
  },
  {
    origin: "hello",
    bytes: hex(`00000004 00000006 68656c6c6f 00000002 00000001 00000003 537276
      00000008 76657273696f6e 00000000 00000001 000001f5 00000006 6275696c64 00000000 00000001 000025ca
      00000007 72616e646f6d 00000001 00000001 00000014 000102030405060708090a0b0c0d0e0f10111213`),
    pack: () =>
      new Pack()
        .addStr("hello", "Srv")
        .addInt("version", 501)
        .addInt("build", 9674)
        .addData(
          "random",
          Uint8Array.from({ length: 20 }, (_value, index) => index),
        ),
  },
  {
    origin: "multi values, unicode, int64",
    bytes: hex(`00000003 00000008 4875624e616d65 00000002 00000002 00000001 41 00000002 4243
      00000002 4e 00000003 00000001 00000003 c3a900 00000002 54 00000004 00000001 0000000000000001`),
    pack: () =>
      new Pack()
        .add("HubName", { type: "str", values: ["A", "BC"] })
        .addUniStr("N", "é")
        .addInt64("T", 1n),
  },
];

const name = fc.stringMatching(/^[\x20-\x7e]{1,63}$/);
const text = fc.string({ unit: anyCharacter, maxLength: 20 }).filter((value) => !value.includes("\0"));
const some = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: 1, maxLength: 5 });
const content: fc.Arbitrary<PackValues> = fc.oneof(
  some(fc.nat(0xffff_ffff)).map((values) => ({ type: "int" as const, values })),
  some(fc.bigInt(0n, 0xffff_ffff_ffff_ffffn)).map((values) => ({ type: "int64" as const, values })),
  some(fc.uint8Array({ maxLength: 40 })).map((values) => ({ type: "data" as const, values })),
  some(text).map((values) => ({ type: "str" as const, values })),
  some(text).map((values) => ({ type: "unistr" as const, values })),
);
const elements = fc.uniqueArray(fc.tuple(name, content), {
  maxLength: 8,
  selector: ([key]) => key.toLowerCase(),
}) satisfies fc.Arbitrary<NaiveElement[]>;

function packOf(list: readonly NaiveElement[]): Pack {
  return list.reduce((pack, [key, values]) => pack.add(key, values), new Pack());
}

/** Bytes of one element; the parts can be replaced by wrong ones. */
function element(parts: {
  nameLength?: number;
  name?: string;
  type?: number;
  count?: number;
  values?: string;
}): Buffer {
  const { name: key = "a", type = 0, count = 1, values = "00000007" } = parts;
  const u32 = (value: number) => value.toString(16).padStart(8, "0");
  return hex(
    u32(parts.nameLength ?? key.length + 1) +
      Buffer.from(key, "latin1").toString("hex") +
      u32(type) +
      u32(count) +
      values,
  );
}
const packBytes = (count: number, ...parts: Buffer[]) => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(count);
  return Buffer.concat([head, ...parts]);
};

describe("PACK", () => {
  for (const { origin, bytes, pack } of vectors) {
    test(`encodes the worked example "${origin}"`, () => assert.deepEqual(encodePack(pack()), bytes));
    test(`decodes the worked example "${origin}"`, () =>
      assert.deepEqual(elementsOf(decode(bytes)), elementsOf(pack())));
  }

  test("encodes as the naive encoder does", () => {
    fc.assert(
      fc.property(elements, (list) =>
        assert.equal(encodePack(packOf(list)).toString("hex"), naiveEncode(list)),
      ),
    );
  });

  test("decodes what the naive encoder wrote", () => {
    fc.assert(
      fc.property(elements, (list) => {
        const decoded = decode(Buffer.from(naiveEncode(list), "hex"));
        // A lone surrogate has no UTF-8 form and goes over the wire as U+FFFD.
        const sent = list.map(([key, values]) => [key, plain(wellFormed(values))] as const);
        assert.deepEqual(elementsOf(decoded), sent);
      }),
    );
  });

  test("refuses a PACK that is cut at any byte", () => {
    fc.assert(
      fc.property(
        elements.filter((list) => list.length > 0),
        (list) => {
          const bytes = encodePack(packOf(list));
          for (let length = 0; length < bytes.length; length++) {
            assert.throws(() => decode(bytes.subarray(0, length)), DecodeError);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test("throws nothing but a decode error at random bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), onlyDecodeErrors), { numRuns: 500 });
  });

  test("throws nothing but a decode error at a PACK with bytes changed", () => {
    const change = fc.tuple(fc.nat(400), fc.nat(255));
    fc.assert(
      fc.property(elements, fc.array(change, { minLength: 1, maxLength: 4 }), (list, changes) => {
        const bytes = encodePack(packOf(list));
        for (const [position, value] of changes) bytes[position % bytes.length] = value;
        onlyDecodeErrors(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test("ignores bytes behind the last element, as the official reader does", () => {
    const bytes = Buffer.concat([encodePack(new Pack().addInt("a", 1)), Buffer.from([1, 2, 3])]);
    assert.equal(decode(bytes).int("a"), 1);
  });

  test("decodes an empty PACK", () => assert.equal(decode(hex("00000000")).size, 0));

  test("reads a UNISTR without its NUL, and an empty one", () => {
    const bytes = packBytes(1, element({ type: 3, count: 2, values: "00000002 c3a9 00000000" }));
    assert.equal(decode(bytes).uniStr("a", 0), "é");
    assert.equal(decode(bytes).uniStr("a", 1), "");
  });

  test("ends a text at its first NUL, as C strings end", () => {
    const bytes = packBytes(1, element({ type: 2, values: "00000004 61 00 62 63" }));
    assert.equal(decode(bytes).str("a"), "a");
  });

  const malformed: [string, Buffer, RegExp][] = [
    ["a name twice", packBytes(2, element({}), element({})), /"a" at byte 21: the name is there twice/],
    [
      "a name twice in other letters",
      packBytes(2, element({ name: "hubname" }), element({ name: "HubName" })),
      /twice/,
    ],
    [
      "an element without values",
      packBytes(1, element({ count: 0 })),
      /"a" value count at byte 13: an element without/,
    ],
    ["an unknown type", packBytes(1, element({ type: 5 })), /type at byte 9: 5 is unknown/],
    [
      "an empty name",
      packBytes(1, element({ name: "", nameLength: 1, values: "0000000000000000" })),
      /name at byte 4/,
    ],
    ["name length 0", packBytes(1, element({ nameLength: 0 })), /name at byte 4: length -1/],
    ["a name of 64 characters", packBytes(1, element({ name: "n".repeat(64) })), /length 64; 1 to 63/],
    ["a name with a control character", packBytes(1, element({ name: "a\n" })), /not printable ASCII/],
    [
      "a value beyond the end",
      packBytes(1, element({ type: 1, values: "00000005 01020304" })),
      /5 bytes, but only 4/,
    ],
    [
      "more elements than there are bytes for",
      packBytes(200_000, element({})),
      /200000, but only 17 bytes are left/,
    ],
    [
      "more values than there are bytes for",
      packBytes(1, element({ count: 200_000 })),
      /200000, but only 4 bytes/,
    ],
    ["more elements than the protocol allows", packBytes(0xffff_ffff), /4294967295; 262144 are allowed/],
  ];
  for (const [what, bytes, message] of malformed) {
    test(`refuses ${what}, with offset and field`, () => {
      assert.throws(
        () => decode(bytes),
        (error) => error instanceof DecodeError && message.test(error.message),
      );
    });
  }

  test("refuses what is beyond the limits of a peer that has not logged in", () => {
    const limits = packBeforeLoginLimits;
    const many = Array.from({ length: limits.elements + 1 }, (_value, index) =>
      element({ name: `n${index}` }),
    );
    const values = element({
      count: limits.valuesPerElement + 1,
      values: "00000000".repeat(limits.valuesPerElement + 1),
    });
    const refused = (bytes: Buffer) => assert.throws(() => decodePack(bytes, limits), DecodeError);
    refused(packBytes(many.length, ...many));
    refused(packBytes(1, values));
    refused(Buffer.concat([packBytes(0), Buffer.alloc(limits.bytes)]));
    assert.throws(
      () =>
        decodePack(packBytes(1, element({ type: 1, values: "00000005 0102030405" })), {
          ...limits,
          valueBytes: 4,
        }),
      /size at byte 17: 5; 4 are allowed/,
    );
    assert.equal(decodePack(packBytes(limits.elements, ...many.slice(1)), limits).size, limits.elements);
  });

  test("takes time in proportion to the size of hostile input", () => {
    const decodeTime = (count: number, times: number) => {
      const list = Array.from({ length: count }, (_value, index) => element({ name: `n${index}` }));
      const bytes = packBytes(count, ...list);
      const measured = Array.from({ length: 3 }, () => {
        // Of the processor, which the system tells in steps of some milliseconds: on a busy machine decoding is interrupted.
        const start = process.threadCpuUsage();
        for (let time = 0; time < times; time++) assert.equal(decode(bytes).size, count);
        const { user, system } = process.threadCpuUsage(start);
        return (user + system) / 1_000;
      });
      return Math.min(...measured);
    };
    decodeTime(2_000, 16);
    const small = decodeTime(2_000, 16);
    const large = decodeTime(32_000, 1);
    // As much work; 16 times as much if it were quadratic.
    assert.ok(large < small * 6, `${small} ms for 16 times 2000 elements, ${large} ms for 32000`);
  });

  test("reads what is missing, of another type or behind the last value as not there", () => {
    const pack = new Pack().addInt("number", 5).addStr("text", "t").addBool("yes", true);
    assert.equal(pack.int("text"), 0);
    assert.equal(pack.str("number"), "");
    assert.equal(pack.int("number", 1), 0);
    assert.equal(pack.int64("number"), 0n);
    assert.equal(pack.uniStr("text"), "");
    assert.equal(pack.data("nothing"), undefined);
    assert.equal(pack.bool("nothing"), false);
    assert.equal(pack.count("nothing"), 0);
  });

  test("finds names in any case of letters", () => {
    const pack = new Pack().addInt("HubName", 5);
    assert.equal(pack.int("HUBNAME"), 5);
    assert.ok(pack.has("hubname"));
    assert.equal(pack.count("hubName"), 1);
  });

  const strict: [string, (pack: Pack) => unknown][] = [
    ["a name twice", (pack) => pack.addInt("A", 1).addInt("a", 2)],
    ["an element without values", (pack) => pack.add("a", { type: "int", values: [] })],
    ["a number below 0", (pack) => pack.addInt("a", -1)],
    ["a number above 32 bits", (pack) => pack.addInt("a", 0x1_0000_0000)],
    ["a number that is not whole", (pack) => pack.addInt("a", 1.5)],
    ["a number above 64 bits", (pack) => pack.addInt64("a", 1n << 64n)],
    ["a text with a NUL", (pack) => pack.addStr("a", "x\0y")],
    ["an empty name", (pack) => pack.addInt("", 1)],
    ["a name of 64 characters", (pack) => pack.addInt("n".repeat(64), 1)],
    ["a name outside of ASCII", (pack) => pack.addInt("é", 1)],
  ];
  for (const [what, build] of strict) {
    test(`does not write ${what}`, () => assert.throws(() => build(new Pack()), RangeError));
  }
});

function onlyDecodeErrors(bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
    assert.ok(error.offset >= 0 && error.offset <= bytes.length);
  }
}

function wellFormed(values: PackValues): PackValues {
  return values.type === "str" || values.type === "unistr"
    ? { type: values.type, values: values.values.map((value) => value.toWellFormed()) }
    : values;
}
