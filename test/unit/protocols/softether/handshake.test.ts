import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { handshakeLimits, packBeforeLoginLimits } from "../../../../server/limits.ts";
import type { ClientAnswer } from "../../../../server/protocols/softether/client-request.ts";
import { ServerHandshake } from "../../../../server/protocols/softether/handshake.ts";
import type { RefusalReason } from "../../../../server/transport/refusals.ts";
import { DecodeError } from "../../../../server/wire/decode-error.ts";
import { bodyLength, HttpReader } from "../../../../server/wire/http-head.ts";
import { encodeHttpMessage } from "../../../../server/wire/http-message.ts";
import { encodePackRequest } from "../../../../server/wire/pack-message.ts";
import { decodePack, Pack } from "../../../../server/wire/pack.ts";
import { encodeSignatureRequest } from "../../../../server/wire/signature.ts";

const date = new Date("2026-01-31T12:00:00Z");
const host = "192.0.2.1";
const signature = encodeSignatureRequest(host);
const request = (pack: Pack) => encodePackRequest(pack, { host, date });
const method = (name: string) => request(new Pack().addStr("method", name));
const post = (target: string, body: string | Uint8Array, headers: [string, string][] = []) =>
  encodeHttpMessage(`POST ${target} HTTP/1.1`, headers, Buffer.from(body));

/** The status of a page, or the numbers of a PACK. */
type Answer = number | Record<string, number>;

interface Outcome {
  answers: Answer[];
  refused: RefusalReason[];
  closed: "after-sending" | "at-once" | undefined;
  /** What came in behind the request that joined a session, where one did. */
  joined?: string;
  administers?: string;
  web?: string;
}

/** A stand-in for the sessions: the method says what it answers. */
function answerRequest(pack: Pack): ClientAnswer {
  switch (pack.str("method")) {
    case "login":
      return { type: "error", error: "authenticationFailed" };
    case "admin":
      return { type: "error", error: "notSupported" };
    case "enum_hub":
      return { type: "reply", pack: new Pack().addInt("NumHub", 7) };
    case "join":
      return {
        type: "join",
        pack: new Pack().addInt("error", 0),
        join: { encrypt: true, attach: () => assert.fail("nobody attaches here") },
      };
    case "nonsense":
      throw new DecodeError("hubname", 0, "is missing");
    default:
      return { type: "error", error: "protocol" };
  }
}

function converse(chunks: readonly Uint8Array[]): Outcome {
  const sent: Buffer[] = [];
  const outcome: Outcome = { answers: [], refused: [], closed: undefined };
  const handshake = new ServerHandshake({
    hello: { product: "Srv", version: 501, build: 9674, random: new Uint8Array(20) },
    answerRequest,
    now: () => date,
    actions: {
      send: (bytes) => {
        assert.equal(outcome.closed, undefined, "sent after the close");
        sent.push(bytes);
      },
      refused: (reason) => outcome.refused.push(reason),
      close: (how) => {
        assert.equal(outcome.closed, undefined, "closed twice");
        outcome.closed = how;
      },
      join: (_join, received) => {
        outcome.joined = received.toString("latin1");
      },
      administer: (_attach, received) => {
        outcome.administers = received.toString("latin1");
      },
      web: (received) => {
        outcome.web = received.toString("latin1");
      },
    },
  });
  for (const chunk of chunks) handshake.receive(chunk);
  outcome.answers = readAnswers(Buffer.concat(sent));
  return outcome;
}

function readAnswers(bytes: Buffer): Answer[] {
  const http = new HttpReader();
  http.push(bytes);
  const answers: Answer[] = [];
  for (let head = http.readResponseHead(); head !== undefined; head = http.readResponseHead()) {
    const body = http.readBody(bodyLength(head.headers) ?? 0);
    assert.ok(body, "an answer is cut");
    answers.push(head.status === 200 ? numbersOf(decodePack(body, packBeforeLoginLimits)) : head.status);
  }
  return answers;
}

function numbersOf(pack: Pack): Record<string, number> {
  return Object.fromEntries(
    [...pack.elements()]
      .filter(({ content }) => content.type === "int")
      .map(({ name }) => [name, pack.int(name)]),
  );
}

