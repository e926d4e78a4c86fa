import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../unit/transport/loopback.ts";
import { startServerIn, type ServerInTest } from "../unit/worker/running-server.ts";

const password = "of the administrator";
const hubPassword = "of the hub";

let directory: string;
let server: ServerInTest;
let port: number;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpncmd-"));
  port = await freePort();
  server = await startServerIn(directory, (settings) => ({
    ...settings,
    listeners: [{ port, enabled: true }],
  }));
});
after(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

/** Runs the unmodified `vpncmd` of Debian's softether-vpncmd; what it prints, in CSV. */
function run(
  mode: readonly string[],
  command: readonly string[],
  timeoutMs = 30_000,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("vpncmd", [`127.0.0.1:${port}`, "/SERVER", ...mode, "/CSV", "/CMD", ...command], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    let output = "";
    const collect = (chunk: Buffer) => (output += chunk.toString());
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT"
          ? new Error("vpncmd is missing: install the Debian package softether-vpncmd")
          : error,
      ),
    );
    child.on("close", (code) => resolve({ code, output }));
  });
}

async function succeeds(mode: readonly string[], ...command: string[]): Promise<string> {
  const { code, output } = await run(mode, command);
  assert.equal(code, 0, `${command.join(" ")}: ${output}`);
  return output;
}

async function fails(error: number, mode: readonly string[], ...command: string[]): Promise<void> {
  const { code, output } = await run(mode, command);
  assert.equal(code, error, `${command.join(" ")}: ${output}`);
}

const asServer = [`/PASSWORD:${password}`];
const inHub = [...asServer, "/ADMINHUB:Office"];
const asHub = ["/HUB:Office", `/PASSWORD:${hubPassword}`];

