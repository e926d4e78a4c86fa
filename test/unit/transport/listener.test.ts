import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server } from "node:net";
import { describe, test } from "node:test";
import { listenRetryMs } from "../../../server/limits.ts";
import type { ListenerStatus } from "../../../server/contract/listener-status.ts";
import { anyAddress } from "../../../server/settings/server-access.ts";
import { Listener, type ListenerOptions, type Schedule } from "../../../server/transport/listener.ts";
import { dialTcp, silent, until } from "./loopback.ts";

/** A schedule whose time passes when the test says so. */
class Timers {
  readonly pending: { callback: () => void; delayMs: number }[] = [];
  readonly schedule: Schedule = (callback, delayMs) => {
    const entry = { callback, delayMs };
    this.pending.push(entry);
    return () => this.pending.splice(this.pending.indexOf(entry), 1);
  };

  fire(): void {
    this.pending.shift()?.callback();
  }
}

function create(options: Partial<ListenerOptions> = {}) {
  const timers = new Timers();
  const changes: ListenerStatus[] = [];
  const lines: string[] = [];
  const listener: Listener = new Listener({
    port: 0,
    enabled: true,
    addresses: ["127.0.0.1"],
    accept: (socket) => socket.end("here"),
    onChange: () => changes.push(listener.status),
    log: { ...silent, info: (line) => lines.push(line), warn: (line) => lines.push(line) },
    schedule: timers.schedule,
    ...options,
  });
  return { listener, timers, changes, lines };
}

async function occupyPort(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}
const release = (server: Server) => new Promise((resolve) => server.close(resolve));

describe("listener", () => {
  test("serves on its port and frees it", async () => {
    const { listener, changes } = create();
    await listener.start();
    const { port, state } = listener.status;
    assert.equal(state, "Listening");
    await (await dialTcp(port)).gets(/here/);
    await listener.close();
    assert.equal(listener.status.state, "Stopped");
    await assert.rejects(dialTcp(port), { code: "ECONNREFUSED" });
    assert.deepEqual(
      changes.map((change) => change.state),
      ["Listening", "Stopped"],
    );
  });

  test("stays stopped when it is not enabled", async () => {
    const { listener, timers } = create({ enabled: false, port: 5555 });
    await listener.start();
    assert.deepEqual(listener.status, { address: "127.0.0.1", port: 5555, state: "Stopped" });
    assert.equal(timers.pending.length, 0);
  });

  test("shows a port in use as Error with the way out, tries again every 2 s and recovers once it is free", async () => {
    const { server, port } = await occupyPort();
    const { listener, timers, changes, lines } = create({ port });
    await listener.start();
    assert.equal(listener.status.state, "Error");
    assert.match(listener.status.reason ?? "", /^EADDRINUSE: another program uses TCP port \d+; .*ss -ltnp/);
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.equal(timers.pending[0]?.delayMs, listenRetryMs);
      timers.fire();
      await until("the next attempt to fail", () => timers.pending.length === 1);
    }
    await release(server);
    timers.fire();
    await until("the listener to recover", () => listener.status.state === "Listening");
    assert.deepEqual(listener.status, { address: "127.0.0.1", port, state: "Listening" });
    assert.deepEqual(
      changes.map((change) => change.state),
      ["Error", "Listening"],
      "a failure that repeats is no change",
    );
    assert.equal(lines.length, 2);
    await listener.close();
  });

  test("does not try again after it was closed", async () => {
    const { server, port } = await occupyPort();
    const { listener, timers } = create({ port });
    await listener.start();
    await listener.close();
    assert.equal(timers.pending.length, 0);
    assert.equal(listener.status.state, "Stopped");
    await release(server);
  });

  test("frees the port again when it is closed during an attempt", async () => {
    const { server, port } = await occupyPort();
    await release(server);
    const { listener } = create({ port });
    const started = listener.start();
    await listener.close();
    await started;
    assert.equal(listener.status.state, "Stopped");
    await assert.rejects(dialTcp(port), { code: "ECONNREFUSED" });
  });

  test("takes the next address when the host does not have the first", async () => {
    const { listener } = create({ addresses: ["2001:db8::1", "127.0.0.1"] });
    await listener.start();
    await (await dialTcp(listener.status.port)).gets(/here/);
    await listener.close();
  });

  test("says so when the host has none of its addresses", async () => {
    const { listener } = create({ addresses: ["192.0.2.1"], port: 5555 });
    await listener.start();
    assert.match(listener.status.reason ?? "", /^EADDRNOTAVAIL: .* 192\.0\.2\.1; .*ListenIP/);
    assert.equal(listener.status.address, "192.0.2.1");
    await listener.close();
  });

  test("takes IPv4 connections on any address", async () => {
    const { listener } = create({ addresses: anyAddress });
    await listener.start();
    await (await dialTcp(listener.status.port)).gets(/here/);
    assert.equal(listener.status.address, undefined);
    await listener.close();
  });

  test("listens on the one address that it is given, and nowhere else", async () => {
    const { listener } = create({ addresses: ["127.0.0.2"] });
    await listener.start();
    const { port } = listener.status;
    assert.deepEqual(listener.status, { address: "127.0.0.2", port, state: "Listening" });
    await assert.rejects(dialTcp(port), { code: "ECONNREFUSED" });
    await listener.close();
  });
});
