import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { tcpFlags } from "../../../server/ethernet/frame.ts";
import { TcpConnection, type TcpEnd } from "../../../server/tcp/tcp-connection.ts";
import { incoming, SimplePeer, type Packet } from "./simple-peer.ts";

/** What becomes of packets on their way; shares of all of them. */
interface Link {
  readonly lost: number;
  readonly doubled: number;
  readonly delayed: number;
}

interface Transfer extends Link {
  readonly seed: number;
  readonly up: number;
  readonly down: number;
  readonly sequences: readonly [number, number];
  /** Bytes that the reader of this end takes in a millisecond. */
  readonly reads: number;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function bytesOf(length: number, seed: number): Buffer {
  const random = randomOf(seed);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = random() * 256;
  return bytes;
}

const travelMs = 5;
/**
 * Times that the link loses the same thing. A try fails when the segment or its acknowledgement is lost, at a quarter of all packets
 * seven times in sixteen: without this bound all tries fail now and then, and to give up is right.
 */
const mostLosses = 4;

/** The bytes that a packet carries, or what it acknowledges if it carries none: what its sender has to get through. */
function subjectOf({ sequence, acknowledgment, flags, payload }: Packet): string {
  const isData = payload.length > 0 || (flags & (tcpFlags.syn | tcpFlags.fin)) !== 0;
  return isData ? `bytes ${sequence}` : `acknowledgement ${acknowledgment}`;
}

/** Both ends send what they have and close, over a link with a clock that the test moves. */
function run(transfer: Transfer) {
  const random = randomOf(transfer.seed);
  const [up, down] = [bytesOf(transfer.up, 1), bytesOf(transfer.down, 2)];
  let now = 0;
  const onTheWay: { readonly at: number; readonly deliver: () => void }[] = [];
  const losses = new Map<string, number>();
  const carry = (from: string, packet: Packet, deliver: () => void) => {
    const subject = `${from} ${subjectOf(packet)}`;
    const lost = losses.get(subject) ?? 0;
    if (random() < transfer.lost && lost < mostLosses) {
      losses.set(subject, lost + 1);
      return;
    }
    const copies = random() < transfer.doubled ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const late = random() < transfer.delayed ? random() * 40 : 0;
      onTheWay.push({ at: now + travelMs + late, deliver });
    }
  };
  let connection: TcpConnection | undefined;
  let end: TcpEnd | undefined;
  const received: Buffer[] = [];
  let unread = 0;
  let packets = 0;

  const peer: SimplePeer = new SimplePeer(up, transfer.sequences[0], (sent) =>
    carry("peer", sent, () => {
      const segment = incoming(sent);
      if (connection === undefined) {
        if (!segment.has("syn")) return;
        connection = new TcpConnection(segment, {
          now: () => now,
          initialSequence: transfer.sequences[1],
          mss: 900,
          send: (header, queue, position, bytes) => {
            packets++;
            const payload = Buffer.alloc(bytes);
            if (bytes > 0) queue.copy(position, bytes, payload, 0);
            const sent: Packet = { ...header, payload };
            carry("connection", sent, () => peer.receive(sent, now));
          },
          events: {
            data: (buffer, start, end) => {
              received.push(Buffer.from(buffer.subarray(start, end)));
              unread += end - start;
            },
            ended: () => {},
            acknowledged: () => {},
            closed: (reason) => (end = reason),
          },
        });
        connection.accept();
        for (let at = 0; at < down.length; at += 7_000) connection.write(down.subarray(at, at + 7_000));
        connection.end();
      } else {
        connection.receive(segment);
      }
      connection.flush();
    }),
  );

  const isDone = () => peer.isDone && (end !== undefined || connection?.state === "time-wait");
  for (; now < 600_000 && !isDone() && !peer.wasReset && end !== "timeout"; now++) {
    peer.poll(now);
    onTheWay.sort((one, other) => one.at - other.at);
    while ((onTheWay[0]?.at ?? Infinity) <= now) onTheWay.shift()?.deliver();
    if (connection !== undefined && connection.deadline <= now) connection.timeout();
    const read = Math.min(unread, transfer.reads);
    if (read > 0) {
      unread -= read;
      connection?.consumed(read);
      connection?.flush();
    }
  }
  return {
    up,
    down,
    received: Buffer.concat(received),
    got: Buffer.concat(peer.received),
    now,
    end,
    peer,
    packets,
  };
}

const arbitrary = fc.record<Transfer>({
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  up: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60_000 })),
  down: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60_000 })),
  sequences: fc.tuple(
    fc.oneof(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 2 ** 32 - 40_000, max: 2 ** 32 - 1 }),
    ),
    fc.oneof(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 2 ** 32 - 40_000, max: 2 ** 32 - 1 }),
    ),
  ),
  lost: fc.constantFrom(0, 0.01, 0.1, 0.25),
  doubled: fc.constantFrom(0, 0.1),
  delayed: fc.constantFrom(0, 0.1, 0.5),
  reads: fc.constantFrom(100, 5_000, 1_000_000),
});

/** Every byte arrived once and in order, and both ends know. */
function assertDelivered(transfer: Transfer): void {
  const { up, down, received, got, peer, end } = run(transfer);
  assert.deepEqual({ end: end ?? "done", wasPeerReset: peer.wasReset }, { end: "done", wasPeerReset: false });
  assert.ok(received.equals(up), `${received.length} of ${up.length} bytes came in`);
  assert.ok(got.equals(down), `${got.length} of ${down.length} bytes went out`);
  assert.ok(peer.isDone);
}

describe("a TCP connection", () => {
  test("delivers every byte once and in order, whatever the link does to its packets", () => {
    fc.assert(fc.property(arbitrary, assertDelivered), { numRuns: 100 });
  });

  test("outlasts a link that loses the same bytes and their acknowledgement again and again", () => {
    assertDelivered({
      seed: 4_244_354_449,
      up: 0,
      down: 9_901,
      sequences: [2 ** 32 - 40_000, 2 ** 32 - 40_000],
      lost: 0.25,
      doubled: 0,
      delayed: 0.5,
      reads: 100,
    });
  });
});
