import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FoundFile } from "../../../server/logs/log-files.ts";
import { LogKeeper } from "../../../server/logs/log-keeper.ts";
import { silent, until } from "../transport/loopback.ts";

const bounds = { kindBytes: 100, kindFiles: 3, sweepBytes: 50 };

function createKeeper(files: FoundFile[]) {
  const lines: string[] = [];
  const keeper = new LogKeeper({
    files: {
      list: () => Promise.resolve([...files]),
      remove: (path) => {
        files.splice(
          files.findIndex((file) => file.path === path),
          1,
        );
        return Promise.resolve();
      },
    },
    log: { ...silent, info: (line) => lines.push(line), warn: (line) => lines.push(line) },
    bounds,
  });
  return { keeper, lines };
}

const file = (path: string, bytes: number, updatedAt: number): FoundFile => ({
  path,
  hubName: undefined,
  bytes,
  updatedAt,
});

describe("the keeper of log files", () => {
  test("removes the oldest of a kind beyond its bytes, of all hubs together", async () => {
    const files = [
      file("security_log/A/new.log", 40, 3),
      file("security_log/A/old.log", 40, 1),
      file("security_log/B/middle.log", 40, 2),
      file("packet_log/A/older.log", 90, 0),
    ];
    const { keeper, lines } = createKeeper(files);
    await keeper.sweep();
    assert.deepEqual(
      files.map(({ path }) => path),
      ["security_log/A/new.log", "security_log/B/middle.log", "packet_log/A/older.log"],
    );
    assert.deepEqual(lines, ["removed the 1 oldest files of security_log, for its bounds"]);
  });

  test("removes the oldest of a kind beyond their number", async () => {
    const files = [4, 2, 5, 1, 3].map((at) => file(`server_log/${at}.log`, 1, at));
    await createKeeper(files).keeper.sweep();
    assert.deepEqual(
      files.map(({ path }) => path),
      ["server_log/4.log", "server_log/5.log", "server_log/3.log"],
    );
  });

  test("goes through many files once", async () => {
    const files = Array.from({ length: 200_000 }, (_, index) => file(`packet_log/A/${index}.log`, 1, index));
    const keeper = new LogKeeper({
      files: { list: () => Promise.resolve(files), remove: () => Promise.resolve() },
      log: silent,
      bounds: { kindBytes: 1e9, kindFiles: 1e9, sweepBytes: 1e9 },
    });
    const before = process.cpuUsage();
    await keeper.sweep();
    const { user, system } = process.cpuUsage(before);
    // To copy what was found for each file that is found takes minutes.
    assert.ok(user + system < 5e6, `${(user + system) / 1e6} s`);
  });

  test("leaves the journal's own files alone", async () => {
    const files = [file("server.log", 500, 0), file("server.log.1", 500, 0)];
    await createKeeper(files).keeper.sweep();
    assert.equal(files.length, 2);
  });

  test("looks again when enough was written since", async () => {
    const files: FoundFile[] = [];
    const { keeper } = createKeeper(files);
    files.push(file("server_log/1.log", 200, 1), file("server_log/2.log", 60, 2));
    keeper.wrote(bounds.sweepBytes - 1);
    assert.equal(files.length, 2);
    keeper.wrote(1);
    await until("a sweep", () => files.length === 1);
  });

  test("tells once that it cannot", async () => {
    const lines: string[] = [];
    const keeper = new LogKeeper({
      files: { list: () => Promise.reject(new Error("EIO")), remove: () => Promise.resolve() },
      log: { ...silent, warn: (line) => lines.push(line) },
    });
    await keeper.sweep();
    await keeper.sweep();
    assert.deepEqual(lines, ["cannot remove old log files: EIO"]);
  });
});
