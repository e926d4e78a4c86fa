import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import {
  ConntrackEntry,
  connectionsRequest,
  readConnections,
} from "../../../server/host-nat/conntrack-message.ts";
import { loadNative } from "../../../server/native/native.ts";
import { PinnedMemory } from "../../../server/native/pinned-memory.ts";
import { SystemCallError } from "../../../server/native/system-call-error.ts";
import {
  controlHeaderBytes,
  Descriptor,
  ioctlArgumentBytes,
  type SystemCalls,
} from "../../../server/native/system-calls.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

let calls: SystemCalls;
before(async () => {
  const native = await loadNative({ env: {}, directory: "/nowhere" });
  assert.ok(native.available, "koffi is among the node modules");
  ({ calls } = native);
});

describe("a system call", () => {
  test("reads and writes what it is told to, and no byte beside", () => {
    const memory = calls.allocate(64);
    memory.bytes.fill(0xee);
    const zero = calls.open("/dev/zero", "readOnly");
    assert.equal(calls.read(zero, memory, 8, 4), 4);
    calls.close(zero);
    const expected = Buffer.alloc(64, 0xee).fill(0, 8, 12);
    assert.deepEqual(Buffer.from(memory.bytes), expected);
    const sink = calls.open("/dev/null", "readWrite");
    assert.equal(calls.write(sink, memory, 0, 64), 64);
    assert.equal(calls.read(sink, memory, 0, 64), 0);
    calls.close(sink);
    memory.release();
  });

  test("gives freed memory back to the system", async () => {
    // What the C library gave out below its threshold for mappings of their own, with something in use between.
    const pieces = Array.from({ length: 4_000 }, () => Buffer.allocUnsafeSlow(32 * 1024).fill(1));
    for (const [index, { buffer }] of pieces.entries()) if (index % 50 !== 0) buffer.transfer(0);
    const before = process.memoryUsage.rss();
    await calls.trimHeap();
    const freed = before - process.memoryUsage.rss();
    assert.ok(freed > 40 * 1024 * 1024, `${freed} bytes`);
  });

  test("that fails says which, of what and why, by the system's name", () => {
    assert.throws(() => calls.open("/no/such/file", "readOnly"), {
      name: "SystemCallError",
      code: "ENOENT",
      syscall: "open",
      message: "ENOENT: open /no/such/file",
    });
    const zero = calls.open("/dev/zero", "readOnly");
    const argument = calls.allocate(ioctlArgumentBytes);
    assert.throws(() => calls.ioctl(zero, 0x400454ca, argument), { code: "ENOTTY" });
    assert.throws(() => calls.write(zero, argument, 0, 1), { code: "EBADF" });
    calls.close(zero);
    argument.release();
    assert.match(new SystemCallError("read", 5000, "it").message, /5000/);
  });

  test("that closes apart has the descriptor closed when it says so, and nobody has it meanwhile", async () => {
    const descriptors = Array.from({ length: 20 }, () => calls.open("/dev/zero", "readOnly"));
    const files = descriptors.map(({ number }) => `/proc/self/fd/${number}`);
    const isZero = (file: string) => {
      try {
        return readlinkSync(file) === "/dev/zero";
      } catch {
        return false;
      }
    };
    assert.ok(files.every(isZero));
    const closings = descriptors.map((descriptor) => calls.closeApart(descriptor));
    for (const descriptor of descriptors)
      assert.throws(() => calls.closeApart(descriptor), /\/dev\/zero is closed/);
    for (const [index, closing] of closings.entries()) {
      await closing;
      assert.ok(!isZero(files[index] as string));
    }
  });

  test("takes no closed descriptor, and closes none twice", () => {
    const zero = calls.open("/dev/zero", "readOnly");
    const memory = calls.allocate(1);
    calls.close(zero);
    assert.throws(() => calls.read(zero, memory, 0, 1), /\/dev\/zero is closed/);
    assert.throws(() => calls.close(zero), /\/dev\/zero is closed/);
    memory.release();
  });

  test("takes no memory that is released, or was never pinned", () => {
    const zero = calls.open("/dev/zero", "readOnly");
    const memory = calls.allocate(16);
    memory.release();
    memory.release();
    assert.throws(() => calls.read(zero, memory, 0, 1), /not pinned memory, or released/);
    const foreign = Object.create(PinnedMemory.prototype, {
      bytes: { value: Buffer.alloc(16) },
    }) as PinnedMemory;
    assert.throws(() => calls.read(zero, foreign, 0, 1), /not pinned memory, or released/);
    calls.close(zero);
  });

  test("allocates what can be, and nothing else", () => {
    for (const bytes of [0, -1, 1.5, NaN, Infinity, 2 ** 40]) {
      assert.throws(() => calls.allocate(bytes), RangeError);
    }
    assert.throws(() => calls.share(new SharedArrayBuffer(8, { maxByteLength: 16 })), TypeError);
    assert.throws(() => calls.share(new ArrayBuffer(8) as never), TypeError);
  });

  test("takes a datagram with where it came from, and tells of one that is longer", async () => {
    const receiver = calls.datagramSocket();
    const address = calls.allocate(16);
    // struct sockaddr_in: family, port, address.
    const [port, host] = [20_000 + (process.pid % 20_000), "127.83.29.1"];
    address.bytes.writeUInt16LE(2, 0);
    address.bytes.writeUInt16BE(port, 2);
    address.bytes.set(host.split(".").map(Number), 4);
    calls.bind(receiver, address, 16);
    const option = calls.allocate(4);
    option.bytes.writeInt32LE(1);
    calls.setOption(receiver, 1, 29, option, 4);
    const sender = createSocket("udp4");
    const send = (text: string) => new Promise((resolve) => sender.send(text, port, host, resolve));
    await send("hello");
    await send("longer than the memory");
    const details = { address: calls.allocate(16), control: calls.allocate(64) };
    const memory = calls.allocate(24);
    memory.bytes.fill(0xee);
    assert.equal(calls.receiveMessage(receiver, memory, 4, 12, details), 5);
    assert.equal(memory.bytes.toString("latin1", 4, 9), "hello");
    assert.equal(details.address.bytes.readUInt16BE(2), sender.address().port);
    // SO_TIMESTAMP brings a control message of SOL_SOCKET.
    assert.equal(details.control.bytes.readUInt32LE(0), controlHeaderBytes + 16);
    assert.equal(details.control.bytes.readUInt32LE(8), 1);
    assert.equal(calls.receiveMessage(receiver, memory, 4, 12, details), 22);
    assert.equal(memory.bytes.toString("latin1", 4, 16), "longer than ");
    assert.ok([...memory.bytes.subarray(0, 4), ...memory.bytes.subarray(16)].every((byte) => byte === 0xee));
    assert.equal(calls.receiveMessage(receiver, memory, 4, 12, details), undefined);
    assert.equal(details.control.bytes.readUInt32LE(0), 0);
    sender.close();
    calls.close(receiver);
    for (const piece of [memory, address, option, details.address, details.control]) piece.release();
  });

  test("takes and sends several datagrams at once, and tells of those that are longer", async () => {
    const receiver = calls.datagramSocket();
    const address = calls.allocate(16);
    const [port, host] = [20_000 + (process.pid % 20_000), "127.83.29.2"];
    address.bytes.writeUInt16LE(2, 0);
    address.bytes.writeUInt16BE(port, 2);
    address.bytes.set(host.split(".").map(Number), 4);
    calls.bind(receiver, address, 16);
    const option = calls.allocate(4);
    option.bytes.writeInt32LE(1);
    calls.setOption(receiver, 1, 29, option, 4);
    const sender = createSocket("udp4");
    await new Promise<void>((resolve) => sender.connect(port, host, resolve));
    const texts = ["one", "longer than the memory", "another", "last"];
    for (const text of texts) await new Promise((resolve) => sender.send(text, resolve));
    const batch = calls.receiveBatch(3, { bytes: 12, addressBytes: 16, controlBytes: 64 });
    batch.bytes.fill(0xee);
    const textAt = (index: number, bytes: number) =>
      batch.bytes.toString("latin1", index * 12, index * 12 + bytes);
    assert.equal(calls.receiveMessages(receiver, batch, 3), 3);
    assert.deepEqual(
      [0, 1, 2].map((index) => batch.lengthOf(index)),
      [3, 22, 7],
    );
    assert.deepEqual([textAt(0, 3), textAt(1, 12), textAt(2, 7)], ["one", "longer than ", "another"]);
    assert.equal(batch.bytes[3], 0xee);
    for (const index of [0, 1, 2]) {
      assert.equal(batch.addresses.readUInt16BE(index * 16 + 2), sender.address().port);
      // SO_TIMESTAMP.
      assert.equal(batch.controls.readUInt32LE(index * 64), controlHeaderBytes + 16);
    }
    assert.equal(calls.receiveMessages(receiver, batch, 2), 1);
    assert.equal(textAt(0, 4), "last");
    assert.equal(batch.controls.readUInt32LE(64), 0);
    assert.equal(calls.receiveMessages(receiver, batch, 3), undefined);

    // A socket that is not connected says so of the first one.
    const lone = calls.datagramSocket();
    const sends = calls.sendBatch(2);
    assert.throws(() => calls.sendMessages(lone, sends, option, [0, 2], [2, 2], 0, 2), {
      code: "EDESTADDRREQ",
      syscall: "sendmmsg",
    });
    sender.close();
    for (const descriptor of [receiver, lone]) calls.close(descriptor);
    for (const piece of [address, option, batch, sends]) piece.release();
    assert.throws(() => calls.receiveMessages(receiver, batch, 1), /not pinned memory, or released/);
  });

  test("asks the kernel for the connections that it follows, which it tells or refuses", () => {
    const socket = calls.netfilterSocket();
    const [memory, address] = [calls.allocate(32 * 1024), calls.allocate(12)];
    // struct sockaddr_nl of the kernel.
    address.bytes.writeUInt16LE(16);
    const request = connectionsRequest();
    request.copy(memory.bytes);
    assert.equal(calls.read(socket, memory, 0, 1_024), undefined);
    assert.equal(calls.sendTo(socket, memory, 0, request.length, address, 12), request.length);
    const length = calls.read(socket, memory, 0, memory.bytes.length) ?? assert.fail("no answer");
    const entry = new ConntrackEntry();
    const end = readConnections(memory.bytes, length, entry, () => false, assert.fail);
    // Who is not root is refused (EPERM), and some kernels cannot tell (EINVAL, EOPNOTSUPP).
    if (typeof end === "object") assert.ok([1, 22, 95].includes(end.errno), `errno ${end.errno}`);
    else assert.match(end, /^(more|done)$/);
    calls.close(socket);
    for (const piece of [memory, address]) piece.release();
  });

  test("tells whether a child has ended, and takes nothing from the runtime that still lives", async () => {
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    assert.equal(calls.reap(child.pid ?? 0), false);
    assert.throws(() => calls.reap(process.ppid), { code: "ECHILD", syscall: "waitpid" });
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [null, "SIGTERM"]);
  });

  test("gets the memory of another thread at the same address", () => {
    const memory = calls.allocate(16);
    const shared = calls.share(memory.bytes.buffer);
    const zero = calls.open("/dev/zero", "readOnly");
    memory.bytes.fill(7);
    assert.equal(calls.read(zero, shared, 0, 8), 8);
    assert.deepEqual([...memory.bytes], [...Array<number>(8).fill(0), ...Array<number>(8).fill(7)]);
    calls.close(zero);
    memory.release();
    shared.release();
  });
});

