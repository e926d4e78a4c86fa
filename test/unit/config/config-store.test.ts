import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  defaultServerConfig,
  readServerConfig,
  writeServerConfig,
} from "../../../server/config/disk/config-file.ts";
import { ConfigStore } from "../../../server/config/config-store.ts";
import { createHubSettings, defaultHubs } from "../../../server/config/sections/hub-config.ts";
import { readServerSettings } from "../../../server/config/sections/server-settings-config.ts";
import { parseConfig } from "../../../server/config/text/config-text.ts";
import { hubOf, userOf } from "../../interop/support/our-server.ts";
import { ServerError } from "../../../server/errors.ts";
import type { HubSettings } from "../../../server/settings/hub-settings.ts";

let directory: string;
let paths: { configFile: string };
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-store-"));
  paths = { configFile: join(directory, "vpn_server.config") };
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const add = (name: string) => (hubs: readonly HubSettings[]) => [...hubs, createHubSettings(name)];
const names = (hubs: readonly HubSettings[]) => hubs.map(({ name }) => name);

describe("ConfigStore", () => {
  test("of a fresh server has the ports of the manual and the hub DEFAULT, and writes them once", async () => {
    const store = await ConfigStore.open(paths);
    assert.deepEqual(store.listeners, defaultServerConfig.listeners);
    assert.deepEqual(store.hubs, defaultHubs);
    assert.deepEqual(await readdir(directory), []);
    await store.create();
    const first = await readFile(paths.configFile);
    assert.equal((await stat(paths.configFile)).mode & 0o777, 0o600);
    await store.create();
    await (await ConfigStore.open(paths)).create();
    assert.deepEqual(await readFile(paths.configFile), first);
    assert.deepEqual((await ConfigStore.open(paths)).hubs, defaultHubs);
  });

  test("writes what the official server needs to take a file at all", async () => {
    await writeFile(paths.configFile, "declare root\n{\n}\n");
    const store = await ConfigStore.open(paths);
    await store.updateHubs(add("A"));
    await store.flush();
    assert.match(await readFile(paths.configFile, "utf8"), /\tdeclare ServerConfiguration\r\n\t\{/);
    await rm(paths.configFile);
    await (await ConfigStore.open(paths)).create();
    assert.match(await readFile(paths.configFile, "utf8"), /\tdeclare ServerConfiguration\r\n\t\{/);
  });

  test("keeps the listeners that an installation wrote, and adds the hub DEFAULT", async () => {
    await writeServerConfig(paths, { listeners: [{ port: 4433, enabled: true }] });
    const store = await ConfigStore.open(paths);
    assert.deepEqual(store.listeners, [{ port: 4433, enabled: true }]);
    assert.deepEqual(names(store.hubs), ["DEFAULT"]);
  });

  test("an update is on the disk when it resolves, and updates follow each other", async () => {
    const store = await ConfigStore.open(paths);
    const updates = ["A", "B", "C"].map((name) => store.updateHubs(add(name)));
    assert.deepEqual(names(await (updates[1] as Promise<HubSettings[]>)), ["DEFAULT", "A", "B"]);
    await Promise.all(updates);
    assert.deepEqual(names(store.hubs), ["DEFAULT", "A", "B", "C"]);
    assert.deepEqual((await ConfigStore.open(paths)).hubs, store.hubs);
  });

  test("an update that fails changes nothing, and the next one works", async () => {
    const store = await ConfigStore.open(paths);
    await store.create();
    const before = await readFile(paths.configFile);
    const fault = new Error("no");
    await assert.rejects(
      store.updateHubs(() => {
        throw fault;
      }),
      fault,
    );
    assert.deepEqual(names(store.hubs), ["DEFAULT"]);
    assert.deepEqual(await readFile(paths.configFile), before);
    assert.deepEqual(names(await store.updateHubs(add("A"))), ["DEFAULT", "A"]);
  });

  test("what cannot be written is told, and not taken", async () => {
    const store = await ConfigStore.open(paths);
    await mkdir(paths.configFile);
    await assert.rejects(
      store.updateHubs(add("A")),
      (error) => error instanceof ServerError && error.code === "STATE_INVALID",
    );
    assert.deepEqual(names(store.hubs), ["DEFAULT"]);
  });

  test("leaves alone what others wrote into the file meanwhile, such as listeners", async () => {
    const store = await ConfigStore.open(paths);
    await store.create();
    await writeServerConfig(paths, { listeners: [{ port: 4433, enabled: true }] });
    await store.updateHubs(add("A"));
    assert.deepEqual(await readServerConfig(paths), { listeners: [{ port: 4433, enabled: true }] });
    assert.deepEqual(names((await ConfigStore.open(paths)).hubs), ["DEFAULT", "A"]);
  });

  test("reads a long file that others changed in steps, and others get their turns meanwhile", async () => {
    const store = await ConfigStore.open(paths);
    const users = Array.from({ length: 5_000 }, (_, index) => userOf(`user-${index}`, { type: "anonymous" }));
    await store.updateHubs(() => [hubOf("BIG", users)]);
    await store.flush();
    const text = await readFile(paths.configFile, "utf8");
    await writeFile(paths.configFile, text.replace("user-4711", "other-4711"));
    // Of this thread alone, which other programs of the machine do not change.
    const spentMs = () => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1000;
    };
    const began = spentMs();
    readServerSettings(parseConfig(await readFile(paths.configFile)));
    const atOnceMs = spentMs() - began;
    let [longestMs, lastMs, goesOn] = [0, spentMs(), true];
    const look = () => {
      const now = spentMs();
      longestMs = Math.max(longestMs, now - lastMs);
      lastMs = now;
      if (goesOn) setImmediate(look);
    };
    setImmediate(look);
    await store.updateHubs(add("NEW"));
    goesOn = false;
    await store.close();
    const now = await ConfigStore.open(paths);
    assert.deepEqual(names(now.hubs), ["BIG", "NEW"]);
    assert.ok(longestMs < atOnceMs / 2, `a turn of ${longestMs} ms, of ${atOnceMs} ms at once`);
    await now.close();
  });

  test("refuses a file with a value that cannot be used, names both, and leaves it as it is", async () => {
    const text =
      "declare root\n{\ndeclare VirtualHUB\n{\ndeclare A\n{\ndeclare Option\n{\nuint MaxSession x\n}\n}\n}\n}\n";
    await writeFile(paths.configFile, text);
    await assert.rejects(
      ConfigStore.open(paths),
      (error) =>
        error instanceof ServerError &&
        error.code === "STATE_INVALID" &&
        error.message.includes(paths.configFile) &&
        error.message.includes("VirtualHUB/A/Option/MaxSession is no number"),
    );
    assert.equal(await readFile(paths.configFile, "utf8"), text);
  });
});
