import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatIpv4 } from "../../../server/ethernet/word-address.ts";
import {
  ConntrackEntry,
  connectionsRequest,
  readConnections,
} from "../../../server/host-nat/conntrack-message.ts";

/**
 * What Linux 6.18 answered to the request, with nf_conntrack_acct and nf_conntrack_timestamp on: a ping, and a connection of TCP that its
 * other end has closed.
 */
export const answer = Buffer.from(
  "fc00000000012200000000006b740000020000003c0001801400018008000100c6120e3208000200cb0071502400028005000100010000000600040074770000" +
    "050005000800000005000600000000003c0002801400018008000100cb00715008000200c6120e3224000280050001000100000006000400747700000500" +
    "0500000000000500060000000000080003000000000a080008000000000008000c00050e2db808000b0000000001080007000000001d1c0009800c000100" +
    "00000000000000010c00020000000000000000541c000a800c00010000000000000000010c00020000000000000000541000148" +
    "00c00010018ec29468dbbe51f" +
    "1c01000000012200000000006b74000002000000340001801400018008000100c6120e3208000200cb0071501c0002800500010006000000060002" +
    "00c35000000600030000500000340002801400018008000100cb00715008000200c6120e321c0002800500010006000000060002000050000006000300c35000" +
    "00080003000000000e080008000000000008000c003cf04c2708000b0000000001080007000000003b300004802c0001800500010005000000050002000a0000" +
    "00050003000a000000060004002300000006000500270000001c0009800c00010000000000000000040c00020000000000000000d81c000a800c00010000000000" +
    "000000030c00020000000000000000a9100014800c00010018ec29468d022068",
  "hex",
);
const done = Buffer.from("1400000003000200000000006b74000000000000", "hex");

function read(bytes: Buffer, isWanted: (source: number) => boolean = () => true) {
  const entry = new ConntrackEntry();
  const entries: ConntrackEntry[] = [];
  const end = readConnections(bytes, bytes.length, entry, isWanted, () => {
    entries.push(Object.assign(new ConntrackEntry(), entry));
  });
  return { end, entries };
}

describe("the kernel's connections", () => {
  test("are asked for as IPv4 alone", () => {
    assert.equal(connectionsRequest().toString("hex"), "1400000001010103000000000000000002000000");
  });

  test("are read as the kernel tells them", () => {
    const { end, entries } = read(Buffer.concat([answer, done]));
    assert.equal(end, "done");
    const common = { source: 0xc612_0e32, destination: 0xcb00_7150 };
    assert.deepEqual(
      entries.map((entry) => ({ ...entry })),
      [
        {
          ...common,
          ...{
            protocol: 1,
            sourcePort: 0,
            destinationPort: 0,
            state: 0,
            isAssured: false,
            timeoutSeconds: 29,
          },
          ...{ sent: 84, received: 84, startedAt: 1_795_855_734_416 },
        },
        {
          ...common,
          ...{ protocol: 6, sourcePort: 50_000, destinationPort: 80, state: 5, isAssured: true },
          ...{ timeoutSeconds: 59, sent: 216, received: 169, startedAt: 1_795_855_734_404 },
        },
      ],
    );
  });

  test("are left out where nobody wants them", () => {
    const asked: string[] = [];
    const { entries } = read(answer, (source) => {
      asked.push(formatIpv4(source));
      return false;
    });
    assert.deepEqual([asked, entries], [["198.18.14.50", "198.18.14.50"], []]);
  });

  test("end with the kernel's reason where it has one", () => {
    const error = Buffer.from(done);
    error.writeUInt16LE(2, 4);
    error.writeInt32LE(-1, 16);
    assert.deepEqual(read(error).end, { errno: 1 });
    const failed = Buffer.from(done);
    failed.writeInt32LE(-11, 16);
    assert.deepEqual(read(failed).end, { errno: 11 });
    assert.equal(read(answer).end, "more");
  });

  test("are no fault of ours however damaged", () => {
    for (let length = 0; length <= answer.length; length++) {
      const { entries } = read(answer.subarray(0, length));
      assert.equal(entries.length, length < 252 ? 0 : length < answer.length ? 1 : 2);
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(answer.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
        (changes) => {
          const damaged = Buffer.from(answer);
          for (const [at, value] of changes) damaged[at] = value;
          for (const entry of read(damaged).entries) {
            assert.ok(
              Object.values(entry).every((each) => typeof each === "boolean" || Number.isFinite(each)),
            );
          }
        },
      ),
      { numRuns: 2_000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void read(Buffer.from(bytes))));
  });
});
