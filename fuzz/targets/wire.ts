import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { blockLimits, packBeforeLoginLimits } from "../../server/limits.ts";
import { decodeLogin } from "../../server/protocols/softether/messages/login.ts";
import { BlockDecoder, encodeKeepAlive } from "../../server/wire/block-stream.ts";
import { DecodeError } from "../../server/wire/decode-error.ts";
import { compressFrame, decompressFrame } from "../../server/wire/frame-compression.ts";
import { decodeHello, encodeHello } from "../../server/wire/hello.ts";
import { bodyLength, HttpReader } from "../../server/wire/http-head.ts";
import { decodePack, encodePack, Pack } from "../../server/wire/pack.ts";
import type { FuzzTarget } from "../fuzzer.ts";

/** What a decoder makes of bytes; a decode error is what malformed ones are answered with. */
function decoded<Value>(decode: () => Value): Value | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

const packs = (): Pack[] => [
  encodeHello({ product: "server", version: 501, build: 9674, random: Buffer.alloc(20, 1) }),
  new Pack()
    .addStr("method", "login")
    .addStr("hubname", "DEFAULT")
    .addStr("username", "one")
    .addInt("authtype", 1)
    .addData("secure_password", Buffer.alloc(20, 1))
    .addStr("client_str", "client")
    .addInt("max_connection", 8)
    .addBool("use_encrypt", true)
    .addUniStr("note", "ä")
    .add("number", { type: "int64", values: [1n, 2n] })
    .addData("unique_id", Buffer.alloc(20, 1)),
];

export const pack: FuzzTarget = {
  about: "PACK, and the messages of the handshake in it",
  seeds: () => packs().map(encodePack),
  run: (input) => {
    const read = decoded(() => decodePack(input, packBeforeLoginLimits));
    if (read === undefined) return;
    const again = encodePack(read);
    assert.deepEqual(encodePack(decodePack(again, packBeforeLoginLimits)), again);
    decoded(() => decodeHello(read));
    decoded(() => decodeLogin(read));
  },
};

/** The input in pieces, whose lengths its own bytes tell, and what is in them. */
function inPieces(input: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < input.length; turn++) {
    const bytes = 1 + ((input[turn % input.length] ?? 0) % 61);
    pieces.push(Buffer.from(input.subarray(at, at + bytes)));
    at += bytes;
  }
  return pieces;
}

function readHttp(pieces: readonly Buffer[], kind: "request" | "response"): unknown {
  const reader = new HttpReader();
  const read: unknown[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (;;) {
      const head = kind === "request" ? reader.readRequestHead() : reader.readResponseHead();
      if (head === undefined) break;
      read.push({ ...head, headers: [...head.headers] });
      assert.ok(bodyLength(head.headers) === undefined || Number(bodyLength(head.headers)) >= 0);
    }
  }
  return read;
}

export const httpHead: FuzzTarget = {
  about: "heads of HTTP, whole and in pieces",
  seeds: () =>
    [
      "POST /vpnsvc/connect.cgi HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
      "GET /api/ HTTP/1.1\nAuthorization: Basic YTpi\n\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=15\r\n\r\n",
      `GET / HTTP/1.1\r\nA:${" ".repeat(1_000)}b\t \r\n\r\n`,
    ].map((text) => Buffer.from(text)),
  mostBytes: 8_192,
  run: (input) => {
    for (const kind of ["request", "response"] as const) {
      const whole = decoded(() => readHttp([input], kind));
      const cut = decoded(() => readHttp(inPieces(input), kind));
      // A fault may be told before the rest has come, and some messages before it; what is no fault is the same.
      if (whole !== undefined && cut !== undefined) assert.deepEqual(cut, whole);
      assert.equal(cut === undefined, whole === undefined);
    }
  },
};

function readBlocks(pieces: readonly Buffer[]): { fault: string | undefined; frames: string[] } {
  const frames: string[] = [];
  const decoder = new BlockDecoder({
    frameBytes: blockLimits.frameBytes,
    sink: {
      alive: () => {},
      oversized: () => {},
      blocks: (buffer, start, end, count) => {
        let [at, seen] = [start, 0];
        for (; at < end; seen++) {
          const bytes = buffer.readUInt32BE(at);
          assert.ok(bytes > 0 && bytes <= blockLimits.frameBytes);
          frames.push(buffer.toString("hex", at + 4, at + 4 + bytes));
          at += 4 + bytes;
        }
        assert.deepEqual([at, seen], [end, count]);
      },
    },
  });
  for (const piece of pieces) {
    const fault = decoder.receive(piece);
    if (fault !== undefined) return { fault, frames };
  }
  return { fault: undefined, frames };
}

export const blockStream: FuzzTarget = {
  about: "the data channel, whole and in pieces",
  seeds: () => [
    Buffer.from("000000020000000401020304000000020506", "hex"),
    Buffer.concat([encodeKeepAlive(Buffer.alloc(20)), Buffer.from("00000001000000010000000000", "hex")]),
    Buffer.concat([Buffer.from("0000000100000640", "hex"), Buffer.alloc(1_600)]),
  ],
  run: (input) => assert.deepEqual(readBlocks(inPieces(input)), readBlocks([input])),
};

const target = Buffer.alloc(4_096);

export const compression: FuzzTarget = {
  about: "compressed frames",
  seeds: () => [deflateSync(Buffer.alloc(1_500)), deflateSync(Buffer.from("a frame that is short"))],
  run: (input) => {
    const bytes = decompressFrame(input, target, 0, blockLimits.frameBytes);
    assert.ok(bytes === undefined || bytes <= blockLimits.frameBytes);
    if (input.length > blockLimits.frameBytes) return;
    const size = compressFrame(input, target, 0);
    const again = Buffer.alloc(blockLimits.frameBytes + 1);
    assert.equal(decompressFrame(target.subarray(0, size), again, 0, blockLimits.frameBytes), input.length);
    assert.ok(again.subarray(0, input.length).equals(input));
  },
};
