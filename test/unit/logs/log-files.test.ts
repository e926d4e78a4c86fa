import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LogFiles } from "../../../server/logs/log-files.ts";
import { folderNameOf } from "../../../server/logs/log-writer.ts";

const hubs = ["OFFICE", "two words", "a/b", ".."];
const paths = [
  "vpnserver.log",
  "vpnserver.log.1",
  "server_log/vpn_20260101.log",
  "security_log/GONE/sec_20260101.log",
  ...hubs.map((hub) => `security_log/${folderNameOf(hub)}/sec_20260101.log`),
  `packet_log/${folderNameOf("a/b")}/pkt_20260101.log`,
];
let outer = "";
let directory = "";
let files: LogFiles;

before(async () => {
  outer = await mkdtemp(join(tmpdir(), "log-files-"));
  directory = join(outer, "log");
  for (const path of [...paths, "server_log/other.txt", "../outside.log"]) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), path);
  }
  await symlink("/etc/passwd", join(directory, "server_log/link.log"));
  await mkdir(join(directory, "server_log/folder.log"));
  files = new LogFiles({ directory, hubNames: () => hubs });
});
after(() => rm(outer, { recursive: true, force: true }));

describe("log files", () => {
  test("are found one by one as the list has them, with their hubs", async () => {
    const listed = await files.list();
    assert.deepEqual(listed.map(({ path }) => path).sort(), [...paths].sort());
    for (const file of listed) assert.deepEqual(await files.find(file.path), file);
    const owners = new Set(listed.map(({ hubName }) => hubName));
    assert.deepEqual(owners, new Set([undefined, ...hubs]));
  });

  for (const path of [
    ...["", "server_log", "server_log/", "server_log/other.txt", "server_log/none.log"],
    // A link and a folder.
    ...["server_log/link.log", "server_log/folder.log"],
    ...["../outside.log", "server_log/../vpnserver.log", "security_log/../vpnserver.log"],
    ...["security_log/../../outside.log", "security_log/./sec.log", "/etc/passwd.log", "./vpnserver.log"],
    ...["security_log/sec_20260101.log", "other/vpn.log", "vpnserver.log/x.log", "a\0.log"],
    `${"x".repeat(5_000)}.log`,
  ]) {
    test(`nothing else is: ${JSON.stringify(path.slice(0, 40))}`, async () => {
      assert.equal(await files.find(path), undefined);
    });
  }
});
