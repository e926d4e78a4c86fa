import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, Socket, type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { connectionLimits } from "../../../server/limits.ts";
import { NativeLoader } from "../../../server/native/native.ts";
import { HostSockets } from "../../../server/worker/host-sockets.ts";

/** Fills a connection whose peer reads nothing; bytes that the kernel has taken of it, of both ends. */
async function takenBy(host: HostSockets | undefined): Promise<number> {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = new Socket().on("error", () => {});
  peer.connect((server.address() as AddressInfo).port, "127.0.0.1").pause();
  const [socket] = (await once(server, "connection")) as [Socket];
  socket.on("error", () => {});
  host?.boundUnsent(socket);
  // Bound in a turn of its own, where the library is loaded for it.
  await new Promise(setImmediate);
  const chunk = Buffer.alloc(64 * 1024);
  let waiting = 0;
  for (; waiting < 256; waiting++) socket.write(chunk);
  for (let before = -1; before !== socket.writableLength;) {
    before = socket.writableLength;
    for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
  }
  const taken = waiting * chunk.length - socket.writableLength;
  peer.destroy();
  socket.destroy();
  server.close();
  return taken;
}

describe("what the host knows and does about connections", () => {
  test("the kernel takes no more of one whose peer does not read than the bound, and what the peer takes", async () => {
    const native = new NativeLoader({ env: {}, directory: "/nowhere" });
    await native.get();
    const host = new HostSockets(native);
    const [bound, unbound] = [await takenBy(host), await takenBy(undefined)];
    host.close();
    // What is on its way, to a peer that has announced room for it, and a last piece that is begun.
    const most = connectionLimits.unsentBytes + 768 * 1024;
    assert.ok(bound < most, `${bound} bytes`);
    assert.ok(unbound > 2 * most, `${unbound} bytes`);
  });

  test("is nothing where native calls are out of reach, and for connections that have ended", async () => {
    const without = new HostSockets(
      new NativeLoader({ env: { VPNSERVER_NATIVE: "off" }, directory: "/nowhere" }),
    );
    assert.ok((await takenBy(without)) > 0);
    const native = new NativeLoader({ env: {}, directory: "/nowhere" });
    await native.get();
    for (const host of [without, new HostSockets(native)]) {
      const ended = new Socket();
      assert.equal(host.userOf(ended), undefined);
      host.boundUnsent(ended);
      ended.destroy();
      host.boundUnsent(ended);
      host.close();
    }
  });
});
