import assert from "node:assert/strict";
import {
  ConntrackEntry,
  connectionsRequest,
  readConnections,
} from "../../server/host-nat/conntrack-message.ts";
import type { FuzzTarget } from "../fuzzer.ts";

/** A message of netlink: its length, kind, and what follows. */
function message(kind: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(header.length + body.length, 0);
  header.writeUInt16LE(kind, 4);
  return Buffer.concat([header, body]);
}

/** An attribute, filled up to four bytes. */
function attribute(type: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const whole = Buffer.alloc((4 + value.length + 3) & ~3);
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  value.copy(whole, 4);
  return whole;
}

const bytes = (hex: string) => Buffer.from(hex, "hex");
const nested = 0x8000;
const ipv4 = bytes("02000000");

const connection = (): Buffer =>
  message(
    0x100,
    ipv4,
    attribute(
      nested | 1,
      attribute(nested | 1, attribute(1, bytes("c6120e32")), attribute(2, bytes("cb007150"))),
      attribute(
        nested | 2,
        attribute(1, bytes("06")),
        attribute(2, bytes("c350")),
        attribute(3, bytes("0050")),
      ),
    ),
    attribute(3, bytes("0000000e")),
    attribute(7, bytes("0000003b")),
    attribute(nested | 4, attribute(nested | 1, attribute(1, bytes("05")))),
    attribute(nested | 9, attribute(2, bytes("00000000000000d8"))),
    attribute(nested | 10, attribute(2, bytes("00000000000000a9"))),
    attribute(nested | 20, attribute(1, bytes("18ec29468d022068"))),
  );

export const conntrack: FuzzTarget = {
  about: "the kernel's answer about the connections that it follows (netlink)",
  seeds: () => [
    Buffer.concat([connection(), connection(), message(3, bytes("00000000"))]),
    message(2, bytes("ffffffff"), connectionsRequest()),
    message(3, bytes("f5ffffff")),
  ],
  run: (input) => {
    const entry = new ConntrackEntry();
    let taken = 0;
    // The memory that a piece is read into is longer than the piece: what an earlier one left there is no part of it.
    const memory = Buffer.concat([input, connection()]);
    const read = () =>
      readConnections(
        memory,
        input.length,
        entry,
        () => true,
        () => {
          taken++;
          for (const value of Object.values(entry)) assert.ok(typeof value === "boolean" || value >= 0);
          assert.ok(entry.source <= 0xffff_ffff && entry.destinationPort <= 0xffff && entry.protocol <= 0xff);
        },
      );
    const end = read();
    assert.ok(end === "more" || end === "done" || end.errno > 0);
    assert.ok(taken <= input.length / 16);
    const before = taken;
    taken = 0;
    assert.deepEqual(read(), end, "it depends on nothing but the bytes");
    assert.equal(taken, before);
  },
};