// One after the other: each builds on what the ones before it made, as an administrator does.
describe("the official vpncmd", () => {
  test("sets the password of the administrator, who is let in with it alone from then on", async () => {
    await succeeds([], "ServerPasswordSet", password);
    assert.match(await succeeds(asServer, "ServerInfoGet"), /Product Name,pulumi-vpnserver/);
    const before = server.refusals()["login-refused"];
    // It asks for another password again and again, and there is nobody who types one.
    const { output } = await run(["/PASSWORD:wrong"], ["ServerInfoGet"], 3_000);
    assert.doesNotMatch(output, /Product Name/);
    assert.ok(server.refusals()["login-refused"] > before);
  });

  test("has the keep-alive sender send, and stop", async () => {
    const received: string[] = [];
    const socket = createSocket("udp4", (message) => received.push(message.toString()));
    try {
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
      const host = `/HOST:127.0.0.1:${socket.address().port}`;
      await succeeds(asServer, "KeepSet", host, "/PROTOCOL:udp", "/INTERVAL:5");
      await succeeds(asServer, "KeepEnable");
      await until("a packet", () => received.length > 0);
      assert.match(received[0] ?? "", /Keep Alive/);
      await succeeds(asServer, "KeepDisable");
      assert.match(await succeeds(asServer, "KeepGet"), /Current Status,Disable/);
    } finally {
      socket.close();
    }
  });

  test("makes, changes, lists and deletes hubs", async () => {
    await succeeds(asServer, "HubCreate", "Office", `/PASSWORD:${hubPassword}`);
    await succeeds(asServer, "HubCreate", "Other", "/PASSWORD:other");
    await fails(57, asServer, "HubCreate", "OFFICE", "/PASSWORD:again");
    const list = await succeeds(asServer, "HubList");
    assert.match(list, /^Office,Online,Standalone,0,0,0/m);
    await succeeds(inHub, "SetMaxSession", "7");
    await succeeds(inHub, "SetEnumDeny");
    assert.match(await succeeds(inHub, "OptionsGet"), /Maximum Number of Sessions.*,7|7$/m);
    await succeeds(inHub, "Offline");
    assert.match(await succeeds(inHub, "StatusGet"), /^Status,Offline/m);
    await succeeds(inHub, "Online");
    await succeeds(asServer, "HubDelete", "Other");
    await fails(8, asServer, "HubDelete", "Other");
  });

  test("makes users of every kind and groups with policies", async () => {
    const user = (name: string) => [name, "/GROUP:none", "/REALNAME:Real Name", "/NOTE:none"];
    await succeeds(inHub, "GroupCreate", "staff", "/REALNAME:The staff", "/NOTE:none");
    await fails(67, inHub, "GroupCreate", "Staff", "/REALNAME:none", "/NOTE:none");
    await succeeds(inHub, "UserCreate", ...user("alice"));
    await fails(66, inHub, "UserCreate", ...user("ALICE"));
    await succeeds(inHub, "UserPasswordSet", "alice", "/PASSWORD:secret");
    await succeeds(inHub, "UserCreate", ...user("bob"));
    await succeeds(inHub, "UserAnonymousSet", "bob");
    await succeeds(inHub, "GroupJoin", "staff", "/USERNAME:alice");
    await succeeds(inHub, "GroupPolicySet", "staff", "/NAME:MultiLogins", "/VALUE:3");
    await succeeds(inHub, "UserPolicySet", "bob", "/NAME:Access", "/VALUE:no");
    await succeeds(inHub, "UserExpiresSet", "bob", "/EXPIRES:2030/12/31 12:34:56");
    const alice = await succeeds(inHub, "UserGet", "alice");
    assert.match(alice, /^Full Name,Real Name/m);
    assert.match(alice, /^Group Name,staff/m);
    assert.match(alice, /^Auth Type,Password Authentication/m);
    const users = await succeeds(inHub, "UserList");
    assert.match(users, /^alice,Real Name,staff,.*,Password Authentication/m);
    assert.match(users, /^bob,.*Anonymous Authentication/m);
    assert.match(users, /2030-12-31.*12:34:56/);
    assert.match(await succeeds(inHub, "GroupGet", "staff"), /alice/);
    await succeeds(inHub, "UserDelete", "bob");
    await fails(29, inHub, "UserGet", "bob");
    await succeeds(inHub, "GroupUnjoin", "alice");
    await succeeds(inHub, "GroupDelete", "staff");
  });

  test("makes rules of the access list, in the order of their priorities", async () => {
    const rule = [
      "/MEMO:web",
      "/SRCUSERNAME:alice",
      "/DESTUSERNAME:",
      "/SRCMAC:",
      "/DESTMAC:",
      "/SRCIP:10.0.0.0/8",
      "/DESTIP:0.0.0.0/0",
      "/PROTOCOL:tcp",
      "/SRCPORT:",
      "/DESTPORT:80-443",
      "/TCPSTATE:",
    ];
    await succeeds(inHub, "AccessAdd", "discard", "/PRIORITY:20", ...rule);
    await succeeds(inHub, "AccessAdd", "pass", "/PRIORITY:10", ...rule);
    const list = await succeeds(inHub, "AccessList");
    assert.match(
      list,
      /^1,Pass,Enable,10,.*SrcIPv4=10\.0\.0\.0\/8, Protocol=TCP, DstPort=80-443, SrcUser=alice.*web/m,
    );
    assert.match(list, /^2,Discard,Enable,20,/m);
    await succeeds(inHub, "AccessDisable", "1");
    assert.match(await succeeds(inHub, "AccessList"), /^1,Pass,Disable,10/m);
    await succeeds(inHub, "AccessDelete", "2");
    await fails(29, inHub, "AccessDelete", "2");
  });

  test("opens and closes listeners at once", async () => {
    const free = await freePort();
    await succeeds(asServer, "ListenerCreate", String(free));
    assert.match(await succeeds(asServer, "ListenerList"), new RegExp(`^TCP ${free},Listening`, "m"));
    await connects(free);
    await fails(54, asServer, "ListenerCreate", String(free));
    await succeeds(asServer, "ListenerDisable", String(free));
    assert.match(
      await succeeds(asServer, "ListenerList"),
      new RegExp(`^TCP ${free},Offline|^TCP ${free},Stopped`, "m"),
    );
    await assert.rejects(connects(free), { code: "ECONNREFUSED" });
    await succeeds(asServer, "ListenerDelete", String(free));
    await fails(53, asServer, "ListenerDelete", String(free));
  });

  test("regenerates the certificate, which the next connection shows", async () => {
    const former = server.identity.current.fingerprint;
    await succeeds(asServer, "ServerCertRegenerate", "vpn.example.org");
    assert.notEqual(server.identity.current.fingerprint, former);
    await succeeds(asServer, "ServerCertGet", "shown.crt");
  });

  test("lets a hub's administrator into its own hub alone", async () => {
    assert.match(await succeeds(asHub, "UserList"), /^alice,/m);
    assert.doesNotMatch(await succeeds(asHub, "HubList"), /DEFAULT/);
    await fails(52, asHub, "HubCreate", "Mine", "/PASSWORD:x");
    await fails(52, asHub, "ConfigGet", "stolen.config");
    await fails(52, asHub, "ServerPasswordSet", "mine");
    await fails(52, asHub, "ListenerCreate", "1234");
  });

  test("answers what the server does not have with an error, and never hangs", async () => {
    await fails(33, asServer, "RouterAdd", "switch");
    await fails(33, asServer, "LicenseList");
    await fails(84, asServer, "BridgeCreate", "Office", "/DEVICE:eth0", "/TAP:no");
    assert.match(await succeeds(asServer, "RouterList"), /Layer 3 Switch Name|^/);
    assert.match(await succeeds(inHub, "CascadeList"), /^/);
  });

  test("gets the configuration, and sets it again", async () => {
    await succeeds(asServer, "ConfigGet", "saved.config");
    await succeeds(inHub, "UserDelete", "alice");
    await succeeds(asServer, "ConfigSet", "saved.config");
  });
});

async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  return new Promise((resolve, reject) => {
    const holder = createServer();
    holder.on("error", reject);
    holder.listen(0, "127.0.0.1", () => {
      const address = holder.address();
      holder.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function connects(to: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(to, "127.0.0.1", () => {
      socket.destroy();
      resolve();
    });
    socket.on("error", reject);
  });
}
