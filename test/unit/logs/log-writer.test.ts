import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import { logLimits } from "../../../server/limits.ts";
import { defaultHubLog, type HubLogSettings } from "../../../server/settings/hub-settings.ts";
import { logDisk } from "../../../server/logs/log-disk.ts";
import { LogWriter, type LogWriterOptions } from "../../../server/logs/log-writer.ts";

let directory: string;
let warnings: string[];
let now: Date;
let logs: LogWriter;
let journal: string[];
let hubs: { readonly name: string; readonly log: HubLogSettings }[];
let sent: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-logs-"));
  warnings = [];
  journal = [];
  hubs = [];
  sent = [];
  now = new Date(2026, 0, 31, 23, 59, 59, 7);
  logs = createWriter();
});
afterEach(async () => {
  await logs.flush();
  await rm(directory, { recursive: true, force: true });
});

function createWriter(more: Partial<LogWriterOptions> = {}): LogWriter {
  return new LogWriter({
    directory,
    unixNow: () => now.getTime(),
    log: {
      info: (message) => journal.push(message),
      warn: (message) => warnings.push(message),
      error: () => {},
    },
    hubs: () => hubs,
    syslog: (kind, hubName, text) => sent.push(`${kind} ${hubName ?? "-"} ${text}`),
    ...more,
  });
}

/** Every file of the hubs' logs with its lines. */
async function files(): Promise<Record<string, string>> {
  const all = Object.entries(await allFiles());
  return Object.fromEntries(all.filter(([path]) => !path.startsWith("server_log")));
}

/** Every file below the directory with its lines. */
async function allFiles(): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const found = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(directory.length + sep.length), await readFile(path, "utf8")] as const;
    });
  return Object.fromEntries(await Promise.all(found));
}

