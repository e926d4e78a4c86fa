import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, Socket, type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { connectionLimits } from "../../../server/limits.ts";
import { NativeLoader, type Native } from "../../../server/native/native.ts";
import { HostSockets } from "../../../server/worker/host-sockets.ts";

const { totalUnsentBytes, leastUnsentBytes, mostUnsentBytes } = connectionLimits;

/** Fills `count` connections whose peers read nothing; bytes of each that the kernel has taken, of both ends. */
async function takenBy(host: HostSockets, count: number): Promise<number[]> {
  const sockets: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) =>
    sockets.push(socket.on("error", () => {})),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const peers = Array.from({ length: count }, () => new Socket().on("error", () => {}));
  for (const peer of peers) peer.connect(port, "127.0.0.1").pause();
  while (sockets.length < count) await once(server, "connection");
  for (const socket of sockets) host.boundUnsent(socket);
  const chunk = Buffer.alloc(64 * 1024);
  const chunks = 256;
  const taken = () => sockets.map(({ writableLength }) => chunks * chunk.length - writableLength);
  for (const socket of sockets) for (let index = 0; index < chunks; index++) socket.write(chunk);
  for (let before = ""; before !== taken().join();) {
    before = taken().join();
    for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
  }
  const result = taken();
  for (const socket of [...peers, ...sockets]) socket.destroy();
  server.close();
  await once(server, "close");
  return result;
}

/** Remembers what it was told of each descriptor. */
function createFakeHost() {
  const bounds = new Map<number, number>();
  let calls = 0;
  const boundUnsent = (descriptor: number, bytes: number) => {
    calls++;
    bounds.set(descriptor, bytes);
  };
  const loaded = { available: true, library: "", calls: { boundUnsent } } as unknown as Native;
  const native = { loaded, get: () => Promise.resolve(loaded) } as unknown as NativeLoader;
  return { host: new HostSockets(native), bounds, calls: () => calls };
}

const socketOf = (fd: number) => Object.assign(new Socket(), { _handle: { fd } }) as Socket;

describe("what the kernel holds of connections that their peers do not read", () => {
  test("is no more than their shares, and what the peers take", async () => {
    const native = new NativeLoader({ env: {}, directory: "/nowhere" });
    await native.get();
    const off = new NativeLoader({ env: { VPNSERVER_NATIVE: "off" }, directory: "/nowhere" });
    const count = 40;
    const bound = Math.max(...(await takenBy(new HostSockets(native), count)));
    const unbound = Math.min(...(await takenBy(new HostSockets(off), count)));
    // What is on its way, to a peer that has announced room for it, and a last piece that is begun.
    const most = totalUnsentBytes / count + 768 * 1024;
    assert.ok(bound < most, `${bound} bytes`);
    assert.ok(unbound > most, `${unbound} bytes`);
  });

  test("is shared in equal parts, within bounds", () => {
    const { host, bounds } = createFakeHost();
    const sockets: Socket[] = [];
    for (let count = 1; count <= 2_000; count++) {
      sockets.push(socketOf(count));
      host.boundUnsent(sockets[count - 1] ?? assert.fail());
      const [each = 0, ...others] = new Set(bounds.values());
      assert.deepEqual(others, [], "all have the same");
      assert.ok(each <= mostUnsentBytes && each >= leastUnsentBytes, `${each} of ${count}`);
      assert.ok(each === leastUnsentBytes || each * count <= totalUnsentBytes, `${each} of ${count}`);
    }
    assert.equal(bounds.size, 2_000);
    for (const socket of sockets.slice(4)) socket.emit("close");
    for (const fd of [1, 2, 3, 4]) assert.ok((bounds.get(fd) ?? 0) > mostUnsentBytes / 4);
  });

  test("is not set anew for all by somebody who comes and goes", () => {
    const { host, calls } = createFakeHost();
    for (let fd = 1; fd <= 100; fd++) host.boundUnsent(socketOf(fd));
    for (let round = 0; round < 1_000; round++) {
      const passing = Array.from({ length: 20 }, (_, index) => socketOf(200 + index));
      for (const each of passing) host.boundUnsent(each);
      for (const each of passing) each.emit("close");
    }
    assert.ok(calls() < 20 * 1_000 + 1_000, `${calls()} calls`);
  });

  test("is as the kernel has it where native calls are out of reach, and for connections that have ended", () => {
    const off = new NativeLoader({ env: { VPNSERVER_NATIVE: "off" }, directory: "/nowhere" });
    const { host, calls } = createFakeHost();
    for (const each of [new HostSockets(off), host]) {
      const ended = new Socket();
      assert.equal(each.userOf(ended), undefined);
      each.boundUnsent(ended);
      ended.destroy();
      each.boundUnsent(ended);
      each.close();
    }
    assert.equal(calls(), 0);
  });
});
