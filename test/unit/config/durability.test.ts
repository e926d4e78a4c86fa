import assert from "node:assert/strict";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { backupDirectoryOf, superfluousBackups } from "../../../server/config/disk/config-backups.ts";
import { readServerConfig, writeServerConfig } from "../../../server/config/disk/config-file.ts";
import { parseJournal } from "../../../server/config/text/journal-text.ts";
import { ServerError } from "../../../server/errors.ts";
import { userOf } from "../access/login-fixture.ts";
import {
  scenesForEachTest,
  closeAll,
  scene,
  add,
  names,
  messageOf,
  open,
  linesOf,
  killedServer,
  found,
  goesOn,
  asideOf,
} from "./killed-server.ts";

scenesForEachTest();

type States = Awaited<ReturnType<typeof killedServer>>["states"];

/** Changes that were on the disk with so many bytes of the journal. */
function recordsBefore(states: States, bytes: number): number {
  return states.filter((state) => state.bytes > 0 && state.bytes <= bytes).length;
}

/** Every place is read, and some of them found by a server: those around the ends of lines, and others here and there. */
function isTriedOnDisk(states: States, place: number): boolean {
  return place % 100 === 0 || states.some(({ bytes }) => Math.abs(bytes - place) <= 1);
}

describe("a journal that a crash cut off", () => {
  test("gives what was acknowledged, wherever it is cut, and nothing is told", async () => {
    const { states, journal, config } = await killedServer();
    for (let length = 0; length < journal.length; length++) {
      const cut = parseJournal(journal.subarray(0, length));
      assert.equal(cut?.records.length ?? 0, recordsBefore(states, length), `cut at ${length}`);
      if (!isTriedOnDisk(states, length)) continue;
      const expected = states.findLast(({ bytes }) => bytes <= length)?.message;
      // With and without the zeros that are written ahead.
      const zeros = Buffer.alloc(length % 2 === 0 ? 0 : 1_000);
      const start = await found({ config, journal: Buffer.concat([journal.subarray(0, length), zeros]) });
      assert.equal(start.message, expected, `cut at ${length}`);
      assert.deepEqual(start.warnings, [], `cut at ${length}`);
      await goesOn(start);
      await closeAll();
    }
  });

  test("gives what was acknowledged when only the end of the last record reached the disk", async () => {
    const { states, journal, config } = await killedServer();
    const last = states.at(-2);
    assert.ok(last);
    for (const missing of [1, 20, journal.length - last.bytes - 1]) {
      const torn = Buffer.concat([journal, Buffer.alloc(1_000)]).fill(0, last.bytes, last.bytes + missing);
      const start = await found({ config, journal: torn });
      assert.deepEqual([start.message, start.warnings], [last.message, []], `without ${missing} bytes`);
      await goesOn(start);
      await closeAll();
    }
  });
});

describe("a journal that is damaged", () => {
  test("gives what was acknowledged before the damage, never something else, and tells it", async () => {
    const { paths, states, journal, config } = await killedServer();
    const base = parseJournal(journal)?.base;
    for (let index = 0; index < journal.length; index++) {
      const damagedJournal = Buffer.from(journal);
      damagedJournal[index] = (damagedJournal[index] ?? 0) ^ 0x11;
      const read = parseJournal(damagedJournal);
      assert.equal(read?.records.length ?? 0, recordsBefore(states, index), `damaged at ${index}`);
      // In the last record it looks like a write that was not finished.
      const isTold = index < (states.at(-2)?.bytes ?? 0);
      if (isTold) assert.ok(read?.isDamaged || read?.base !== base, `damaged at ${index}`);
      if (!isTriedOnDisk(states, index)) continue;
      const expected = states.findLast(({ bytes }) => bytes <= index)?.message;
      const start = await found({ config, journal: damagedJournal, backupOf: paths });
      assert.equal(start.message, expected, `damaged at ${index}`);
      if (isTold) {
        assert.match(start.warnings.join("\n"), /the journal .* (is damaged|belongs to another)/);
      }
      await goesOn(start);
      await closeAll();
    }
  });

  test("is kept under another name", async () => {
    const { journal, config } = await killedServer();
    const start = await found({ config, journal: Buffer.alloc(journal.length, 0x41) });
    const { paths, warnings } = start;
    const [aside = ""] = await asideOf(paths);
    assert.match(aside, /^vpn_server\.config\.journal\.unusable-\d{8}T/);
    assert.match(warnings.join("\n"), /is kept as/);
    await goesOn(start);
  });

  test("and one of another configuration is not applied", async () => {
    const [one, other] = [await killedServer(["one"]), await killedServer(["other"])];
    const { message, warnings, paths } = await found({ config: edited(one.config), journal: other.journal });
    assert.equal(message, "");
    assert.match(warnings.join("\n"), /belongs to another configuration/);
    assert.equal((await asideOf(paths)).length, 1);
  });
});

