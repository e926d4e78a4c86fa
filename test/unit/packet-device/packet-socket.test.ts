import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { describe, test } from "node:test";
import { transportChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { packetDeviceLimits } from "../../../server/limits.ts";
import { PacketSocket } from "../../../server/packet-device/packet-socket.ts";
import { unfinishedHeaderBytes } from "../../../server/packet-device/unfinished-frame.ts";
import { block } from "../hub/hub-fixture.ts";
import { FakeSystemCalls } from "./fake-system-calls.ts";

function opened() {
  const kernel = new FakeSystemCalls();
  const received: number[] = [];
  const lost: string[] = [];
  const socket = PacketSocket.open(
    kernel.calls,
    "eth1",
    {
      receive: (_buffer, start, end) => received.push(end - start),
      lost: ({ message }) => lost.push(message),
    },
    { promiscuous: true },
  );
  /** Sends in one turn, and gives the lengths of what went to the kernel in each call. */
  const send = async (...frames: Buffer[]) => {
    const blocks = Buffer.concat(frames.map((frame) => block(frame)));
    socket.send(blocks, 0, blocks.length);
    await turn();
    return kernel.sends.splice(0);
  };
  return { kernel, socket, send, received, lost };
}

/** IPv6, which has no checksum of its own. */
function frameOf(protocol: "tcp" | "udp", sequence = 0): Buffer {
  const headerBytes = protocol === "tcp" ? 20 : 8;
  const frame = Buffer.alloc(54 + headerBytes + 100, 1);
  frame.writeUInt16BE(0x86dd, 12);
  frame.writeUInt16BE(headerBytes + 100, 18);
  frame[20] = protocol === "tcp" ? 6 : 17;
  const checksumAt = protocol === "tcp" ? 70 : 60;
  if (protocol === "tcp") {
    frame.writeUInt32BE(sequence, 58);
    frame.set([0x50, 0x10], 66);
  } else frame.writeUInt16BE(headerBytes + 100, 58);
  frame.writeUInt16BE(0, checksumAt);
  frame.writeUInt16BE(transportChecksum(frame, 22, 32, frame[20], 54, frame.length), checksumAt);
  return frame;
}

const [tcp, moreTcp, udp] = [frameOf("tcp", 0), frameOf("tcp", 100), frameOf("udp")];
const [tcpBytes, udpBytes] = [tcp, udp].map(({ length }) => unfinishedHeaderBytes + length) as [
  number,
  number,
];
const other = Buffer.alloc(60);
const otherBytes = unfinishedHeaderBytes + other.length;

describe("a packet socket", () => {
  test("sends what comes in one turn in one call, merged", async () => {
    const { send, socket } = opened();
    assert.deepEqual(await send(other, tcp, moreTcp, udp, udp), [
      [otherBytes, tcpBytes + 100, udpBytes + 100],
    ]);
    assert.equal(socket.dropped, 0);
  });

  test("goes on behind a frame that the kernel does not take, and counts it", async () => {
    const { kernel, socket, send } = opened();
    const others = Array.from({ length: 5 }, () => other);
    kernel.outcomes.push(1, "EMSGSIZE", "EAGAIN", 2);
    const sends = await send(...others);
    assert.deepEqual(
      sends.map(({ length }) => length),
      [5, 4, 3, 2],
    );
    assert.equal(socket.dropped, 2);
  });

  test("merges less where the kernel refuses it: no datagrams at first, then nothing", async () => {
    const { kernel, socket, send } = opened();
    kernel.outcomes.push("EINVAL");
    await send(udp, udp);
    assert.equal(socket.dropped, 2);
    assert.deepEqual(await send(udp, udp, tcp, moreTcp), [[udpBytes, udpBytes, tcpBytes + 100]]);
    kernel.outcomes.push("EINVAL");
    await send(tcp, moreTcp);
    assert.deepEqual(await send(udp, udp, tcp, moreTcp), [[udpBytes, udpBytes, tcpBytes, tcpBytes]]);
  });

  test("does not merge what is longer than the MTU, which it asks for again and again", async () => {
    const { kernel, send } = opened();
    kernel.mtu = udp.length - 14 - 1;
    let count = 0;
    while ((await send(udp, udp))[0]?.length === 1) count++;
    assert.equal(count, 1_024);
    assert.equal(kernel.mtuQuestions, 2);
  });

  test("reads about one batch in a turn, fewer frames at once where they are long", () => {
    const { kernel, received } = opened();
    const small = Buffer.alloc(70);
    kernel.waiting.push(...Array.from({ length: packetDeviceLimits.batchFrames + 40 }, () => small));
    kernel.readable();
    assert.equal(kernel.waiting.length, 40);
    assert.deepEqual(new Set(kernel.asked.splice(0)), new Set([packetDeviceLimits.readAtOnce]));
    kernel.readable();
    assert.equal(kernel.waiting.length, 0);
    assert.equal(received.length, 2);
    kernel.asked.length = 0;
    // Of a kind that is dropped.
    kernel.waiting.push(...Array.from({ length: 40 }, () => Buffer.alloc(60_000, 9)));
    kernel.readable();
    kernel.readable();
    assert.deepEqual(kernel.asked, [packetDeviceLimits.readAtOnce, 1, 1]);
  });

  test("lets go of everything once, and sends before what it was given", async () => {
    const { kernel, socket, send } = opened();
    const blocks = block(other);
    socket.send(blocks, 0, blocks.length);
    void socket.close();
    void socket.close();
    assert.deepEqual(kernel.sends.splice(0), [[otherBytes]]);
    assert.deepEqual(
      kernel.closed.filter((name) => name === "packets"),
      ["packets"],
    );
    assert.deepEqual(await send(other), []);
    assert.ok(["batch", "headers"].every((name) => kernel.released.includes(name)));
  });
});
