import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { packProtocolLimits, signatureLimits } from "../../../server/limits.ts";
import { DecodeError } from "../../../server/wire/decode-error.ts";
import { decodeHello, encodeHello } from "../../../server/wire/hello.ts";
import { HttpReader } from "../../../server/wire/http-head.ts";
import {
  encodePackRequest,
  encodePackResponse,
  PackResponseReader,
} from "../../../server/wire/pack-message.ts";
import { decodePack, encodePack, Pack } from "../../../server/wire/pack.ts";
import { errorPack } from "../../../server/wire/protocol-error.ts";
import { encodeSignatureRequest, isSignature, isSignatureLength } from "../../../server/wire/signature.ts";

const random = Uint8Array.from({ length: 20 }, (_value, index) => index);
const hello = { product: "Srv", version: 501, build: 9674, random };
const date = new Date("2026-01-31T12:00:00Z");

function image(bytes: number): Buffer {
  const body = Buffer.alloc(bytes, 7);
  body.write("GIF89a", "latin1");
  return body;
}

describe("signature", () => {
  const { imageBytes, randomBytes } = signatureLimits;

  test("is the short text, or the image with up to 2000 random bytes", () => {
    assert.ok(isSignature(Buffer.from("VPNCONNECT")));
    assert.ok(isSignature(image(imageBytes)));
    assert.ok(isSignature(image(imageBytes + randomBytes)));
  });

  test("is nothing of another length or with other bytes", () => {
    const wrong = [
      Buffer.alloc(0),
      Buffer.from("VPNCONNECX"),
      Buffer.from("VPNCONNEC"),
      Buffer.from("GIF89a"),
      Buffer.alloc(1411),
    ];
    for (const body of [...wrong, image(imageBytes - 1), image(imageBytes + randomBytes + 1)]) {
      assert.ok(!isSignature(body), `${body.length} bytes`);
    }
  });

  test("tells possible lengths before the body has come in", () => {
    const possible = [10, 1411, 3411];
    const impossible = [0, 9, 11, 1410, 3412, NaN, Infinity];
    assert.deepEqual([...possible, ...impossible].filter(isSignatureLength), possible);
  });

  test("request is what the reference shows", () => {
    assert.equal(
      encodeSignatureRequest("192.0.2.1").toString(),
      "POST /vpnsvc/connect.cgi HTTP/1.1\r\nHost: 192.0.2.1\r\nContent-Type: image/jpeg\r\n" +
        "Connection: Keep-Alive\r\nContent-Length: 10\r\n\r\nVPNCONNECT",
    );
  });
});

describe("hello", () => {
  test("encodes in the size and order of worked example 2 of the reference", () => {
    assert.equal(encodePack(encodeHello(hello)).length, 114);
    assert.match(
      encodePack(encodeHello(hello)).toString("latin1"),
      /^[^]{8}hello[^]{12}Srv[^]{4}version[^]{16}build[^]{16}random/,
    );
  });

  test("comes back as it was sent", () => {
    const decoded = decodeHello(decodePack(encodePack(encodeHello(hello)), packProtocolLimits));
    assert.deepEqual({ ...decoded, random: [...decoded.random] }, { ...hello, random: [...random] });
  });

  test("is refused without product string or with a challenge of another length", () => {
    assert.throws(() => decodeHello(new Pack().addData("random", random)), DecodeError);
    assert.throws(() => decodeHello(new Pack().addStr("hello", "Srv")), DecodeError);
    assert.throws(
      () => decodeHello(new Pack().addStr("hello", "Srv").addData("random", random.subarray(1))),
      DecodeError,
    );
    assert.throws(() => encodeHello({ ...hello, random: random.subarray(1) }), RangeError);
  });

  test("may have an empty product string", () => {
    assert.equal(decodeHello(new Pack().addStr("hello", "").addData("random", random)).product, "");
  });
});

describe("HTTP message with a PACK", () => {
  const response = encodePackResponse(errorPack("notSupported"), { date });
  const read = (bytes: Uint8Array) => {
    const http = new HttpReader();
    http.push(bytes);
    return new PackResponseReader(http).read();
  };
  const edited = (from: string, to: string) =>
    Buffer.from(response.toString("latin1").replace(from, to), "latin1");

  test("has the content type without anything after it, which official clients insist on", () => {
    assert.match(response.toString("latin1"), /\r\nContent-Type: application\/octet-stream\r\n/);
    assert.match(
      encodePackRequest(new Pack(), { host: "192.0.2.1", date }).toString("latin1"),
      /^POST \/vpnsvc\/vpn\.cgi HTTP\/1\.1\r\n[^]*\r\nContent-Type: application\/octet-stream\r\n/,
    );
  });

  test("is read whole, and not before its last byte", () => {
    for (let length = 0; length < response.length; length++)
      assert.equal(read(response.subarray(0, length)), undefined);
    assert.equal(read(response)?.int("error"), 33);
  });

  test("is read when cut at every byte", () => {
    for (let cut = 0; cut <= response.length; cut++) {
      const http = new HttpReader();
      const reader = new PackResponseReader(http);
      http.push(response.subarray(0, cut));
      const early = reader.read();
      http.push(response.subarray(cut));
      assert.equal((early ?? reader.read())?.int("error"), 33);
    }
  });

  test("is refused with another status, content type or an impossible length", () => {
    assert.throws(() => read(edited("200 OK", "404 Not Found")), /404 instead of 200/);
    assert.throws(() => read(edited("octet-stream", "octet-stream; charset=utf-8")), DecodeError);
    assert.throws(() => read(edited("Content-Type: application/octet-stream\r\n", "")), /none instead of/);
    assert.throws(() => read(edited("Content-Length: 25", "Content-Length: 0")), DecodeError);
    assert.throws(() => read(edited("Content-Length: 25", "Content-Length: 65537")), DecodeError);
    assert.throws(() => read(edited("Content-Length: 25", "Transfer-Encoding: chunked")), DecodeError);
  });
});