/** Somebody's edit, by which it is another file. */
function edited(config: Buffer): Buffer {
  return Buffer.from(config.toString().replace("declare root", "# edited\r\ndeclare root"));
}

describe("a configuration file that cannot be used", () => {
  for (const [what, damage] of [
    ["half of it", (config: Buffer) => config.subarray(0, config.length / 2)],
    ["nothing in it", () => Buffer.alloc(0)],
    ["zeros in it", (config: Buffer) => Buffer.alloc(config.length)],
    ["something else in it", () => Buffer.from("<html>no configuration</html>")],
  ] as const) {
    test(`with ${what} gives way to the last good one with its journal, is kept, and is told of`, async () => {
      const { paths, states, journal, config } = await killedServer();
      const start = await found({ config: damage(config), journal, backupOf: paths });
      const { message, warnings, paths: at } = start;
      assert.equal(message, states.at(-1)?.message);
      assert.match(warnings.join("\n"), /cannot be used: .*; the last good one is used instead: .*backup/);
      const [aside = ""] = await asideOf(at);
      assert.deepEqual(await readFile(join(at.configFile, "..", aside)), damage(config));
      await goesOn(start);
    });
  }

  test("does not push the good one out of the backups", async () => {
    const { paths, config } = await killedServer();
    const { paths: at } = await found({ config: Buffer.from("x"), backupOf: paths });
    const directory = backupDirectoryOf(at.configFile);
    const backups = await Promise.all(
      (await readdir(directory)).map(async (name) => readFile(join(directory, name))),
    );
    assert.ok(backups.some((backup) => backup.equals(config)));
    assert.ok(!backups.some((backup) => backup.equals(Buffer.from("x"))));
  });

  test("without any backup starts no server, and is left as it is", async () => {
    const paths = await scene();
    await writeFile(paths.configFile, "x");
    await assert.rejects(
      open(paths),
      (error) => error instanceof ServerError && error.code === "STATE_INVALID",
    );
    assert.equal(await readFile(paths.configFile, "utf8"), "x");
    assert.deepEqual(await readdir(join(paths.configFile, "..")), ["vpn_server.config"]);
  });
});

describe("a file that somebody edits while the server runs", () => {
  test("keeps the edit and what the journal holds", async () => {
    const paths = await scene();
    const store = await open(paths);
    await store.create();
    await store.updateHubs(add("A"));
    const text = await readFile(paths.configFile, "utf8");
    await writeFile(paths.configFile, text.replace(/uint Port 992/, "uint Port 4433"));
    await store.updateHubs(add("B"));
    const ports = async () => (await readServerConfig(paths)).listeners.map(({ port }) => port);
    assert.deepEqual(await ports(), [443, 4433, 5555]);
    const again = await open(paths);
    assert.deepEqual(names(again), ["DEFAULT", "A", "B"]);
    assert.deepEqual(again.warnings, []);
  });

  test("into something that cannot be used is kept aside, and the server's goes on", async () => {
    const paths = await scene();
    const store = await open(paths);
    await store.create();
    await store.updateHubs(add("A"));
    await writeFile(paths.configFile, "no configuration");
    await store.updateHubs(add("B"));
    assert.match(store.warnings.join("\n"), /was changed while the server runs/);
    assert.equal((await asideOf(paths)).length, 1);
    const again = await open(paths);
    assert.deepEqual([names(again), again.warnings], [["DEFAULT", "A", "B"], []]);
  });

  test("is written by install with what the journal of a killed server holds", async () => {
    const { paths, states } = await killedServer();
    await writeServerConfig(paths, { listeners: [{ port: 7000, enabled: true }] });
    const store = await open(paths);
    assert.equal(messageOf(store), states.at(-1)?.message);
    assert.deepEqual(
      store.listeners.map(({ port }) => port),
      [7000],
    );
  });
});