describe("the logs of a hub", () => {
  test("have a line with the local time for each message, a file for each day, CRLF", async () => {
    const log = logs.createHubLog("DEFAULT");
    log.security("first");
    log.packet("SID-A-1,SID-B-2,-");
    now = new Date(2026, 1, 1, 0, 0, 0, 0);
    log.security("second");
    await logs.flush();
    assert.deepEqual(await files(), {
      "security_log/DEFAULT/sec_20260131.log": "2026-01-31 23:59:59.007 first\r\n",
      "security_log/DEFAULT/sec_20260201.log": "2026-02-01 00:00:00.000 second\r\n",
      "packet_log/DEFAULT/pkt_20260131.log": "2026-01-31,23:59:59.007,SID-A-1,SID-B-2,-\r\n",
    });
  });

  test("are for the owner alone, and made with the first line", async () => {
    const log = logs.createHubLog("DEFAULT");
    assert.deepEqual(await readdir(directory), []);
    log.security("x");
    await logs.flush();
    const folder = join(directory, "security_log", "DEFAULT");
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.equal((await stat(join(folder, "sec_20260131.log"))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(directory), ["security_log", "server_log"]);
  });

  test("reach the disk by themselves within moments", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    logs.createHubLog("DEFAULT").security("x");
    context.mock.timers.tick(logLimits.flushMs - 1);
    assert.deepEqual(await readdir(directory), []);
    context.mock.timers.tick(1);
    const end = performance.now() + 10_000;
    while (Object.keys(await files()).length === 0) assert.ok(performance.now() < end, "nothing was written");
  });

  test("go on where the last server ended, and where the folder was taken away", async () => {
    logs.createHubLog("DEFAULT").security("one");
    await logs.flush();
    logs = createWriter();
    const log = logs.createHubLog("DEFAULT");
    log.security("two");
    await logs.flush();
    assert.equal(
      (await files())["security_log/DEFAULT/sec_20260131.log"],
      "2026-01-31 23:59:59.007 one\r\n2026-01-31 23:59:59.007 two\r\n",
    );
    await rm(join(directory, "security_log"), { recursive: true });
    log.security("three");
    await logs.flush();
    assert.equal(
      (await files())["security_log/DEFAULT/sec_20260131.log"],
      "2026-01-31 23:59:59.007 three\r\n",
    );
    assert.deepEqual(warnings, []);
  });

  test("no message makes a line of its own", async () => {
    const log = logs.createHubLog("DEFAULT");
    log.security("user a\r\n2026-01-31 23:59:59.007 forged\u2028\x1b[2J");
    log.packet("x".repeat(logLimits.lineCharacters + 5));
    // What stands at the limit, and wants to be the end of a line.
    log.security(`${"x".repeat(logLimits.lineCharacters - 1)}. and more`);
    await logs.flush();
    const found = await files();
    assert.equal(
      found["security_log/DEFAULT/sec_20260131.log"],
      `2026-01-31 23:59:59.007 user a  2026-01-31 23:59:59.007 forged  [2J\r\n2026-01-31 23:59:59.007 ${"x".repeat(logLimits.lineCharacters - 1)}…\r\n`,
    );
    assert.equal(
      found["packet_log/DEFAULT/pkt_20260131.log"]?.length,
      "2026-01-31,23:59:59.007,".length + logLimits.lineCharacters + 2,
    );
  });

  test("keep the order of many lines, in one piece", async () => {
    const log = logs.createHubLog("DEFAULT");
    const expected: string[] = [];
    for (let index = 0; index < 5_000; index++) {
      log.security(`line ${index}`);
      expected.push(`2026-01-31 23:59:59.007 line ${index}\r\n`);
      // Writing goes on meanwhile.
      if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await logs.flush();
    assert.equal((await files())["security_log/DEFAULT/sec_20260131.log"], expected.join(""));
  });

  test("drop and count what the disk cannot follow, and tell it", async () => {
    const log = logs.createHubLog("DEFAULT");
    const line = "x".repeat(logLimits.lineCharacters);
    const fits = Math.floor(logLimits.waitingBytes / (line.length + 26));
    for (let index = 0; index < fits + 10; index++) log.security(line);
    await logs.flush();
    const lines = (await files())["security_log/DEFAULT/sec_20260131.log"]?.trimEnd().split("\r\n") ?? [];
    assert.equal(lines.length, fits + 1);
    assert.equal(lines.at(-1), "2026-01-31 23:59:59.007 10 lines were dropped");
  });

  test("of all hubs together hold no more than their bound", async () => {
    let written = 0;
    const last = new Map<string, string>();
    logs = createWriter({
      disk: {
        ...logDisk,
        size: () => Promise.resolve(0),
        append: (path, text) => {
          last.set(path, text);
          written += Buffer.byteLength(text);
          return Promise.resolve(0);
        },
      },
    });
    const line = "x".repeat(logLimits.lineCharacters);
    const perLog = Math.floor(logLimits.waitingBytes / (line.length + 26));
    const hubs = Math.ceil(logLimits.totalWaitingBytes / logLimits.waitingBytes) + 2;
    for (let hub = 0; hub < hubs; hub++) {
      const log = logs.createHubLog(`hub ${hub}`);
      for (let index = 0; index < perLog; index++) log.security(line);
    }
    await logs.flush();
    assert.ok(written <= logLimits.totalWaitingBytes, String(written));
    assert.ok(written > logLimits.totalWaitingBytes - 20_000, String(written));
    // What was dropped has been freed.
    logs.createHubLog("hub 0").security("again");
    await logs.flush();
    assert.match(last.get(join(directory, "security_log/hub 0/sec_20260131.log")) ?? "", / again\r\n/);
  });

  test("a disk that takes nothing is told once; when it takes lines again, the log tells how many are missing", async () => {
    const obstacle = join(directory, "security_log");
    await writeFile(obstacle, "");
    const log = logs.createHubLog("DEFAULT");
    for (let index = 0; index < 3; index++) {
      log.security(`lost ${index}`);
      await logs.flush();
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /cannot write the log in .*security_log\/DEFAULT: .*lines are dropped/);
    assert.doesNotMatch(warnings[0] ?? "", /lost/);
    await rm(obstacle);
    log.security("kept");
    await logs.flush();
    assert.equal(
      (await files())["security_log/DEFAULT/sec_20260131.log"],
      "2026-01-31 23:59:59.007 kept\r\n2026-01-31 23:59:59.007 3 lines were dropped\r\n",
    );
  });
});

describe("the server log", () => {
  test("has what the server says, which the journal has too", async () => {
    const server = logs.createServerLog();
    server.info("one");
    server.warn("two\r\nthree");
    server.event("four happened", { event: "four", user: "a b", peer: "192.0.2.1", nothing: undefined });
    await logs.flush();
    const begin = "2026-01-31 23:59:59.007";
    assert.deepEqual(await allFiles(), {
      "server_log/vpn_20260131.log": `${begin} one\r\n${begin} two  three\r\n${begin} four happened\r\n`,
    });
    assert.deepEqual(journal, ["one", 'event=four user="a b" peer=192.0.2.1']);
    assert.deepEqual(warnings, ["two\r\nthree"]);
  });

  test("has the events of hubs, of which the journal has those for programs", async () => {
    const hub = logs.createHubLog("DEFAULT");
    hub.security("seen");
    hub.security("began", { event: "session-began", user: "alice" });
    await logs.flush();
    assert.equal(
      (await allFiles())["server_log/vpn_20260131.log"],
      '2026-01-31 23:59:59.007 [HUB "DEFAULT"] seen\r\n2026-01-31 23:59:59.007 [HUB "DEFAULT"] began\r\n',
    );
    assert.deepEqual(journal, ["event=session-began user=alice hub=DEFAULT"]);
  });

  test("has them also where the hub keeps no security log", async () => {
    hubs = [{ name: "Default", log: { ...defaultHubLog, saveSecurityLog: false } }];
    logs.createHubLog("DEFAULT").security("quiet");
    await logs.flush();
    assert.deepEqual(Object.keys(await allFiles()), ["server_log/vpn_20260131.log"]);
  });

  test("and the others are handed to syslog line by line", () => {
    logs.createServerLog().info("one");
    const hub = logs.createHubLog("DEFAULT");
    hub.security("two");
    hub.packet("three");
    assert.deepEqual(sent, [
      "SERVER_LOG - one",
      'SERVER_LOG - [HUB "DEFAULT"] two',
      "SECURITY_LOG DEFAULT two",
      "PACKET_LOG DEFAULT three",
    ]);
  });
});

describe("log files turn over", () => {
  const namesWith = async (securityLogTurnover: HubLogSettings["securityLogTurnover"]) => {
    hubs = [{ name: "DEFAULT", log: { ...defaultHubLog, securityLogTurnover } }];
    const log = logs.createHubLog("DEFAULT");
    log.security("x");
    now = new Date(now.getTime() + 1_000);
    log.security("y");
    await logs.flush();
    return Object.keys(await files()).map((path) => path.replace("security_log/DEFAULT/", ""));
  };

  for (const [turnover, expected] of [
    ["none", ["sec.log"]],
    ["month", ["sec_202601.log", "sec_202602.log"]],
    ["day", ["sec_20260131.log", "sec_20260201.log"]],
    ["hour", ["sec_20260131_23.log", "sec_20260201_00.log"]],
    ["minute", ["sec_20260131_2359.log", "sec_20260201_0000.log"]],
    ["second", ["sec_20260131_235959.log", "sec_20260201_000000.log"]],
  ] as const) {
    test(`as the hub is set: ${turnover}`, async () => {
      assert.deepEqual((await namesWith(turnover)).toSorted(), expected);
    });
  }

  test("from the moment at which the hub is set otherwise", async () => {
    await namesWith("none");
    assert.deepEqual((await namesWith("hour")).toSorted(), ["sec.log", "sec_20260201_00.log"]);
  });

  test("when they are full, also after a restart", async () => {
    logs = createWriter({ fileBytes: 100 });
    const write = async (writer: LogWriter, text: string) => {
      writer.createHubLog("DEFAULT").security(text);
      await writer.flush();
    };
    for (const text of ["1", "2", "3", "4"]) await write(logs, text.repeat(20));
    logs = createWriter({ fileBytes: 100 });
    await write(logs, "5".repeat(20));
    await write(logs, "6".repeat(200));
    const sizes = Object.fromEntries(
      Object.entries(await files()).map(([path, text]) => [
        path.slice(-18),
        text.replace(/[^1-6]/g, "").slice(-1),
      ]),
    );
    assert.deepEqual(sizes, {
      "T/sec_20260131.log": "2",
      "ec_20260131~01.log": "4",
      "ec_20260131~02.log": "5",
      "ec_20260131~03.log": "6",
    });
  });
});

describe("a full disk", () => {
  test("takes no half lines, loses only what it cannot take, and is told of once", async () => {
    let isFull = false;
    logs = createWriter({
      disk: {
        ...logDisk,
        append: (path, text) =>
          isFull ? Promise.reject(new Error("ENOSPC: no space left on device")) : logDisk.append(path, text),
      },
    });
    const log = logs.createHubLog("DEFAULT");
    for (const [full, text] of [
      [false, "one"],
      [true, "two"],
      [true, "three"],
      [false, "four"],
    ] as const) {
      isFull = full;
      log.security(text);
      await logs.flush();
    }
    const begin = "2026-01-31 23:59:59.007";
    assert.equal(
      (await files())["security_log/DEFAULT/sec_20260131.log"],
      `${begin} one\r\n${begin} four\r\n${begin} 2 lines were dropped\r\n`,
    );
    assert.equal(warnings.filter((line) => line.includes("security_log")).length, 1);
    assert.match(journal.join("\n"), /security_log\/DEFAULT is written again; 2 lines were dropped/);
  });
});

describe("the folder of a hub", () => {
  const folderOf = async (hubName: string) => {
    logs.createHubLog(hubName).security("x");
    await logs.flush();
    const folders = await readdir(join(directory, "security_log"));
    assert.equal(folders.length, 1, folders.join());
    return folders[0] as string;
  };

  for (const name of ["DEFAULT", "A b-(1)_#%&.c", "Büro", "会議"]) {
    test(`is its name, ${name}`, async () => assert.equal(await folderOf(name), name));
  }

  for (const name of ["..", ".", "../../etc", "a/b", "", " a", "a\0b", "a\nb", "ü".repeat(255), "x~y"]) {
    test(`stays below the log directory with the name ${JSON.stringify(name).slice(0, 30)}`, async () => {
      assert.match(await folderOf(name), /^[^/\0]{0,201}~[0-9a-f]{16}$/);
      assert.deepEqual(await readdir(directory), ["security_log", "server_log"]);
    });
  }

  test("is never another hub's", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.string({ unit: fc.constantFrom("a", "/", ".", "~", " ", "_", "ü"), maxLength: 4 }),
          {
            maxLength: 5,
          },
        ),
        async (names) => {
          for (const name of names) logs.createHubLog(name).security(name);
          await logs.flush();
          assert.ok((await readdir(join(directory, "security_log")).catch(() => [])).length >= names.length);
          await rm(join(directory, "security_log"), { recursive: true, force: true });
        },
      ),
      { numRuns: 30 },
    );
  });
});
