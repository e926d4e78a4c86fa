import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { logLimits } from "../../server/limits.ts";
import { RpcClient } from "../crash/rpc-client.ts";
import { removeShared, TryServer, until } from "../processes/try-server.ts";

const run = promisify(execFile);

/** Of the file system that holds the logs. */
const diskBytes = 512 * 1024;

let server: TryServer;
let client: RpcClient;
let downloads: string;

before(async () => {
  downloads = await mkdtemp(join(tmpdir(), "log-files-"));
  server = await TryServer.create();
  const options = `size=${diskBytes},mode=700`;
  await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", server.paths.logDirectory]);
  await server.start();
  client = new RpcClient(server.ports[0] ?? 0);
});
after(async () => {
  client?.close();
  if (server !== undefined) {
    await run("umount", ["--lazy", server.paths.logDirectory]);
    await server.dispose();
  }
  await rm(downloads, { recursive: true, force: true });
  await removeShared();
});

/** What the unmodified `vpncmd` prints. */
async function vpncmd(...command: string[]): Promise<string> {
  const place = `127.0.0.1:${server.ports[0]}`;
  const { stdout } = await run("vpncmd", [place, "/SERVER", "/CSV", "/CMD", ...command], { timeout: 30_000 });
  return stdout;
}

let users = 0;
const createUser = () => client.call("CreateUser", { HubName_str: "DEFAULT", Name_str: `user${++users}` });

/** All log files of one kind in one, in their order. */
async function linesOf(kind: string): Promise<string[]> {
  const folder = join(server.paths.logDirectory, kind);
  // Made with the first line.
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = files.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const texts = await Promise.all(paths.sort().map((path) => readFile(path, "utf8")));
  return texts.join("").split("\r\n").slice(0, -1);
}

// One after the other: each goes on where the one before it ended.
describe("the logs of a server", () => {
  test("are listed and delivered by vpncmd, with their folders", async () => {
    await createUser();
    await until("the line of it", async () => /CreateUser/.test((await linesOf("security_log")).join()));
    const list = await vpncmd("LogFileList");
    const path = /^security_log\/DEFAULT\/sec_\d{8}\.log/m.exec(list)?.[0];
    assert.ok(path, list);
    assert.match(list, /^server_log\/vpn_\d{8}\.log,/m);
    const saved = join(downloads, "saved.log");
    await vpncmd("LogFileGet", path, "/SERVER:", `/SAVEPATH:${saved}`);
    assert.match(
      await server.log(),
      / event=administration method=CreateUser Name=user1 hub=DEFAULT administrator=server peer=127\.0\.0\.1 connection=CID-\d+ result=done$/m,
    );
    assert.match(
      await readFile(saved, "utf8"),
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} administration: .*: CreateUser of hub "DEFAULT", Name "user1": done\r$/m,
    );
  });

  test("have a wrong password in the server log and as a line for programs, without the password", async () => {
    await run("curl", ["-sk", "-u", "administrator:wr0ng", `https://127.0.0.1:${server.ports[0]}/api/`]);
    await until("the line", async () => /refused as/.test((await linesOf("server_log")).join("\n")));
    const journal = await server.log();
    assert.match(
      journal,
      /event=administrator-login administrator=server peer=127\.0\.0\.1 .*result=accessDenied/,
    );
    assert.doesNotMatch(journal + (await linesOf("server_log")).join("\n"), /wr0ng/);
  });

  test("go to a syslog server by UDP, as vpncmd sets it", async () => {
    const received: string[] = [];
    const socket = createSocket("udp4", (message) => received.push(message.toString()));
    try {
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
      const { port } = socket.address();
      await vpncmd("SyslogEnable", "2", `/HOST:127.0.0.1:${port}`);
      await createUser();
      await until("both lines", () => received.some((line) => line.includes("<SECURITY_LOG>")));
      const begin = `[${hostname()}/VPN/DEFAULT] (`;
      assert.ok(
        received.some((line) => line.startsWith(begin) && line.includes("CreateUser")),
        received.join("\n"),
      );
      assert.ok(
        received.some((line) => line.startsWith(`[${hostname()}/VPN] (`)),
        received.join("\n"),
      );
      await vpncmd("SyslogDisable");
      // What was on its way has come when this has.
      const count = () => received.length;
      const before = count();
      await createUser();
      await createUser();
      assert.ok(count() - before <= 2, received.slice(before).join("\n"));
    } finally {
      socket.close();
    }
  });

  test("stop on a full disk, and the server does not", async () => {
    const filler = join(server.paths.logDirectory, "filler");
    const before = await server.status();
    const file = await open(filler, "w");
    const block = Buffer.alloc(4096, "x");
    const filled = await (async () => {
      for (let bytes = 0; bytes <= 2 * diskBytes; bytes += block.length) await file.write(block);
    })().catch((error: NodeJS.ErrnoException) => error.code);
    await file.close();
    assert.equal(filled, "ENOSPC");

    // For longer than lines wait, and more of them than fit into what is left of the last block of each file.
    const begin = performance.now();
    while (users < 100 || performance.now() - begin < 2 * logLimits.flushMs) {
      await createUser();
      await sleep(10);
    }
    const found = await client.call("EnumUser", { HubName_str: "DEFAULT" });
    assert.equal((found["UserList"] as unknown[]).length, users);
    assert.match(await vpncmd("ServerStatusGet"), /Standalone Server/);

    const lost = (await linesOf("security_log")).filter((line) => line.includes("CreateUser")).length;
    assert.ok(lost < users, "the disk was not full");
    await rm(filler);
    await createUser();
    const isTold = (lines: string[]) => lines.some((line) => / \d+ lines were dropped$/.test(line));
    for (const kind of ["security_log", "server_log"]) {
      await until(`${kind} to tell of it`, async () => isTold(await linesOf(kind)));
      // None was written in part.
      for (const line of await linesOf(kind)) {
        assert.match(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} /);
        assert.doesNotMatch(line.slice(20), /\d{4}-\d\d-\d\d \d\d:/);
      }
    }
    for (const line of (await server.log()).trimEnd().split("\n")) assert.match(line, /^\d{4}-\d\d-\d\dT/);
    const now = await server.status();
    assert.deepEqual([now.worker, now.supervisor], [before.worker, before.supervisor]);
  });
});
