import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { parseApplyResult, type ApplyResult } from "../../server/contract/apply-result.ts";
import { parseCheckResult } from "../../server/contract/check-result.ts";
import { parseServerStatus, type RunningStatus } from "../../server/contract/server-status.ts";
import { startChild } from "../devices/support/child.ts";
import { someBytes } from "../devices/support/some-bytes.ts";
import { leaseByDhclient } from "../interop/support/dhclient.ts";
import { VpnClient } from "../interop/support/vpn-client.ts";
import { Lab } from "../lab/lab.ts";
import { until } from "../processes/try-server.ts";
import { WindowsHost, type WindowsRunOptions } from "./support/windows-host.ts";

const stateOnDriveC = "ProgramData/vpnserver";
const someMegabytes = 5_000_000;
const ports = [443, 992, 5555];

describe("the server on Windows, started by a user", () => {
  let lab: Lab;
  let host: WindowsHost;

  before(async () => {
    lab = await Lab.create();
    host = await WindowsHost.create(lab, "windows");
  });
  after(async () => {
    await host?.dispose();
    await lab?.dispose();
  });

  const succeed = async (words: readonly string[], options?: WindowsRunOptions) => {
    const { code, stdout, stderr } = await host.vpnserver(words, options);
    assert.equal(code, 0, `${words.join(" ")}: ${stderr}${stdout}`);
    return stdout;
  };
  /** Also of one whose worker is being started again, which is told by the exit code. */
  const status = async (): Promise<RunningStatus> => {
    const { stdout } = await host.vpnserver(["status", "--json"]);
    const result = parseServerStatus(JSON.parse(stdout));
    assert.ok(result.running);
    return result;
  };
  const apply = async (desired: object): Promise<ApplyResult> =>
    parseApplyResult(JSON.parse(await succeed(["apply", "--json"], { input: JSON.stringify(desired) })));

  test("starts in the background, with all three listeners open", async () => {
    assert.equal(await succeed(["start"]), "SoftEther VPN Server Service Started.\n");
    const { listeners, stateDirectory, worker } = await status();
    assert.deepEqual(
      listeners,
      ports.map((port) => ({ port, state: "Listening" })),
    );
    assert.equal(stateDirectory, "C:\\ProgramData\\vpnserver");
    assert.equal(worker.restarts, 0);
    assert.equal(parseCheckResult(JSON.parse(await succeed(["check", "--json"]))).ok, true);
  });

  test("keeps other users out of its files", async () => {
    // Wine turns the access list of a folder into its mode, with Administrators for the group.
    assert.match(await host.modeOnDriveC(stateOnDriveC), /^7[07]0$/);
    assert.equal(await host.modeOnDriveC("ProgramData"), "755");
  });

  test("a second start says that one runs", async () => {
    const { code, stderr } = await host.vpnserver(["start"]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /already running \(process \d+\)/);
  });

  test("a worker that is killed is started again, and the supervisor stays", async () => {
    const before = await status();
    await host.run("taskkill", ["/f", "/pid", String(before.worker.pid)]);
    await until("another worker", async () => (await status()).worker.restarts === 1, 30_000);
    const now = await status();
    assert.equal(now.supervisor.pid, before.supervisor.pid);
    assert.notEqual(now.worker.pid, before.worker.pid);
    await until("it serves", async () => (await host.vpnserver(["check"])).code === 0, 30_000);
  });

  test("applies a desired state, tells what its SecureNAT does, and that the kernel's way is not there", async () => {
    const users = [{ name: "alice", password: "secret of alice" }];
    const result = await apply({ hubs: [{ name: "DEFAULT", users }] });
    assert.ok(result.changes.includes("hub DEFAULT: user alice created"), result.changes.join("; "));
    const [hub] = (await status()).hubs ?? [];
    assert.equal(hub?.secureNat?.nat, "user");
  });

  test("a vpnclient gets in, an address by DHCP, and out again by SecureNAT", async () => {
    const [station, web] = await Promise.all([lab.station("client"), lab.station("web")]);
    const client = await VpnClient.start(station);
    const server = host.station.address;
    await client.connect({ server, port: 443, user: "alice", password: "secret of alice" });
    const lease = await leaseByDhclient(station, client.card, lab.directory);
    assert.equal(lease["ip_address"], "192.168.30.10");
    await station.run("ip", ["route", "replace", web.address, "via", "192.168.30.1"]);
    await using bytes = startChild(web, "byte-server.ts");
    assert.equal(await bytes.nextLine(), "ready");
    const url = `http://${web.address}:8080/${someMegabytes}`;
    const { stdout } = await station.run("sh", ["-c", 'curl -sS --max-time 60 "$0" | sha256sum', url]);
    const expected = createHash("sha256");
    for (const part of someBytes(someMegabytes)) expected.update(part);
    assert.equal(stdout.split(" ")[0], expected.digest("hex"));
    assert.equal((await status()).sessions, 1);
    await client.disconnect();
  });

  test("says of a local bridge that it is not there", async () => {
    const { stdout } = await host.station.run(
      "vpncmd",
      ["localhost:5555", "/SERVER", "/CMD", "BridgeCreate", "DEFAULT", "/DEVICE:eth0", "/TAP:no"],
      { check: false },
    );
    assert.match(stdout, /\(Error code: 84\)\nLocal Bridge cannot be used by the destination VPN Server/);
  });

  test("stops in order, with the configuration on the disk, and starts with it again", async () => {
    assert.equal(await succeed(["stop"]), "SoftEther VPN Server Service Stopped.\n");
    const stopped = await host.vpnserver(["status"]);
    assert.equal(stopped.code, 4, stopped.stderr);
    assert.match(await host.readDriveC(`${stateOnDriveC}/log/server.log`), /info supervisor ended\n$/);
    assert.match(await host.readDriveC(`${stateOnDriveC}/vpn_server.config`), /declare alice/);
    const again = await host.vpnserver(["stop"]);
    assert.equal(again.code, 4, again.stderr);
    await succeed(["start"]);
    assert.deepEqual(
      (await status()).listeners.map(({ state }) => state),
      ["Listening", "Listening", "Listening"],
    );
  });

  test("a stopped one takes a desired state by its files", async () => {
    await succeed(["stop"]);
    const users = ["alice", "bob"].map((name) => ({ name, password: `secret of ${name}` }));
    const { changes } = await apply({ hubs: [{ name: "DEFAULT", users }] });
    assert.ok(changes.includes("hub DEFAULT: user bob created"), changes.join("; "));
    await succeed(["start"]);
    assert.equal((await apply({ hubs: [{ name: "DEFAULT", users }] })).changed, false);
  });

  test("of two that are started at once, one runs", async () => {
    await succeed(["stop"]);
    const results = await Promise.all([host.vpnserver(["start"]), host.vpnserver(["start"])]);
    assert.deepEqual(
      results.map(({ code }) => code).sort(),
      [0, 3],
      results.map(({ stderr }) => stderr).join(),
    );
    assert.equal((await status()).worker.restarts, 0);
  });

  test("goes on without a port that somebody else has, and takes it when it is free", async () => {
    await succeed(["stop"]);
    const program =
      "require('node:net').createServer().listen(443, '0.0.0.0', () => console.log('listening'))";
    const other = host.station.spawn(process.execPath, ["-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(other.stdout as Readable, "data");
      const { code, stderr } = await host.vpnserver(["start"]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /note: TCP 443: Error \(.*EADDRINUSE.*\); it is tried again every 2 s/);
      assert.deepEqual(
        (await status()).listeners.map(({ state }) => state),
        ["Error", "Listening", "Listening"],
      );
    } finally {
      other.kill("SIGKILL");
    }
    const isOpen = async () => (await status()).listeners.every(({ state }) => state === "Listening");
    await until("the port is open", isOpen, 30_000);
  });

  test("a supervisor that is killed takes its worker along, and leaves nothing that a start stumbles over", async () => {
    const { supervisor, worker } = await status();
    await host.run("taskkill", ["/f", "/pid", String(supervisor.pid)]);
    await until("no server", async () => (await host.vpnserver(["status"])).code === 4, 30_000);
    const isGone = async () => {
      const { stdout } = await host.run("tasklist", []);
      return !new RegExp(`^vpnserver\\.exe.*\\b${worker.pid}\\b`, "m").test(stdout);
    };
    await until("no worker", isGone, 30_000);
    await succeed(["start"]);
    await succeed(["stop"]);
  });

  test("goes without native calls in a folder of the user's own, and nowhere else", async () => {
    const env = { VPNSERVER_NATIVE: "off" };
    const elsewhere = await host.vpnserver(["--state-dir", "C:\\state", "start"], { env });
    assert.equal(elsewhere.code, 7, elsewhere.stderr);
    assert.match(
      elsewhere.stderr,
      /other users cannot be kept out of C:\\state without native calls \(VPNSERVER_NATIVE is off\)/,
    );
    await succeed(["start"], { env });
    const { stateDirectory } = parseServerStatus(JSON.parse(await succeed(["status", "--json"], { env })));
    assert.match(stateDirectory, /^C:\\users\\root\\AppData\\Local\\vpnserver$/i);
    await succeed(["stop"], { env });
  });

  test("runs in a terminal too, until it is told to stop", async () => {
    const running = host.vpnserver(["start", "--foreground"]);
    await until("it serves", async () => (await host.vpnserver(["status"])).code === 0, 30_000);
    await succeed(["stop"]);
    const { code, stdout } = await running;
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^SoftEther VPN Server Service Started\.$/m);
    assert.match(stdout, /info supervisor ended\n$/);
  });
});
