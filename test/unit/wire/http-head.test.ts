import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { httpLimits } from "../../../server/limits.ts";
import { DecodeError } from "../../../server/wire/decode-error.ts";
import { bodyLength, HttpReader } from "../../../server/wire/http-head.ts";

// Two requests as the official client sends them: the signature, then a PACK (reference/softether/transport.md, 2.1, 2.3).
const conversation = Buffer.from(
  "POST /vpnsvc/connect.cgi HTTP/1.1\r\nHost: 192.0.2.1\r\nContent-Type: image/jpeg\r\n" +
    "Connection: Keep-Alive\r\nContent-Length: 10\r\n\r\nVPNCONNECT" +
    "POST /vpnsvc/vpn.cgi HTTP/1.1\nContent-Length: 3\nX-Empty:\n\nabc",
);

interface Message {
  method: string;
  target: string;
  headers: Record<string, string>;
  body: string;
}

/** Reads all messages, from chunks pushed one after the other. */
function readAll(chunks: readonly Uint8Array[]): Message[] {
  const reader = new HttpReader();
  const messages: Message[] = [];
  let head: ReturnType<HttpReader["readRequestHead"]>;
  for (const chunk of chunks) {
    reader.push(chunk);
    for (;;) {
      head ??= reader.readRequestHead();
      const body = head && reader.readBody(bodyLength(head.headers) ?? 0);
      if (head === undefined || body === undefined) break;
      const { method, target, headers } = head;
      messages.push({ method, target, headers: Object.fromEntries(headers), body: body.toString() });
      head = undefined;
    }
  }
  return messages;
}

const expected: Message[] = [
  {
    method: "POST",
    target: "/vpnsvc/connect.cgi",
    headers: {
      host: "192.0.2.1",
      "content-type": "image/jpeg",
      connection: "Keep-Alive",
      "content-length": "10",
    },
    body: "VPNCONNECT",
  },
  {
    method: "POST",
    target: "/vpnsvc/vpn.cgi",
    headers: { "content-length": "3", "x-empty": "" },
    body: "abc",
  },
];

function readHead(text: string) {
  const reader = new HttpReader();
  reader.push(Buffer.from(text, "latin1"));
  return reader.readRequestHead();
}

function readStatus(text: string) {
  const reader = new HttpReader();
  reader.push(Buffer.from(text, "latin1"));
  return reader.readResponseHead();
}

describe("HTTP reader", () => {
  test("reads messages that come in one chunk", () => assert.deepEqual(readAll([conversation]), expected));

  test("reads messages cut in two at every byte", () => {
    for (let cut = 0; cut <= conversation.length; cut++) {
      assert.deepEqual(
        readAll([conversation.subarray(0, cut), conversation.subarray(cut)]),
        expected,
        `cut at ${cut}`,
      );
    }
  });

  test("reads messages that come byte by byte", () => {
    assert.deepEqual(readAll(Array.from(conversation, (byte) => Uint8Array.of(byte))), expected);
  });

  test("reads messages cut in any way", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(conversation.length), { maxLength: 20 }), (cuts) => {
        const ends = [...cuts.sort((a, b) => a - b), conversation.length];
        const chunks = ends.map((end, index) => conversation.subarray(ends[index - 1] ?? 0, end));
        assert.deepEqual(readAll(chunks), expected);
      }),
    );
  });

  test("waits for more at every truncation of a head", () => {
    const length = conversation.indexOf("VPNCONNECT");
    for (let cut = 0; cut < length; cut++) {
      const reader = new HttpReader();
      reader.push(conversation.subarray(0, cut));
      assert.equal(reader.readRequestHead(), undefined, `cut at ${cut}`);
    }
  });

  test("throws nothing but a decode error at random bytes", () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .constantFrom("GET / HTTP/1.1\r\n", "\r\n", "\n", "A: b\r\n", ":", "Content-Length: 5\r\n")
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
        try {
          readAll(chunks);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  const malformed: [string, string, RegExp][] = [
    ["an empty first line", "\r\nGET / HTTP/1.1\r\n\r\n", /request line at byte 0/],
    ["a first line of two words", "GET /\r\n", /request line at byte 0/],
    ["another protocol", "GET / HTTP/2.0\r\n", /request line/],
    ["a control character in the target", "GET /\x01 HTTP/1.1\r\n", /request line/],
    ["a header line without colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", /header line at byte 16/],
    [
      "a header line that continues another",
      "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
      /header line at byte 22/,
    ],
    ["a blank before the colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", /header line/],
    ["a NUL in a value", "GET / HTTP/1.1\r\nA: \0\r\n\r\n", /header line/],
    ["a carriage return inside a line", "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n", /header line/],
    [
      "two lengths",
      "GET / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n",
      /Content-Length at byte 35/,
    ],
    ["a length that is no number", "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", /Content-Length/],
    ["a length without digits", "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n", /Content-Length/],
  ];
  for (const [what, text, message] of malformed) {
    test(`refuses ${what}`, () => {
      assert.throws(
        () => readHead(text),
        (error) => error instanceof DecodeError && message.test(error.message),
      );
    });
  }

  test("refuses a wrong first line before the rest of the head has come in", () => {
    assert.throws(() => readHead("\x16\x03\x01 nonsense\n"), DecodeError);
  });

  test("takes lines up to the limit and refuses longer ones, even unfinished", () => {
    const fill = (length: number) => `A: ${"x".repeat(length - 3)}`;
    const start = "GET / HTTP/1.1\r\n";
    assert.equal(
      readHead(`${start}${fill(httpLimits.lineBytes)}\r\n\r\n`)?.headers.get("a")?.length,
      httpLimits.lineBytes - 3,
    );
    assert.throws(() => readHead(`${start}${fill(httpLimits.lineBytes + 1)}\r\n\r\n`), /longer than 4096/);
    assert.throws(() => readHead(`${start}${fill(httpLimits.lineBytes + 2)}`), /longer than 4096/);
  });

  test("takes header lines up to the limit and refuses more", () => {
    const lines = (count: number) =>
      Array.from({ length: count }, (_value, index) => `N${index}: v\r\n`).join("");
    assert.equal(
      readHead(`GET / HTTP/1.1\r\n${lines(httpLimits.headerLines)}\r\n`)?.headers.size,
      httpLimits.headerLines,
    );
    assert.throws(
      () => readHead(`GET / HTTP/1.1\r\n${lines(httpLimits.headerLines + 1)}`),
      /more than 128 header lines/,
    );
  });

  test("refuses a head beyond the limit of all lines together", () => {
    const lines = `N: ${"x".repeat(4000)}\r\n`.repeat(9);
    assert.throws(() => readHead(`GET / HTTP/1.1\r\n${lines}`), /longer than 32768/);
  });

  test("takes time in proportion to the size of a head that comes byte by byte", () => {
    const head = Buffer.from(`GET / HTTP/1.1\r\n${`N: ${"x".repeat(4000)}\r\n`.repeat(7)}\r\n`);
    const start = performance.now();
    const reader = new HttpReader();
    let read: unknown;
    for (const byte of head) {
      reader.push(Uint8Array.of(byte));
      read = reader.readRequestHead();
    }
    assert.ok(read !== undefined);
    // About 10 ms; minutes if each byte meant a look at all that came before.
    assert.ok(performance.now() - start < 2_000);
  });

  test("reads a response with reason, with an empty one and without", () => {
    for (const line of ["HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.0 200"]) {
      assert.equal(readStatus(`${line}\r\nContent-Length: 4\r\n\r\n`)?.status, 200, line);
    }
    for (const line of ["HTTP/1.1 OK", "HTTP/1.1 20", "HTTP/1.1 2000 OK", "SSH-2.0-OpenSSH"]) {
      assert.throws(() => readStatus(`${line}\r\n`), DecodeError, line);
    }
  });

  test("keeps the first of a header that occurs again, without the blanks around it", () => {
    const head = readHead("GET / HTTP/1.1\r\nHost: \t a \t\r\nhOST: b\r\n\r\n");
    assert.equal(head?.headers.get("host"), "a");
  });
});

