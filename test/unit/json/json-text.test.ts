import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  formatJsonInSteps,
  ItemsToCome,
  LongText,
  parseJsonInSteps,
} from "../../../server/json/json-text.ts";
import { rpcLimits } from "../../../server/limits.ts";
import { atOnce } from "../../../server/turns.ts";

const parse = (text: string) => atOnce(parseJsonInSteps(Buffer.from(text)));
const format = (value: unknown) => Buffer.concat(atOnce(formatJsonInSteps(value))).toString();
const long = 200_000;

describe("JSON in steps", () => {
  test("reads and writes what the runtime does, short and long", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
        const many = {
          value,
          list: Array.from({ length: 200 }, () => [value, text.padEnd(500, "x")]),
          text: text.repeat(Math.ceil(long / (text.length + 1))),
          "": {},
        };
        for (const each of [value, many]) {
          const expected = JSON.stringify(each);
          assert.equal(format(each), expected);
          assert.deepEqual(parse(expected), JSON.parse(expected));
          assert.deepEqual(parse(JSON.stringify(each, null, 2)), JSON.parse(expected));
        }
      }),
      { numRuns: 10 },
    );
  });

  test("makes the items of a long list when it writes them", () => {
    const numbers = Array.from({ length: 5_000 }, (_, index) => index);
    const make = (number: number) => ({ number, text: `no. ${number}` });
    let made = 0;
    const counted = (number: number) => (made++, make(number));
    const steps = formatJsonInSteps({ list: new ItemsToCome(numbers, counted), next: 1 });
    let most = 0;
    let step = steps.next();
    for (let before = 0; step.done !== true; before = made, step = steps.next())
      most = Math.max(most, made - before);
    assert.equal(Buffer.concat(step.value).toString(), JSON.stringify({ list: numbers.map(make), next: 1 }));
    assert.equal(made, numbers.length);
    assert.ok(most < 2_500, `${most} in a step`);
    assert.equal(format(new ItemsToCome([], make)), "[]");
  });

  test("keeps escapes and characters of a long text whole, wherever it is cut", () => {
    const text = `"${"\\/\\u00e4\\ud83d\\ude00äöü😀".repeat(20_000)}"`;
    for (let shift = 0; shift < 12; shift++) {
      const shifted = text.replace('"', `"${"x".repeat(shift)}`);
      assert.equal(parse(shifted), JSON.parse(shifted));
    }
    assert.equal(format("😀".repeat(long)), JSON.stringify("😀".repeat(long)));
  });

  test("leaves a text of megabytes in its parts, and writes bytes as base64 in parts", () => {
    const bytes = randomBytes(4_000_000);
    const parts = atOnce(formatJsonInSteps({ file: bytes, next: 1 }));
    assert.ok(parts.length > 50 && parts.every(({ length }) => length < 256 * 1024));
    assert.deepEqual(
      Buffer.concat(parts).toString(),
      JSON.stringify({ file: bytes.toString("base64"), next: 1 }),
    );
    const { file, next } = atOnce(parseJsonInSteps(Buffer.concat(parts))) as { file: unknown; next: unknown };
    assert.ok(file instanceof LongText && next === 1);
    assert.ok(file.parts.every(({ length }) => length < 128 * 1024));
    assert.equal(file.parts.join(""), bytes.toString("base64"));
  });

  test("refuses what is no JSON, in whichever part", () => {
    const items = JSON.stringify(Array(20_000).fill("item"));
    const wrong = [
      items.slice(0, -1),
      `${items}x`,
      items.replace(",", ",,"),
      `{"a":${items},}`,
      `{a:${items}}`,
    ];
    wrong.push(
      `{"a" ${items}}`,
      `"${"x".repeat(long)}`,
      `"${"x".repeat(long)}\n"`,
      "1".repeat(long) + "x",
      "",
    );
    wrong.push(items.replace(/]$/, "}"), `[${items},]`);
    for (const text of wrong) {
      assert.throws(() => JSON.parse(text), SyntaxError, text.slice(0, 20));
      assert.throws(() => parse(text), SyntaxError, text.slice(0, 20));
    }
  });

  test("refuses what is long and nested too deeply, without work for each level", () => {
    const depth = rpcLimits.jsonDepth + 1;
    const nested = `${"[".repeat(depth)}"${"x".repeat(long)}"${"]".repeat(depth)}`;
    assert.throws(() => parse(nested), SyntaxError);
    assert.throws(() => parse("[".repeat(8_000_000)), SyntaxError);
  });
});
