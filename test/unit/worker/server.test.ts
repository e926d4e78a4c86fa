import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { ServerOptions } from "../../../server/worker/environment.ts";
import { createHubSettings } from "../../../server/config/sections/hub-config.ts";
import { openTcp, probeListener } from "../../../server/client/probe.ts";
import type { ListenerStatus } from "../../../server/contract/listener-status.ts";
import { createLocalBridge } from "../../../server/settings/local-bridge-settings.ts";
import type { ServerSettings } from "../../../server/settings/server-settings.ts";
import { startServerIn } from "./running-server.ts";

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), "server-"))));
afterEach(() => rm(directory, { recursive: true }));

const start = (listeners: ServerSettings["listeners"], more: Partial<ServerOptions> = {}) =>
  startServerIn(directory, (settings) => ({ ...settings, hubs: [], listeners }), more);

describe("server", () => {
  test("serves the same certificate on every listener, and tells their states", async () => {
    const changes: (readonly ListenerStatus[])[] = [];
    const server = await start(
      [
        { port: 0, enabled: true },
        { port: 0, enabled: true },
        { port: 5555, enabled: false },
      ],
      { onListenersChanged: (listeners) => changes.push(listeners) },
    );
    const statuses = server.listeners();
    assert.deepEqual(
      statuses.map(({ state }) => state),
      ["Listening", "Listening", "Stopped"],
    );
    for (const { port } of statuses.slice(0, 2)) {
      const result = await probeListener(() => openTcp("127.0.0.1", port, 1_000), { timeoutMs: 5_000 });
      assert.equal(result.certificateFingerprint, server.identity.current.fingerprint);
    }
    assert.deepEqual(changes.at(-1), statuses);
    await server.close();
  });

  test("keeps its certificate from one start to the next", async () => {
    const first = await start([]);
    await first.close();
    const second = await start([]);
    await second.close();
    assert.equal(second.identity.current.fingerprint, first.identity.current.fingerprint);
  });

  test("serves on the other listeners when one port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const server = await start([
      { port, enabled: true },
      { port: 0, enabled: true },
    ]);
    const [taken, free] = server.listeners();
    assert.equal(taken?.state, "Error");
    assert.match(taken.reason ?? "", /^EADDRINUSE/);
    assert.equal(free?.state, "Listening");
    await server.close();
    other.close();
  });

  test("serves without the local bridges that it cannot have, and tells why", async () => {
    const hub = createHubSettings("HUB");
    const server = await startServerIn(directory, (settings) => ({
      ...settings,
      hubs: [hub],
      listeners: [{ port: 0, enabled: true }],
      localBridges: [
        createLocalBridge("HUB", "eth1", undefined),
        createLocalBridge("Nowhere", "eth2", undefined),
      ],
    }));
    assert.deepEqual((await server.status()).warnings, [
      "the local bridge of hub HUB with eth1 does not work: no native calls: VPNSERVER_NATIVE is off",
    ]);
    assert.equal(server.listeners()[0]?.state, "Listening");
    await server.configuration.update((settings) => ({ ...settings, localBridges: [] }));
    assert.deepEqual((await server.status()).warnings, []);
    await server.close();
  });

  test("counts what it refused", async () => {
    const server = await start([{ port: 0, enabled: true }]);
    const [{ port } = { port: 0 }] = server.listeners();
    await probeListener(() => openTcp("127.0.0.1", port, 1_000), { timeoutMs: 5_000 });
    await server.close();
    assert.equal(server.refusals()["connection-lost"], 1);
  });

  test("frees its ports and ends its connections when it is closed", async () => {
    const server = await start([{ port: 0, enabled: true }]);
    const [{ port } = { port: 0 }] = server.listeners();
    const client = await openTcp("127.0.0.1", port, 1_000);
    const ended = new Promise((resolve) => client.once("close", resolve));
    client.on("error", () => {}).resume();
    await server.close();
    await ended;
    await assert.rejects(openTcp("127.0.0.1", port, 1_000), { code: "ECONNREFUSED" });
  });

  test("does not start with a damaged certificate", async () => {
    await writeFile(join(directory, "server.key"), "garbage");
    await assert.rejects(start([{ port: 0, enabled: true }]), { code: "STATE_INVALID" });
  });
});