describe("body length", () => {
  test("is 0 without Content-Length, and unknown in a transfer coding", () => {
    assert.equal(bodyLength(new Map()), 0);
    assert.equal(bodyLength(new Map([["content-length", "17"]])), 17);
    assert.equal(bodyLength(new Map([["transfer-encoding", "chunked"]])), undefined);
  });

  test("stays beyond every limit for numbers that are not exact", () => {
    assert.ok((bodyLength(new Map([["content-length", "18446744073709551615"]])) ?? 0) > 2 ** 60);
  });
});

describe("the cost of a head", () => {
  /** Processor time for heads of this many bytes, of the quickest of some rounds. */
  function costOf(headOf: (bytes: number) => string, bytes: number): number {
    const head = Buffer.from(headOf(bytes), "latin1");
    let least = Infinity;
    for (let round = 0; round < 7; round++) {
      const before = process.cpuUsage();
      for (let index = 0; index < 200; index++) {
        const reader = new HttpReader();
        reader.push(head);
        try {
          reader.readRequestHead();
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
      }
      least = Math.min(least, process.cpuUsage(before).user);
    }
    return Math.max(least, 500);
  }

  for (const [what, headOf] of [
    ["blanks before a forbidden byte", (bytes) => `GET / HTTP/1.1\r\nA:${" ".repeat(bytes)}\x01\r\n\r\n`],
    ["blanks before a value", (bytes) => `GET / HTTP/1.1\r\nA:${" ".repeat(bytes)}b\r\n\r\n`],
    ["tabs behind a value", (bytes) => `GET / HTTP/1.1\r\nA: b${"\t".repeat(bytes)}\r\n\r\n`],
    ["blanks in the first line", (bytes) => `GET${" ".repeat(bytes)}/ HTTP/1.1\x01\r\n\r\n`],
    ["a long target", (bytes) => `GET /${"x".repeat(bytes)} HTTP/1.1 \r\n\r\n`],
    ["a long name", (bytes) => `GET / HTTP/1.1\r\n${"a".repeat(bytes)}\r\n\r\n`],
    ["blanks around a length", (bytes) => `GET / HTTP/1.1\r\nContent-Length: 1${" ".repeat(bytes)}x\r\n\r\n`],
  ] satisfies [string, (bytes: number) => string][]) {
    test(`grows with its length and no more: ${what}`, () => {
      // Ten times the bytes; what grows with their square would cost a hundred times as much.
      assert.ok(costOf(headOf, 4_000) < 40 * costOf(headOf, 400));
    });
  }
});
