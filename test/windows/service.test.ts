import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseServerStatus, type RunningStatus } from "../../server/contract/server-status.ts";
import { VpnClient } from "../interop/support/vpn-client.ts";
import { Lab } from "../lab/lab.ts";
import { until } from "../processes/try-server.ts";
import { reboot } from "./support/reboot.ts";
import { WindowsHost } from "./support/windows-host.ts";

const key = "HKLM\\System\\CurrentControlSet\\Services\\sevpnserver";
const stateOnDriveC = "ProgramData/vpnserver";

describe("the server on Windows, as a service", () => {
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

  async function succeed(words: readonly string[], input = ""): Promise<string> {
    const { code, stdout, stderr } = await host.vpnserver(words, { input });
    assert.equal(code, 0, `${words.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }
  /** Of a server that runs, whether or not it serves at present. */
  async function status(): Promise<RunningStatus> {
    const { stdout, stderr } = await host.vpnserver(["status", "--json"]);
    const told = parseServerStatus(JSON.parse(stdout || "null"));
    assert.ok(told.running, stdout + stderr);
    return told;
  }
  /** As `sc query` tells it; `undefined` where there is no such service. */
  async function state(): Promise<string | undefined> {
    const { stdout } = await host.run("sc", ["query", "sevpnserver"]);
    return /STATE\s*:\s*\d+\s+(\w+)/.exec(stdout)?.[1];
  }
  const reaches = (wanted: string) => until(wanted, async () => (await state()) === wanted, 60_000);
  async function net(verb: "start" | "stop"): Promise<void> {
    const { code, stdout, stderr } = await host.run("net", [verb, "sevpnserver"]);
    assert.equal(code, 0, stdout + stderr);
  }

  test("without an argument, and with one that is not known, the verbs are listed", async () => {
    for (const [words, wanted] of [
      [[], 2],
      [["/setup_install"], 2],
      [["/help"], 0],
    ] as const) {
      const { code, stdout, stderr } = await host.vpnserver(words);
      assert.equal(code, wanted, stderr);
      assert.match(stdout + stderr, /\/install +install the server as a service/);
    }
  });

  test("/start, /stop and /uninstall say that there is no service", async () => {
    for (const verb of ["/start", "/stop", "/uninstall"]) {
      const { code, stderr } = await host.vpnserver([verb]);
      assert.equal(code, 8, stderr);
      assert.match(stderr, /the service sevpnserver is not installed; to install it: vpnserver \/install/);
    }
  });

  test("/service alone says that Windows has to start it", async () => {
    const { code, stderr } = await host.vpnserver(["/service"]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /was not started as a service, error 1063/);
  });

  test("/install makes a service that starts with Windows, and starts it", async () => {
    assert.match(await succeed(["/INSTALL"]), /was installed as the service sevpnserver, and runs/);
    assert.equal(await state(), "RUNNING");
    const { stdout } = await host.run("reg", ["query", key]);
    assert.match(stdout, /DisplayName +REG_SZ +SoftEther VPN Server$/m);
    assert.match(stdout, /Description +REG_SZ +VPN server that speaks the SoftEther SSL-VPN protocol\./);
    assert.match(stdout, /Start +REG_DWORD +0x2$/m);
    assert.match(stdout, /PreshutdownTimeout +REG_DWORD +0x124f8$/m);
    const command =
      '"C:\\Program Files\\vpnserver\\vpnserver.exe" --state-dir "C:\\ProgramData\\vpnserver" /service';
    assert.ok(stdout.includes(command), stdout);
    assert.deepEqual(
      (await status()).listeners.map(({ port, state: listening }) => [port, listening]),
      [443, 992, 5555].map((port) => [port, "Listening"]),
    );
  });

  test("a vpnclient gets in", async () => {
    const users = [{ name: "alice", password: "secret of alice" }];
    await succeed(["apply"], JSON.stringify({ hubs: [{ name: "DEFAULT", users }] }));
    const client = await VpnClient.start(await lab.station("client"));
    const { address } = host.station;
    await client.connect({ server: address, port: 992, user: "alice", password: "secret of alice" });
    await client.setAddress("192.168.30.99/24");
    assert.ok(await client.reaches("192.168.30.1"));
    assert.equal((await status()).sessions, 1);
    await client.disconnect();
  });

  test("a worker that is killed is started again, and the service goes on", async () => {
    const former = await status();
    await host.run("taskkill", ["/f", "/pid", String(former.worker.pid)]);
    await until("another worker", async () => (await status()).worker.restarts === 1, 30_000);
    assert.equal((await status()).supervisor.pid, former.supervisor.pid);
    assert.equal(await state(), "RUNNING");
    await until("it serves", async () => (await host.vpnserver(["check"])).code === 0, 30_000);
  });

  test("/install when it is installed already asks, and with /silent replaces it", async () => {
    const former = await status();
    const { code, stderr } = await host.vpnserver(["/install"]);
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /is installed already, and there is nobody to ask; to replace it: vpnserver \/install \/silent/,
    );
    assert.equal((await status()).supervisor.pid, former.supervisor.pid);
    await succeed(["/install", "/silent"]);
    assert.notEqual((await status()).supervisor.pid, former.supervisor.pid);
  });

  test("net stop and net start, 20 times, each with the configuration on the disk", async () => {
    for (let round = 1; round <= 20; round++) {
      const name = `user${round}`;
      const changes = round % 5 === 0;
      const users = [
        { name: "alice", password: "secret of alice" },
        { name, anonymous: true },
      ];
      if (changes) await succeed(["apply"], JSON.stringify({ hubs: [{ name: "DEFAULT", users }] }));
      await net("stop");
      await reaches("STOPPED");
      assert.match(await host.readDriveC(`${stateOnDriveC}/log/server.log`), /info supervisor ended\n$/);
      if (changes) {
        const file = await host.readDriveC(`${stateOnDriveC}/vpn_server.config`);
        assert.match(file, new RegExp(`declare ${name}\\b`));
      }
      await net("start");
      await reaches("RUNNING");
    }
    assert.equal((await host.vpnserver(["check"])).code, 0);
  });

  test("/start and /stop do the same, and say so when there is nothing to do", async () => {
    const again = await host.vpnserver(["/start"]);
    assert.equal(again.code, 3, again.stderr);
    assert.match(again.stderr, /runs already; to stop it: vpnserver \/stop/);
    assert.equal(await succeed(["/stop"]), "The service sevpnserver was stopped.\n");
    assert.equal(await state(), "STOPPED");
    const { code, stderr } = await host.vpnserver(["/stop"]);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /does not run; to start it: vpnserver \/start/);
  });

  test("what keeps it from starting is told, with where to look", async () => {
    await succeed(["start"]);
    const { code, stderr } = await host.vpnserver(["/start"]);
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /ended while it started \(exit code 3: .*C:\\ProgramData\\vpnserver\\log\\server\.log/,
    );
    assert.equal(await state(), "STOPPED");
    await succeed(["stop"]);
  });

  test("vpnserver stop ends the service too, in order", async () => {
    assert.equal(await succeed(["/start"]), "The service sevpnserver was started.\n");
    await succeed(["stop"]);
    await reaches("STOPPED");
    const { stdout } = await host.run("sc", ["query", "sevpnserver"]);
    assert.match(stdout, /WIN32_EXIT_CODE +: 0/);
  });

  test("it starts when Windows boots, before anyone logs in", async () => {
    await reboot(host);
    await reaches("RUNNING");
    assert.equal((await host.vpnserver(["check"])).code, 0);
  });

  test("started by hand, it waits for somebody who asks, and an update keeps that", async () => {
    await succeed(["/stop"]);
    await host.run("reg", ["add", key, "/v", "Start", "/t", "REG_DWORD", "/d", "3", "/f"]);
    await reboot(host);
    assert.equal(await state(), "STOPPED");
    assert.equal((await host.vpnserver(["status"])).code, 4);
    await net("start");
    await reaches("RUNNING");
    assert.match(await succeed(["/install", "/silent"]), /It starts on demand, as before/);
    assert.match((await host.run("reg", ["query", key])).stdout, /Start +REG_DWORD +0x3$/m);
  });

  test("/uninstall leaves nothing but the state", async () => {
    const text = await succeed(["/uninstall"]);
    assert.match(text, /was taken away\. Its configuration and logs stay in C:\\ProgramData\\vpnserver/);
    assert.equal(await state(), undefined);
    assert.equal((await host.run("reg", ["query", key])).code, 1);
    assert.equal((await host.vpnserver(["status"])).code, 4);
    assert.match(await host.readDriveC(`${stateOnDriveC}/vpn_server.config`), /declare alice/);
    const { stdout } = await host.run("tasklist", []);
    assert.equal(stdout.match(/vpnserver\.exe/g)?.length ?? 0, 0, stdout);
  });
});
