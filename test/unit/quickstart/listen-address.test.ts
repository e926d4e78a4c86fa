import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ConfigStore } from "../../../server/config/config-store.ts";
import { decideListenAddress } from "../../../tools/quickstart/listen-address.ts";

describe("the address that a quickstart's server listens on", () => {
  let parent: string;
  let configFile: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "listen-address-"));
    configFile = join(parent, "vpnserver", "state", "vpn_server.config");
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  async function writeConfig(listenIp: string): Promise<void> {
    await mkdir(dirname(configFile), { recursive: true });
    const item = `string ListenIP ${listenIp}`;
    await writeFile(
      configFile,
      `declare root\r\n{\r\ndeclare ServerConfiguration\r\n{\r\n${item}\r\n}\r\n}\r\n`,
    );
  }

  test("is loopback, by a configuration that is there before the server, for its user alone", async () => {
    assert.equal(await decideListenAddress(configFile, false), "127.0.0.1");
    assert.match(await readFile(configFile, "utf8"), /^\t\tstring ListenIP 127\.0\.0\.1\r$/m);
    assert.equal((await stat(configFile)).mode & 0o777, 0o600);
    assert.equal((await stat(dirname(configFile))).mode & 0o777, 0o700);
    assert.equal(await decideListenAddress(configFile, false), "127.0.0.1", "the second time too");
  });

  test("stays in the configuration when the server changes other settings", async () => {
    await decideListenAddress(configFile, false);
    const store = await ConfigStore.open({ configFile });
    await store.update((settings) => ({ ...settings, listeners: [{ port: 5555, enabled: true }] }));
    await store.close();
    assert.equal(await decideListenAddress(configFile, false), "127.0.0.1");
  });

  test("is every one where that is asked for: then no configuration is made", async () => {
    assert.equal(await decideListenAddress(configFile, true), undefined);
    assert.equal(existsSync(configFile), false);
  });

  test("of a server that is there is not changed in place, and the way out is told", async () => {
    await writeConfig("127.0.0.1");
    const before = await readFile(configFile);
    await assert.rejects(
      decideListenAddress(configFile, true),
      /listens on 127\.0\.0\.1 alone .* run "npm run quickstart -- down" first/,
    );
    assert.deepEqual(await readFile(configFile), before);
  });

  for (const every of ["::", "0.0.0.0", "$"]) {
    test(`is every one for a server whose ListenIP is "${every}", asked for or not`, async () => {
      await writeConfig(every);
      assert.equal(await decideListenAddress(configFile, false), undefined);
      assert.equal(await decideListenAddress(configFile, true), undefined);
    });
  }
});
