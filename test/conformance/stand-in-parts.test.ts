import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { quote } from "../../tools/command-plugin/go-text.ts";
import { LogLines } from "../../tools/command-plugin/log-lines.ts";
import { diffProperties } from "../../tools/command-plugin/property-diff.ts";
import {
  decodeProperties,
  encodeProperties,
  equal,
  plain,
} from "../../tools/command-plugin/property-values.ts";
import { folderOf, joinPath, nameOf } from "../../tools/command-plugin/remote-path.ts";
import {
  fileArchive,
  fileAsset,
  secret,
  textAsset,
  unknown,
  type Json,
  type Properties,
} from "./support/values.ts";

/** Any property value of the wire, without nulls in objects, which are left out. */
const { value: anyValue } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    // First, because at the greatest depth nothing else is made, and null is not wanted everywhere.
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.string(),
    fc.constant(unknown),
    fc.string().map((text) => textAsset(text, `hash of ${text}`)),
    fc.string().map((path) => fileAsset(path, `hash of ${path}`)),
    fc.string().map((path) => fileArchive(path, `hash of ${path}`)),
    tie("value")
      .map((inner) => secret(inner))
      .filter((outer) => !isNestedSecret(outer)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.string(),
      tie("value").filter((inner) => inner !== null),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
}));
const anyProperties = fc.dictionary(
  fc.string(),
  anyValue.filter((value) => value !== null),
  {
    maxKeys: 5,
    noNullPrototype: true,
  },
) as fc.Arbitrary<Properties>;

/** A secret in a secret is one secret. */
function isNestedSecret(value: Json): boolean {
  const inner = (value as { value: Json }).value;
  return (
    inner !== null &&
    typeof inner === "object" &&
    !Array.isArray(inner) &&
    JSON.stringify(inner).startsWith(JSON.stringify(secret(0)).slice(0, 40))
  );
}

describe("property values", () => {
  test("are written as they were read", () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        assert.deepEqual(encodeProperties(decodeProperties(properties)), properties);
      }),
    );
  });

  test("do not differ from themselves", () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        const [a, b] = [decodeProperties(properties), decodeProperties(properties)];
        assert.ok(equal(plain(a), plain(b)));
        assert.equal(diffProperties(a, b).size, 0);
      }),
    );
  });

  test("that differ show where, unless what differs is secret and not known", () => {
    fc.assert(
      fc.property(anyProperties, anyProperties, (olds, news) => {
        const [a, b] = [decodeProperties(olds), decodeProperties(news)];
        const changes = diffProperties(a, b);
        if (equal(plain(a), plain(b))) assert.equal(changes.size, 0);
        else if (!JSON.stringify(news).includes(unknown)) assert.ok(changes.size > 0);
      }),
    );
  });
});

describe("logged lines", () => {
  const linesOf = async (chunks: readonly Buffer[]): Promise<string[]> => {
    const lines: string[] = [];
    const log = new LogLines(async (line) => void lines.push(line), { pause: () => {}, resume: () => {} });
    for (const chunk of chunks) log.write(chunk);
    await log.end();
    return lines;
  };

  test("are the same wherever the output is cut", async () => {
    const output = Buffer.from("one\ntwo é€\r\n\n\nlast");
    for (let cut = 0; cut <= output.length; cut++) {
      assert.deepEqual(await linesOf([output.subarray(0, cut), output.subarray(cut)]), [
        "one",
        "two é€",
        "",
        "",
        "last",
      ]);
    }
    assert.deepEqual(await linesOf(Array.from(output, (byte) => Buffer.from([byte]))), [
      "one",
      "two é€",
      "",
      "",
      "last",
    ]);
  });

  test("hold their source back while many wait", async () => {
    const events: string[] = [];
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const log = new LogLines(() => gate, {
      pause: () => events.push("pause"),
      resume: () => events.push("resume"),
    });
    log.write(Buffer.from("x\n"));
    await Promise.resolve();
    log.write(Buffer.from("x\n".repeat(5_000)));
    assert.deepEqual(events, ["pause"]);
    release();
    await log.end();
    assert.deepEqual(events, ["pause", "resume"]);
  });
});

describe("texts", () => {
  const quoted: [string, string][] = [
    ["", '""'],
    ['a "b" \\ c', '"a \\"b\\" \\\\ c"'],
    ["\x07\b\f\n\r\t\v\0\x7f", '"\\a\\b\\f\\n\\r\\t\\v\\x00\\x7f"'],
    ["é 日本 😀", '"é 日本 😀"'],
    ["\u00a0\u200b\ufeff\u{e0001}", '"\\u00a0\\u200b\\ufeff\\U000e0001"'],
  ];
  for (const [text, expected] of quoted) {
    test(`are quoted as ${expected}`, () => assert.equal(quote(text), expected));
  }
});

describe("remote paths", () => {
  test("are joined without a slash behind them", () => {
    assert.deepEqual(
      [joinPath("a", "b"), joinPath("a/", "b"), joinPath("a/", "."), joinPath("/", "b"), joinPath("", "b")],
      ["a/b", "a/b", "a", "/b", "b"],
    );
  });

  test("that end in a slash are folders themselves", () => {
    assert.deepEqual(["a/b", "a/b/", "b", "/b", "/", ""].map(folderOf), ["a", "a/b", ".", "/", "/", "."]);
    assert.deepEqual(["a/b", "a/b/", "b", "/"].map(nameOf), ["b", "b", "b", "/"]);
  });
});
