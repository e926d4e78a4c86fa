import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bodyLength, HttpReader } from "../../../server/wire/http-head.ts";
import { encodeHttpMessage, encodePage } from "../../../server/wire/http-message.ts";

const date = new Date("2026-01-31T12:00:00Z");

describe("HTTP encoder", () => {
  test("writes a message with its length", () => {
    const message = encodeHttpMessage("POST /a HTTP/1.1", [["Host", "192.0.2.1"]], Buffer.from("abc"));
    assert.equal(message.toString(), "POST /a HTTP/1.1\r\nHost: 192.0.2.1\r\nContent-Length: 3\r\n\r\nabc");
  });

  test("never writes an empty header value, at which official peers drop the connection", () => {
    assert.throws(() => encodeHttpMessage("GET / HTTP/1.1", [["X-Empty", " "]], Buffer.alloc(0)), RangeError);
  });

  test("never writes a line break from a value", () => {
    assert.throws(
      () => encodeHttpMessage("GET / HTTP/1.1", [["Host", "a\r\nB: c"]], Buffer.alloc(0)),
      RangeError,
    );
    assert.throws(() => encodeHttpMessage("GET /\n HTTP/1.1", [], Buffer.alloc(0)), RangeError);
  });

  for (const [status, title] of [
    [403, "Forbidden"],
    [404, "Not Found"],
    [501, "Method Not Implemented"],
  ] as const) {
    test(`writes the page for ${status} so that its own reader and length agree`, () => {
      const page = encodePage(status, { date, keepOpen: true });
      const reader = new HttpReader();
      reader.push(page);
      const head = reader.readResponseHead();
      assert.equal(head?.status, status);
      assert.equal(head.headers.get("date"), "Sat, 31 Jan 2026 12:00:00 GMT");
      assert.equal(head.headers.get("content-type"), "text/html; charset=iso-8859-1");
      assert.equal(head.headers.get("connection"), "Keep-Alive");
      const length = bodyLength(head.headers) ?? 0;
      assert.match(
        reader.readBody(length)?.toString() ?? "",
        new RegExp(`<TITLE>${status} ${title}</TITLE>`),
      );
      assert.equal(reader.readBody(1), undefined);
    });
  }

  test("says in a page when the connection ends with it", () => {
    assert.match(encodePage(404, { date, keepOpen: false }).toString(), /\r\nConnection: close\r\n/);
  });
});
