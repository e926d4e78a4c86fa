import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { JsonTextError, parseJsonText } from "../../../program/json-text.ts";

function positionOf(text: string): string {
  try {
    parseJsonText(text);
  } catch (error) {
    assert.ok(error instanceof JsonTextError);
    return `${error.position.line}:${error.position.column}`;
  }
  throw new Error("the text was accepted");
}

describe("parseJsonText", () => {
  test("reads any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("", "  ", "\t"), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        assert.deepEqual(parseJsonText(text), JSON.parse(text));
      }),
    );
  });

  const cases: readonly (readonly [string, string])[] = [
    ["", "1:1"],
    ["hidden", "1:1"],
    ["[1, 2", "1:6"],
    ["[1, 2,]", "1:7"],
    ['{"a": 1,}', "1:9"],
    ["{'a': 1}", "1:2"],
    ['{"a" 1}', "1:6"],
    ['{"a": tru}', "1:7"],
    ['[\n  {"name": "A"}\n  {"name": "B"}\n]', "3:3"],
    ['[\r\n  "a\r\n  b"\r\n]', "2:3"],
    ['{"a": "\\x"}', "1:7"],
    ["[] []", "1:4"],
    ["{]", "1:2"],
    ["[01]", "1:3"],
    ["// hidden\n[]", "1:1"],
  ];
  for (const [text, position] of cases) {
    test(`finds the mistake in ${JSON.stringify(text)} at ${position}`, () => {
      assert.equal(positionOf(text), position);
    });
  }

  test("tells no content", () => {
    assert.throws(() => parseJsonText('{"password": hidden}'), new JsonTextError({ line: 1, column: 14 }));
    assert.doesNotMatch(new JsonTextError({ line: 1, column: 14 }).message, /hidden/);
  });

  test("finds a place within whatever JSON.parse refuses", () => {
    const broken = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom("}", "]", ",", ":", "x", "'", "\u0001", "@"))
      .map(([text, at, insert]) => ({ text, at: at % (text.length + 1), insert }));
    fc.assert(
      fc.property(broken, ({ text, at, insert }) => {
        const changed = text.slice(0, at) + insert + text.slice(at);
        try {
          JSON.parse(changed);
        } catch {
          const [line = 0, column = 0] = positionOf(changed).split(":").map(Number);
          assert.equal(line, 1);
          assert.ok(column >= 1 && column <= changed.length + 1, `${column} of ${changed}`);
        }
      }),
    );
  });

  test("is quick with megabytes", () => {
    const text = `[${JSON.stringify("x".repeat(2_000_000))}, ${"[1],".repeat(300_000)}`;
    assert.equal(positionOf(text), `1:${text.length + 1}`);
  });
});
