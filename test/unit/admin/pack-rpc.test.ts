import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { PackRpcConnection } from "../../../server/admin/pack-rpc.ts";
import { packProtocolLimits } from "../../../server/limits.ts";
import { decodePack, encodePack, Pack } from "../../../server/wire/pack.ts";

const shortRequestBytes = 1000;

function createConnection(
  answer: (request: Pack) => Promise<Pack> = (request) => Promise.resolve(request),
  requestBytes = shortRequestBytes,
) {
  const sent: { bytes: Buffer; done: () => void }[] = [];
  const ends = { closed: 0, told: 0 };
  const rpc = new PackRpcConnection(
    {
      name: "CID-1",
      send: (bytes, done) => sent.push({ bytes, done }),
      hold: () => {},
      goOn: () => {},
      close: () => {
        ends.closed += 1;
        rpc.closed();
      },
    },
    { requestBytes, answer, onClosed: () => (ends.told += 1) },
  );
  return { rpc, sent, ends };
}

function framed(pack: Pack): Buffer {
  const bytes = encodePack(pack);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const request = (number: number) => framed(new Pack().addInt("number", number));

function numberOf(bytes: Buffer): number {
  assert.equal(bytes.readUInt32BE(), bytes.length - 4);
  return decodePack(bytes.subarray(4), packProtocolLimits).int("number");
}

describe("PackRpcConnection", () => {
  test("answers long requests in any pieces, and what comes in the same piece behind one", async () => {
    const { rpc, sent } = createConnection(
      (pack) => Promise.resolve(new Pack().addInt("number", pack.int("number"))),
      8_000_000,
    );
    const long = (number: number, bytes: number) =>
      framed(new Pack().addInt("number", number).addData("file", Buffer.alloc(bytes, number)));
    const stream = Buffer.concat([
      long(1, 1_000_000),
      request(2),
      long(3, 3_000_000),
      long(4, 300_000),
      request(5),
    ]);
    for (const piece of [7_001, 65_536, 999_999, stream.length]) {
      sent.length = 0;
      for (let at = 0; at < stream.length; at += piece) rpc.receive(stream.subarray(at, at + piece));
      for (let number = 1; number <= 5; number++) {
        for (let turns = 0; sent.length < number && turns < 10_000; turns++) await setImmediate();
        const last = sent.at(-1);
        assert.equal(last && numberOf(last.bytes), number);
        last?.done();
      }
    }
  });

  test("answers requests in any pieces, one after the other, the next when the reply is on its way", async () => {
    const { rpc, sent } = createConnection();
    for (const byte of Buffer.concat([request(1), request(2)])) rpc.receive(Buffer.of(byte));
    rpc.receive(Buffer.concat([request(3), request(4).subarray(0, 7)]));
    for (const number of [1, 2, 3]) {
      await setImmediate();
      assert.equal(sent.length, number);
      const last = sent.at(-1);
      assert.equal(last && numberOf(last.bytes), number);
      last?.done();
    }
    await setImmediate();
    assert.equal(sent.length, 3);
    rpc.receive(request(4).subarray(7));
    await setImmediate();
    assert.equal(sent.length, 4);
  });

  test("ends on what is no request: no length, too much of it, no PACK", () => {
    const tooLong = Buffer.alloc(4);
    tooLong.writeUInt32BE(shortRequestBytes + 1);
    const noPack = Buffer.from([0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff]);
    for (const bytes of [Buffer.alloc(4), tooLong, noPack, Buffer.alloc(shortRequestBytes + 5)]) {
      const { rpc, sent, ends } = createConnection();
      rpc.receive(bytes);
      assert.deepEqual([ends, sent.length], [{ closed: 1, told: 1 }, 0]);
      rpc.receive(request(1));
      assert.equal(sent.length, 0);
    }
  });

  test("ends when more waits behind a request than another could have", () => {
    const { rpc, ends } = createConnection(() => new Promise<Pack>(() => {}));
    rpc.receive(request(1));
    rpc.receive(Buffer.alloc(shortRequestBytes + 4));
    assert.equal(ends.closed, 0);
    rpc.receive(Buffer.alloc(1));
    assert.equal(ends.closed, 1);
  });

  test("sends nothing to who is gone, and tells of the end once", async () => {
    let answer = (_reply: Pack) => {};
    const { rpc, sent, ends } = createConnection(() => new Promise((resolve) => (answer = resolve)));
    rpc.receive(request(1));
    rpc.closed();
    rpc.closed();
    answer(new Pack());
    await setImmediate();
    assert.deepEqual([sent.length, ends.told], [0, 1]);
  });

  test("answers 23 when a reply is more than the protocol can carry", async () => {
    const tooLong = new Pack().addData("data", Buffer.alloc(packProtocolLimits.valueBytes + 1));
    const { rpc, sent } = createConnection(() => Promise.resolve(tooLong));
    rpc.receive(request(1));
    await setImmediate();
    const [reply] = sent;
    assert.ok(reply);
    assert.equal(decodePack(reply.bytes.subarray(4), packProtocolLimits).int("error"), 23);
  });
});