const hello = { version: 501, build: 9674 };

describe("server side of the handshake", () => {
  test("answers the signature with the hello and nothing before", () => {
    assert.deepEqual(converse([signature]), { answers: [hello], refused: [], closed: undefined });
    assert.deepEqual(converse([signature.subarray(0, -1)]), { answers: [], refused: [], closed: undefined });
  });

  test("takes the image with its random tail as signature", () => {
    for (const length of [1411, 3411]) {
      const image = Buffer.alloc(length, 7);
      image.write("GIF89a");
      assert.deepEqual(converse([post("/vpnsvc/connect.cgi", image)]).answers, [hello]);
    }
  });

  test("answers a refused login with its error and closes after sending", () => {
    assert.deepEqual(converse([signature, method("login")]), {
      answers: [hello, { error: 9 }],
      refused: ["login-refused"],
      closed: "after-sending",
    });
  });

  test("answers a method that is not served with its error", () => {
    assert.deepEqual(converse([signature, method("admin")]), {
      answers: [hello, { error: 33 }],
      refused: ["method-not-supported"],
      closed: "after-sending",
    });
  });

  test("sends an answer that is no error, and closes without counting a refusal", () => {
    assert.deepEqual(converse([signature, method("enum_hub")]), {
      answers: [hello, { NumHub: 7 }],
      refused: [],
      closed: "after-sending",
    });
  });

  test("hands a connection that joins a session over, with what came in behind", () => {
    const bytes = Buffer.concat([signature, method("join"), Buffer.from("frames")]);
    for (const chunks of [[bytes], [bytes.subarray(0, -6), bytes.subarray(-6)]]) {
      const { answers, refused, closed, joined } = converse(chunks);
      assert.deepEqual([answers, refused, closed], [[hello, { error: 0 }], [], undefined]);
      // What comes in later goes to the session, not through here.
      assert.equal(joined, chunks.length === 1 ? "frames" : "");
    }
  });

  test("answers a request that says nonsense with a protocol error", () => {
    assert.deepEqual(converse([signature, method("nonsense")]), {
      answers: [hello, { error: 4 }],
      refused: ["pack-malformed"],
      closed: "after-sending",
    });
  });

  test("answers an unknown method, and a PACK without one, with a protocol error", () => {
    for (const unknown of [
      method("ext"),
      method(""),
      request(new Pack()),
      request(new Pack().addInt("method", 1)),
    ]) {
      assert.deepEqual(converse([signature, unknown]), {
        answers: [hello, { error: 4 }],
        refused: ["method-unknown"],
        closed: "after-sending",
      });
    }
  });

  test("answers a body that is no PACK with a protocol error", () => {
    const body = post("/vpnsvc/vpn.cgi", "garbage", [["Content-Type", "application/octet-stream"]]);
    assert.deepEqual(converse([signature, body]), {
      answers: [hello, { error: 4 }],
      refused: ["pack-malformed"],
      closed: "after-sending",
    });
  });

  test("answers noop with noop 2 and reads on", () => {
    const noop = request(new Pack().addInt("noop", 1));
    assert.deepEqual(converse([signature, noop, noop, method("login")]).answers, [
      hello,
      { error: 0, noop: 2 },
      { error: 0, noop: 2 },
      { error: 9 },
    ]);
  });

  test("ends the connection at one noop too many", () => {
    const noop = request(new Pack().addInt("noop", 1));
    const outcome = converse([signature, ...Array.from({ length: handshakeLimits.noops + 1 }, () => noop)]);
    assert.equal(outcome.answers.length, 1 + handshakeLimits.noops);
    assert.deepEqual([outcome.refused, outcome.closed], [["http-requests"], "at-once"]);
  });

  test("does the same wherever the bytes are cut", () => {
    const bytes = Buffer.concat([
      Buffer.from("GET /a HTTP/1.1\r\n\r\n"),
      signature,
      request(new Pack().addInt("noop", 1)),
      method("admin"),
    ]);
    const expected: Outcome = {
      answers: [404, hello, { error: 0, noop: 2 }, { error: 33 }],
      refused: ["http-not-found", "method-not-supported"],
      closed: "after-sending",
    };
    assert.deepEqual(converse([bytes]), expected);
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.deepEqual(converse([bytes.subarray(0, cut), bytes.subarray(cut)]), expected, `cut at ${cut}`);
    }
    assert.deepEqual(converse(Array.from(bytes, (byte) => Uint8Array.of(byte))), expected);
  });

  test("serves pages to a browser and still takes the signature after them", () => {
    assert.deepEqual(converse([Buffer.from("GET / HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n\r\n"), signature]), {
      answers: [403, 404, hello],
      refused: ["http-forbidden", "http-not-found"],
      closed: undefined,
    });
  });

  test("ends the connection at one request too many", () => {
    const gets = Buffer.from("GET /x HTTP/1.1\r\n\r\n".repeat(handshakeLimits.requests + 1));
    const outcome = converse([gets]);
    assert.equal(outcome.answers.length, handshakeLimits.requests);
    assert.deepEqual([outcome.refused.at(-1), outcome.closed], ["http-requests", "at-once"]);
  });

  const pages: [string, number, Buffer[], RefusalReason][] = [
    ["a POST to another path", 404, [post("/other", "VPNCONNECT")], "http-not-found"],
    [
      "a GET with a body",
      404,
      [Buffer.from("GET /x HTTP/1.1\r\nContent-Length: 1\r\n\r\n")],
      "http-not-found",
    ],
    ["another method", 501, [Buffer.from("PUT / HTTP/1.1\r\n\r\n")], "http-not-implemented"],
    ["a signature of impossible length", 403, [post("/vpnsvc/connect.cgi", "VPN")], "http-forbidden"],
    [
      "a signature of possible length with other bytes",
      403,
      [post("/vpnsvc/connect.cgi", "0123456789")],
      "http-forbidden",
    ],
    [
      "a signature in a transfer coding",
      403,
      [Buffer.from("POST /vpnsvc/connect.cgi HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")],
      "http-forbidden",
    ],
    ["a second signature", 404, [signature, signature], "http-not-found"],
    [
      "a GET after the hello",
      501,
      [signature, Buffer.from("GET / HTTP/1.1\r\n\r\n")],
      "http-not-implemented",
    ],
    [
      "a PACK of another content type",
      403,
      [signature, post("/vpnsvc/vpn.cgi", "x", [["Content-Type", "text/plain"]])],
      "http-forbidden",
    ],
  ];
  for (const [what, status, chunks, reason] of pages) {
    test(`answers ${what} with page ${status} and closes`, () => {
      const { answers, refused, closed } = converse(chunks);
      assert.deepEqual([answers.at(-1), refused, closed], [status, [reason], "after-sending"]);
    });
  }

  test("refuses a body that is too large by its head, before a byte of it", () => {
    const { bytes } = packBeforeLoginLimits;
    const head = (length: number) =>
      Buffer.from(
        `POST /vpnsvc/vpn.cgi HTTP/1.1\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`,
      );
    assert.deepEqual(converse([signature, head(bytes)]).closed, undefined);
    for (const length of [bytes + 1, 2 ** 40, 0]) {
      assert.deepEqual(converse([signature, head(length)]).answers, [hello, 403], String(length));
    }
  });

  test("closes at once what is not HTTP", () => {
    assert.deepEqual(converse([Buffer.from("SSH-2.0-OpenSSH_9.2\r\n")]), {
      answers: [],
      refused: ["http-malformed"],
      closed: "at-once",
    });
  });

  test("never throws, whatever comes in", () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom(
        signature,
        method("login"),
        method("enum_hub"),
        method("join"),
        request(new Pack().addInt("noop", 1)),
        Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      ),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), (chunks) => {
        const { answers, closed, refused } = converse(chunks);
        const answered = answers.some((answer) => typeof answer === "object" && "NumHub" in answer);
        assert.ok(closed === undefined || refused.length > 0 || answered, "closed without a reason");
      }),
      { numRuns: 500 },
    );
  });
});
