import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import { NativeLoader } from "../../../server/native/native.ts";
import { HostNetwork } from "../../../server/outside/host-network.ts";
import { SocketPool } from "../../../server/outside/socket-pool.ts";
import type { OutsideTcp } from "../../../server/secure-nat/outside.ts";

const native = new NativeLoader({ env: { VPNSERVER_NATIVE: "off" }, directory: "/nowhere" });
const loopback = 0x7f00_0001;
let echo: Server;
let port: number;
/** How connections end at the server: what it got, and what became of them. */
const ends: string[] = [];
before(async () => {
  echo = createServer((socket) => {
    let got = "";
    socket.on("data", (bytes) => (got += bytes.toString("latin1")));
    socket.on("error", (error: NodeJS.ErrnoException) => ends.push(`${got} ${error.code}`));
    socket.on("end", () => ends.push(`${got} whole`));
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
  ({ port } = echo.address() as AddressInfo);
});
after(() => echo.close());
/** Of the test that runs. */
const opened: OutsideTcp[] = [];
afterEach(() => {
  for (const connection of opened.splice(0)) connection.destroy();
});

/** Connects, and tells how that ended. */
function connect(network: HostNetwork): Promise<{ readonly end: string; readonly connection: OutsideTcp }> {
  return new Promise((resolve) => {
    const connection = network.connectTcp(loopback, port, {
      connected: () => resolve({ end: "connected", connection }),
      data: () => {},
      ended: () => {},
      failed: (error) => resolve({ end: (error as NodeJS.ErrnoException).code ?? "?", connection }),
    });
    opened.push(connection);
  });
}

describe("the host's network", () => {
  test("has no more sockets than it may, and gives back those that are closed", async () => {
    const network = new HostNetwork(new SocketPool(2).share(), native);
    const [one, other] = [await connect(network), await connect(network)];
    assert.deepEqual(
      [one.end, other.end, (await connect(network)).end],
      ["connected", "connected", "EMFILE"],
    );
    const failed = await new Promise<Error>((resolve) => {
      network.openUdp(4, { message: () => {}, unreachable: assert.fail, failed: resolve });
    });
    assert.equal((failed as NodeJS.ErrnoException).code, "EMFILE");
    one.connection.destroy();
    const deadline = Date.now() + 10_000;
    let again = await connect(network);
    while (again.end !== "connected" && Date.now() < deadline) {
      await new Promise(setImmediate);
      again = await connect(network);
    }
    assert.equal(again.end, "connected");
    for (const { connection } of [other, again]) connection.destroy();
  });

  test("counts questions to resolvers among its sockets, and has no answer where there is no room", async () => {
    const network = new HostNetwork(new SocketPool(1).share(), native);
    const query = Buffer.alloc(12);
    const giveUp = network.queryDns(query, () => assert.fail("it was given up"));
    const answer = await new Promise((resolve) => network.queryDns(query, resolve));
    assert.deepEqual([answer, (await connect(network)).end], [undefined, "EMFILE"]);
    giveUp();
    giveUp();
    const { end, connection } = await connect(network);
    connection.destroy();
    assert.equal(end, "connected");
  });

  test("leaves the question of a hub unanswered whose place another gets", async () => {
    const pool = new SocketPool(2);
    const [asking, other] = [new HostNetwork(pool.share(), native), new HostNetwork(pool.share(), native)];
    const query = Buffer.alloc(12);
    const answers: unknown[] = [];
    const stop = [0, 1].map(() => asking.queryDns(query, (answer) => answers.push(answer)));
    const { end, connection } = await connect(other);
    connection.destroy();
    for (const each of stop) each();
    assert.deepEqual([end, answers], ["connected", [undefined]]);
  });

  test("closes the socket of a hub that has more for one that has fewer, and tells so", async () => {
    const pool = new SocketPool(3);
    const [greedy, other] = [new HostNetwork(pool.share(), native), new HostNetwork(pool.share(), native)];
    const lost: string[] = [];
    const losing = (name: string) => ({
      connected: () => {},
      data: () => {},
      ended: () => {},
      message: () => {},
      unreachable: () => {},
      failed: (error: Error) => void lost.push(`${name} ${(error as NodeJS.ErrnoException).code}`),
    });
    greedy.openUdp(4, losing("udp"));
    let kept: OutsideTcp | undefined;
    await new Promise<void>((resolve) => {
      kept = greedy.connectTcp(loopback, port, { ...losing("tcp"), connected: resolve });
    });
    const used = greedy.openUdp(4, losing("used"));
    const { end, connection } = await connect(other);
    assert.deepEqual([end, lost], ["connected", ["udp EMFILE"]]);
    assert.equal((await connect(other)).end, "EMFILE", "it would have as many as the other then");
    used.close();
    const again = await connect(other);
    assert.equal(again.end, "connected", "there is room again");
    for (const each of [connection, again.connection, kept]) each?.destroy();
    assert.deepEqual(lost, ["udp EMFILE"]);
  });

  test("lets the other end take nothing that was broken off for all", async () => {
    const network = new HostNetwork(new SocketPool(2).share(), native);
    for (const [what, saysAll, end] of [
      ["half", false, "ECONNRESET"],
      ["all", true, "whole"],
    ] as const) {
      const { connection } = await connect(network);
      await new Promise<void>((resolve) => connection.write(Buffer.from(what), resolve));
      if (saysAll) connection.end();
      connection.destroy();
      await until(() => ends.some((line) => line.startsWith(what)));
      assert.ok(ends.includes(`${what} ${end}`), ends.join());
    }
  });

  test("breaks off the connection of a hub whose place another gets", async () => {
    const pool = new SocketPool(2);
    const [greedy, other] = [new HostNetwork(pool.share(), native), new HostNetwork(pool.share(), native)];
    for (const [what, { connection }] of [
      ["greedy", await connect(greedy)],
      ["later", await connect(greedy)],
    ] as const)
      await new Promise<void>((resolve) => connection.write(Buffer.from(what), resolve));
    assert.equal((await connect(other)).end, "connected");
    await until(() => ends.some((line) => line.startsWith("greedy")));
    assert.ok(ends.includes("greedy ECONNRESET"), ends.join());
  });

  test("tells of what is sent where it has no way, as soon as it knows", async () => {
    const network = new HostNetwork(new SocketPool(1).share(), native);
    const broadcast = 0xffff_ffff;
    const told = await new Promise((resolve) => {
      const socket = network.openUdp(4, {
        message: () => assert.fail(),
        failed: resolve,
        unreachable: (address, to) => {
          socket.close();
          resolve([address, to]);
        },
      });
      // Nobody is to be asked: the system refuses this to a socket that has not said that it means it.
      socket.send(Buffer.from("x"), broadcast, 9);
    });
    assert.deepEqual(told, [broadcast, 9]);
  });

  test("tells nothing of a connection that was given up", async () => {
    const network = new HostNetwork(new SocketPool(0).share(), native);
    const told: string[] = [];
    const events = {
      connected: () => void told.push("connected"),
      data: () => {},
      ended: () => {},
      failed: () => void told.push("failed"),
      message: () => {},
      unreachable: () => {},
    };
    network.connectTcp(loopback, port, events).destroy();
    network.openUdp(4, events).close();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.deepEqual(told, []);
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !condition();) {
    assert.ok(Date.now() < deadline, "within 10 s");
    await new Promise(setImmediate);
  }
}
