import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import {
  defaultServerConfig,
  readServerConfig,
  writeServerConfig,
} from "../../../server/config/disk/config-file.ts";
import { ServerError } from "../../../server/errors.ts";

let directory: string;
let paths: { configFile: string };
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-config-"));
  paths = { configFile: join(directory, "vpn_server.config") };
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const invalid = (problem: RegExp) => (error: unknown) =>
  error instanceof ServerError &&
  error.code === "STATE_INVALID" &&
  error.message.includes(paths.configFile) &&
  problem.test(error.message);

const foreignFile =
  "# kept\ndeclare root\n{\n\tstring Region JP\n\tdeclare ListenerList\n\t{\n" +
  "\t\tdeclare Listener0\n\t\t{\n\t\t\tbool DisableDos true\n\t\t\tbool Enabled true\n\t\t\tuint Port 443\n\t\t}\n" +
  "\t\tdeclare Listener1\n\t\t{\n\t\t\tbool Enabled false\n\t\t\tuint Port 992\n\t\t}\n" +
  "\t}\n\tdeclare VirtualHUB\n\t{\n\t\tdeclare DEFAULT\n\t\t{\n\t\t\tuint64 CreatedTime 1\n\t\t}\n\t}\n}\n";

describe("readServerConfig", () => {
  test("gives the ports of the manual where there is no file, and makes none", async () => {
    assert.deepEqual(await readServerConfig(paths), defaultServerConfig);
    assert.deepEqual(
      defaultServerConfig.listeners.map(({ port }) => port),
      [443, 992, 5555],
    );
    assert.deepEqual(await readdir(directory), []);
  });

  test("reads the listeners of an official server's file", async () => {
    await writeFile(paths.configFile, foreignFile);
    assert.deepEqual(await readServerConfig(paths), {
      listeners: [
        { port: 443, enabled: true },
        { port: 992, enabled: false },
      ],
    });
  });

  test("a file without listeners means none", async () => {
    await writeFile(paths.configFile, "declare root\n{\n}\n");
    assert.deepEqual(await readServerConfig(paths), { listeners: [] });
  });

  for (const [problem, from, to] of [
    [/line 2: .*"declare root" expected/, "declare root", "declared root"],
    [/Listener0 has no number as Port/, "uint Port 443", "uint Port https"],
    [/Listener0 has no number as Port/, "\t\t\tuint Port 443\n", ""],
    [/port 70000 is not between/, "Port 443", "Port 70000"],
    [/port 0 is not between/, "Port 443", "Port 0"],
    [/two listeners have port 992/, "Port 443", "Port 992"],
  ] as const) {
    test(`refuses a file with ${JSON.stringify(to)}, names it, and leaves it as it is`, async () => {
      const damaged = foreignFile.replace(from, to);
      await writeFile(paths.configFile, damaged);
      await assert.rejects(readServerConfig(paths), invalid(problem));
      assert.equal(await readFile(paths.configFile, "utf8"), damaged);
    });
  }

  test("names a file that cannot be read", async () => {
    await mkdir(paths.configFile);
    await assert.rejects(readServerConfig(paths), invalid(/EISDIR/));
  });
});

describe("writeServerConfig", () => {
  test("keeps all else that the file holds, and the settings of listeners that stay", async () => {
    await writeFile(paths.configFile, foreignFile);
    const listeners = [
      { port: 5555, enabled: true },
      { port: 443, enabled: false },
    ];
    await writeServerConfig(paths, { listeners });
    assert.deepEqual(await readServerConfig(paths), { listeners });
    const text = await readFile(paths.configFile, "utf8");
    assert.ok(text.startsWith("\uFEFF# kept\r\n"));
    assert.match(text, /string Region JP\r\n/);
    assert.match(text, /declare DEFAULT\r\n\t\t\{\r\n\t\t\tuint64 CreatedTime 1\r\n/);
    assert.match(
      text,
      /declare Listener1\r\n\t\t\{\r\n\t\t\tbool DisableDos true\r\n\t\t\tbool Enabled false/,
    );
    assert.doesNotMatch(text, /992/);
  });

  test("never overwrites a file that it does not understand", async () => {
    const damaged = foreignFile.slice(0, -40);
    await writeFile(paths.configFile, damaged);
    await assert.rejects(
      writeServerConfig(paths, defaultServerConfig),
      invalid(/has no end; the file was cut off/),
    );
    assert.equal(await readFile(paths.configFile, "utf8"), damaged);
    assert.deepEqual(await readdir(directory), ["vpn_server.config"]);
  });

  test("refuses ports that are none, and two listeners of one port", async () => {
    for (const ports of [[0], [65_536], [1.5], [443, 443]]) {
      await assert.rejects(
        writeServerConfig(paths, { listeners: ports.map((port) => ({ port, enabled: true })) }),
        (error) => error instanceof ServerError && error.code === "USAGE",
      );
    }
    assert.deepEqual(await readdir(directory), []);
  });

  test("what is written is read again", async () => {
    const listeners = fc.uniqueArray(
      fc.record(
        { port: fc.integer({ min: 1, max: 65_535 }), enabled: fc.boolean() },
        { noNullPrototype: true },
      ),
      { selector: ({ port }) => port, maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(listeners, async (written) => {
        await writeServerConfig(paths, { listeners: written });
        assert.deepEqual(await readServerConfig(paths), { listeners: written });
      }),
      { numRuns: 30 },
    );
  });
});