describe("whatever a system call is given", () => {
  const number = fc.oneof(
    fc.integer({ min: -4, max: 80 }),
    fc.integer(),
    fc.double(),
    fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, -(2 ** 63), NaN),
  );
  // What has no text cannot be named in an error either.
  const anything = fc.oneof(number, fc.anything().filter(hasText));

  test("it names one process, or is an error: any child, or a group of them, is never waited for", () => {
    fc.assert(
      fc.property(anything, (pid) => {
        const isOne = Number.isSafeInteger(pid) && Number(pid) >= 1 && Number(pid) < 2 ** 31;
        assert.throws(() => calls.reap(pid as number), isOne ? { code: "ECHILD" } : RangeError);
      }),
    );
  });

  test("it is in the memory, or an error; nothing beside is touched", () => {
    const zero = calls.open("/dev/zero", "readOnly");
    const sink = calls.open("/dev/null", "readWrite");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), anything, anything, (bytes, offset, length) => {
        // Neighbours that a stray write would hit.
        const [before, memory, after] = [bytes, bytes, bytes].map((size) => calls.allocate(size)) as [
          PinnedMemory,
          PinnedMemory,
          PinnedMemory,
        ];
        for (const { bytes: all } of [before, memory, after]) all.fill(0xee);
        const isWithin =
          Number.isSafeInteger(offset) &&
          Number.isSafeInteger(length) &&
          Number(offset) >= 0 &&
          Number(length) >= 0 &&
          Number(offset) + Number(length) <= bytes;
        const read = () => calls.read(zero, memory, offset as number, length as number);
        const write = () => calls.write(sink, memory, offset as number, length as number);
        if (isWithin) {
          // A zero may have a sign.
          const moved = Number(length) + 0;
          assert.equal(read(), moved);
          assert.equal(write(), moved);
          assert.equal(memory.bytes.filter((byte) => byte === 0).length, moved);
        } else {
          assert.throws(read, Error);
          assert.throws(write, Error);
          assert.ok(memory.bytes.every((byte) => byte === 0xee));
        }
        for (const piece of [before, after]) assert.ok(piece.bytes.every((byte) => byte === 0xee));
        for (const piece of [before, memory, after]) piece.release();
      }),
      { numRuns: 500 },
    );
    calls.close(zero);
    calls.close(sink);
  });

  test("a datagram, an address or an option is in the memory, or an error; nothing beside is touched", () => {
    const socket = calls.datagramSocket();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), anything, anything, (bytes, offset, length) => {
        const [before, memory, control, after] = [bytes, bytes, bytes, bytes].map((size) =>
          calls.allocate(size),
        ) as [PinnedMemory, PinnedMemory, PinnedMemory, PinnedMemory];
        for (const { bytes: all } of [before, memory, control, after]) all.fill(0xee);
        const isWithin =
          Number.isSafeInteger(offset) &&
          Number.isSafeInteger(length) &&
          Number(offset) >= 0 &&
          Number(length) >= 0 &&
          Number(offset) + Number(length) <= bytes &&
          bytes >= controlHeaderBytes;
        const details = { address: memory, control };
        const receive = () =>
          calls.receiveMessage(socket, memory, offset as number, length as number, details);
        if (isWithin) assert.equal(receive(), undefined);
        else assert.throws(receive, Error);
        // A level and a family that do not exist.
        assert.throws(
          () => calls.setOption(socket, 0xfff0, offset as number, memory, length as number),
          Error,
        );
        assert.throws(() => calls.bind(socket, memory, length as number), Error);
        assert.throws(
          () => calls.sendTo(socket, memory, offset as number, length as number, memory, bytes),
          Error,
        );
        for (const piece of [before, memory, after]) assert.ok(piece.bytes.every((byte) => byte === 0xee));
        for (const piece of [before, memory, control, after]) piece.release();
      }),
      { numRuns: 500 },
    );
    calls.close(socket);
  });

  test("several datagrams are in the memory, or an error; nothing beside is touched", () => {
    const socket = calls.datagramSocket();
    const sends = calls.sendBatch(3);
    const lists = fc.array(anything, { maxLength: 5 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        anything,
        lists,
        lists,
        anything,
        anything,
        (bytes, most, offsets, lengths, first, end) => {
          const [before, memory, after] = [bytes, bytes, bytes].map((size) => calls.allocate(size)) as [
            PinnedMemory,
            PinnedMemory,
            PinnedMemory,
          ];
          const batch = calls.receiveBatch(4, { bytes, addressBytes: 16, controlBytes: 32 });
          for (const { bytes: all } of [before, memory, after, batch]) all.fill(0xee);
          const receive = () => calls.receiveMessages(socket, batch, most as number);
          if (Number.isSafeInteger(most) && Number(most) >= 1 && Number(most) <= 4)
            assert.equal(receive(), undefined);
          else assert.throws(receive, RangeError);
          // It is connected to nothing, so that nothing is sent in any case.
          const send = () =>
            calls.sendMessages(
              socket,
              sends,
              memory,
              offsets as number[],
              lengths as number[],
              first as number,
              end as number,
            );
          assert.throws(send, Error);
          for (const piece of [before, memory, after, batch])
            assert.ok(piece.bytes.every((byte) => byte === 0xee));
          for (const piece of [before, memory, after, batch]) piece.release();
        },
      ),
      { numRuns: 500 },
    );
    sends.release();
    calls.close(socket);
  });

  test("a batch has sizes that can be, or is an error", () => {
    const sizes = { bytes: 8, addressBytes: 16, controlBytes: 32 };
    fc.assert(
      fc.property(number, number, (count, size) => {
        const isCount = Number.isSafeInteger(count) && count >= 1 && count <= 1_024;
        const isDetail = Number.isSafeInteger(size) && size >= 16 && size <= 256 && size % 8 === 0;
        for (const [make, isRight] of [
          [() => calls.sendBatch(count), isCount],
          [() => calls.receiveBatch(count, sizes), isCount],
          [() => calls.receiveBatch(2, { ...sizes, addressBytes: size }), isDetail],
          [() => calls.receiveBatch(2, { ...sizes, controlBytes: size }), isDetail],
        ] as const) {
          if (isRight) make().release();
          else assert.throws(make, RangeError);
        }
        for (const bytes of [0, -1, 1.5, NaN, 2 ** 40])
          assert.throws(() => calls.receiveBatch(2, { ...sizes, bytes }), RangeError);
      }),
    );
  });

  test("it is of the right kind, or an error", () => {
    const memory = calls.allocate(ioctlArgumentBytes);
    const batch = calls.receiveBatch(2, { bytes: 8, addressBytes: 16, controlBytes: 32 });
    const sends = calls.sendBatch(2);
    const closed = new Descriptor(-1, "it");
    const details = { address: memory, control: memory };
    const kinds: ((value: never) => unknown)[] = [
      (value) => calls.allocate(value),
      (value) => calls.share(value),
      (value) => calls.open(value, "readOnly"),
      (value) => calls.close(value),
      (value) => calls.closeApart(value),
      (value) => calls.read(value, memory, 0, 1),
      (value) => calls.write(value, memory, 0, 1),
      (value) => calls.read(new Descriptor(-1, "it"), value, 0, 1),
      (value) => calls.ioctl(value, 0x400454ca, memory),
      (value) => calls.ioctl(new Descriptor(-1, "it"), value, memory),
      (value) => calls.ioctl(new Descriptor(-1, "it"), 0x400454ca, value),
      (value) => calls.bind(value, memory, 16),
      (value) => calls.bind(closed, value, 16),
      (value) => calls.setOption(value, 1, 2, memory, 4),
      (value) => calls.setOption(closed, value, 2, memory, 4),
      (value) => calls.setOption(closed, 1, value, memory, 4),
      (value) => calls.setOption(closed, 1, 2, value, 4),
      (value) => calls.sendTo(value, memory, 0, 1, memory, 16),
      (value) => calls.sendTo(closed, value, 0, 1, memory, 16),
      (value) => calls.sendTo(closed, memory, 0, 1, value, 16),
      (value) => calls.sendTo(closed, memory, 0, 1, memory, value),
      (value) => calls.receiveBatch(value, { bytes: 8, addressBytes: 16, controlBytes: 32 }),
      (value) => calls.receiveBatch(2, value),
      (value) => calls.sendBatch(value),
      (value) => calls.receiveMessages(value, batch, 1),
      (value) => calls.receiveMessages(closed, value, 1),
      (value) => calls.receiveMessages(closed, batch, value),
      (value) => calls.sendMessages(value, sends, memory, [0], [1], 0, 1),
      (value) => calls.sendMessages(closed, value, memory, [0], [1], 0, 1),
      (value) => calls.sendMessages(closed, sends, value, [0], [1], 0, 1),
      (value) => calls.sendMessages(closed, sends, memory, value, [1], 0, 1),
      (value) => calls.sendMessages(closed, sends, memory, [0], value, 0, 1),
      (value) => calls.sendMessages(closed, sends, memory, [0], [1], value, 1),
      (value) => calls.sendMessages(closed, sends, memory, [0], [1], 0, value),
      (value) => calls.boundUnsent(value, 1),
      (value) => calls.boundUnsent(1, value),
      (value) => calls.setTapOffloads(value, 0),
      (value) => calls.setTapOffloads(closed, value),
      (value) => calls.receiveMessage(value, memory, 0, 1, details),
      (value) => calls.receiveMessage(closed, value, 0, 1, details),
      (value) => calls.receiveMessage(closed, memory, 0, 1, value),
      (value) => calls.receiveMessage(closed, memory, 0, 1, { address: value, control: memory }),
      (value) => calls.receiveMessage(closed, memory, 0, 1, { address: memory, control: value }),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.anything(), (call, value) => {
        // Sizes that can be allocated, and names that a file may have, are no mistake.
        fc.pre(!Number.isSafeInteger(value) && typeof value !== "string");
        assert.throws(() => call(value as never), Error);
      }),
      { numRuns: 1_000 },
    );
    for (const piece of [memory, batch, sends]) piece.release();
  });

  test("memory outlives the collection of garbage until it is released", () => {
    const zero = calls.open("/dev/zero", "readOnly");
    const zeros = Buffer.alloc(4_096);
    // Few rounds of many: it is the collections that take time.
    for (let round = 0; round < 5; round++) {
      // Nothing here holds them while garbage is collected, and their addresses are still good.
      const buffers = Array.from({ length: 200 }, () => calls.allocate(4_096)).map(
        ({ bytes }) => bytes.buffer,
      );
      collectGarbage();
      const pieces = buffers.map((buffer) => calls.share(buffer));
      for (const piece of pieces) {
        piece.bytes.fill(1);
        assert.equal(calls.read(zero, piece, 0, 4_096), 4_096);
        assert.ok(zeros.equals(piece.bytes));
        piece.release();
      }
    }
    calls.close(zero);
  });
});

function hasText(value: unknown): boolean {
  try {
    void `${value as string}`;
    return true;
  } catch {
    return false;
  }
}
