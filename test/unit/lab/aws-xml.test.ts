import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { at, listAt, parseXml, textAt } from "../../lab/aws/api/xml.ts";

test("elements become objects, lists of items lists, and the rest text", () => {
  const answer = parseXml(
    '<?xml version="1.0"?>\n<A xmlns="http://x/"><set><item><id>i-1</id></item><item><id>i-2</id></item></set><none/><n>a &amp; b &#x41;</n></A>',
  )["A"];
  assert.deepEqual(
    listAt(answer, "set").map((item) => textAt(item, "id")),
    ["i-1", "i-2"],
  );
  assert.deepEqual(listAt(answer, "none"), []);
  assert.equal(textAt(answer, "n"), "a & b A");
  assert.equal(textAt(answer, "set.1.id"), "i-2");
  assert.equal(at(answer, "set.7.id"), "");
});

test("any text comes through an element unchanged", () => {
  const escaped = (text: string) =>
    text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign] ?? sign);
  fc.assert(
    fc.property(fc.string(), (text) =>
      assert.equal(textAt(parseXml(`<r><t>${escaped(text)}</t></r>`), "r.t"), text),
    ),
  );
});

test("what does not nest is refused", () => {
  for (const xml of ["<a><b></a></b>", "<a>", "</a>", `${"<a>".repeat(100)}`]) {
    assert.throws(() => parseXml(xml), /the XML/);
  }
});