describe("many changes", () => {
  test("that wait for the disk together are written together", async () => {
    const paths = await scene();
    const store = await open(paths);
    await store.create();
    const change = (index: number) =>
      store.updateHubs(([hub, ...rest]) => {
        assert.ok(hub);
        const user = userOf(`user${index}`, { authentication: { type: "anonymous" } });
        return [{ ...hub, users: new Map(hub.users).set(user.name, user) }, ...rest];
      });
    await Promise.all(Array.from({ length: 300 }, (_, index) => change(index)));
    const lines = (await linesOf(paths)).toString().trimEnd().split("\n").length;
    assert.ok(lines < 20, `${lines} lines`);
    assert.equal((await open(paths)).hubs[0]?.users.size, 300);
  });

  test("of which one fails are taken but for that one", async () => {
    const paths = await scene();
    const store = await open(paths);
    await store.create();
    const results = await Promise.allSettled([
      store.updateHubs(add("A")),
      store.updateHubs(() => {
        throw new Error("no");
      }),
      store.updateHubs(add("B")),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(names(await open(paths)), ["DEFAULT", "A", "B"]);
  });

  test("are in the file itself, without a journal, after an orderly end", async () => {
    const paths = await scene();
    const store = await open(paths);
    await store.updateHubs(add("A"));
    await store.close();
    assert.deepEqual((await readdir(join(paths.configFile, ".."))).sort(), [
      "backup.vpn_server.config",
      "vpn_server.config",
    ]);
    assert.match(await readFile(paths.configFile, "utf8"), /declare A\r?\n/);
  });
});

describe("backups", () => {
  test("are numbered, and hold every configuration that was there lately", async () => {
    const paths = await scene();
    const store = await open(paths);
    await store.create();
    for (let index = 0; index < 15; index++) {
      await store.updateHubs(add(`hub${index}`));
      await store.flush();
    }
    const backups = (await readdir(backupDirectoryOf(paths.configFile))).sort();
    assert.equal(backups.at(-1), "00000016_vpn_server.config");
    assert.ok(backups.length >= 10 && backups.length <= 11, backups.join());
    const newest = join(backupDirectoryOf(paths.configFile), backups.at(-1) ?? "");
    assert.deepEqual(await readFile(newest), await readFile(paths.configFile));
    // One of each day before stays.
    await utimes(join(backupDirectoryOf(paths.configFile), backups[0] ?? ""), 0, 0);
    await store.updateHubs(add("last"));
    await store.flush();
    assert.ok((await readdir(backupDirectoryOf(paths.configFile))).includes(backups[0] ?? ""));
  });

  test("are the newest ten, and the last of each of fourteen days before", () => {
    const dayMs = 86_400_000;
    const backups = Array.from({ length: 100 }, (_, index) => ({
      path: String(index),
      number: 1_000 - index,
      writtenAt: 100 * dayMs - index * (dayMs / 2),
    }));
    const superfluous = new Set(superfluousBackups(backups).map(({ path }) => Number(path)));
    const kept = backups.map(({ path }) => Number(path)).filter((index) => !superfluous.has(index));
    assert.deepEqual(kept.slice(0, 9), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(kept.length, 9 + 14);
    const days = kept.slice(9).map((index) => Math.floor((backups[index]?.writtenAt ?? 0) / dayMs));
    assert.equal(new Set(days).size, 14);
  });
});
