import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseInstallResult, type InstallResult } from "../../server/contract/install-result.ts";
import { parseServerStatus, type RunningStatus } from "../../server/contract/server-status.ts";
import { parseUninstallResult } from "../../server/contract/uninstall-result.ts";
import { Lab } from "../lab/lab.ts";
import { until } from "../processes/try-server.ts";
import { reboot } from "./support/reboot.ts";
import { WindowsHost } from "./support/windows-host.ts";

const built = join(import.meta.dirname, "../../dist/vpnserver-windows-x64.exe");
const driveC = "/root/.wine/drive_c";
const prefix = "C:\\Program Files\\vpnserver";
const prefixOnDriveC = "Program Files/vpnserver";
const state = "C:\\ProgramData\\vpnserver";
const ownPrefix = "C:\\users\\root\\AppData\\Local\\Programs\\vpnserver";
const users = [{ name: "alice", password: "secret of alice" }];

/** Bytes after the end make it another release, which does the same. */
const releases = ["", "-", "--"];

describe("install and uninstall on Windows", () => {
  let lab: Lab;
  let host: WindowsHost;
  /** SHA-256 of each release. */
  let names: string[];

  before(async () => {
    lab = await Lab.create();
    host = await WindowsHost.create(lab, "windows");
    names = await Promise.all(releases.map(sha256With));
    // Where an administrator has downloaded them.
    await host.shell(`mkdir ${driveC}/download; mv "${driveC}/${prefixOnDriveC}/vpnserver.exe" ${driveC}/download/0.exe
      rmdir "${driveC}/${prefixOnDriveC}"
      cd ${driveC}/download; for n in 1 2; do cp 0.exe $n.exe; done; printf %s - >>1.exe; printf %s -- >>2.exe`);
  });
  after(async () => {
    await host?.dispose();
    await lab?.dispose();
  });

  const run = (release: number, words: readonly string[], input = "") =>
    host.run(`C:\\download\\${release}.exe`, words, { input, timeoutMs: 120_000 });
  async function succeed(release: number, words: readonly string[], input = ""): Promise<string> {
    const { code, stdout, stderr } = await run(release, words, input);
    assert.equal(code, 0, `${words.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }
  async function install(release: number, words: readonly string[] = []): Promise<InstallResult> {
    return parseInstallResult(JSON.parse(await succeed(release, ["install", "--json", ...words])));
  }
  async function status(): Promise<RunningStatus> {
    const { stdout, stderr } = await run(0, ["status", "--json"]);
    const told = parseServerStatus(JSON.parse(stdout || "null"));
    assert.ok(told.running, stdout + stderr);
    return told;
  }
  /** Command line of the service; `undefined` where there is none. */
  async function registered(): Promise<string | undefined> {
    const key = "HKLM\\System\\CurrentControlSet\\Services\\sevpnserver";
    const { stdout } = await host.run("reg", ["query", key, "/v", "ImagePath"]);
    return /ImagePath\s+REG\w*SZ\s+(.*\S)/.exec(stdout)?.[1];
  }
  async function serviceState(): Promise<string | undefined> {
    const { stdout } = await host.run("sc", ["query", "sevpnserver"]);
    return /STATE\s*:\s*\d+\s+(\w+)/.exec(stdout)?.[1];
  }
  const commandOf = (release: number) =>
    `"${prefix}\\releases\\${names[release]}\\vpnserver.exe" --state-dir "${state}" /service`;
  const isOnDriveC = async (path: string) =>
    (await host.shell(`test -e "${driveC}/${path}" && echo yes || echo no`)).trim() === "yes";

  test("install makes a service of a copy, and gives each listener a handshake", async () => {
    const result = await install(0);
    assert.deepEqual(
      [result.mode, result.prefix, result.stateDirectory, result.sha256, result.changed],
      ["service", prefix, state, names[0], true],
    );
    assert.match(result.reason, /^Windows runs this host and the user ".*" is an administrator$/);
    assert.deepEqual(
      result.listeners.map(({ port, state: listening }) => [port, listening]),
      [443, 992, 5555].map((port) => [port, "Listening"]),
    );
    assert.equal(await registered(), commandOf(0));
    assert.equal(await serviceState(), "RUNNING");
    const { release, executable } = await status();
    assert.deepEqual([release, executable], [names[0], `${prefix}\\releases\\${names[0]}\\vpnserver.exe`]);
    await succeed(0, ["apply"], JSON.stringify({ hubs: [{ name: "DEFAULT", users }] }));
  });

  test("the command file runs the release, with all arguments", async () => {
    const text = await host.shell(`cd "${driveC}/${prefixOnDriveC}"
      for command in check begin; do
        code=0; wine cmd /c vpnserver.cmd $command </dev/null >/tmp/out 2>&1 || code=$?
        echo "$command $code"; cat /tmp/out
      done`);
    assert.match(text, /^check 0$/m);
    assert.match(text, /unknown command 'begin'/);
  });

  test("install again changes nothing, and the server runs on", async () => {
    // Wine's netsh knows no rules, so that ours would be missing each time.
    await install(0, ["--no-open-firewall"]);
    const { supervisor } = await status();
    assert.equal((await install(0, ["--no-open-firewall"])).changed, false);
    assert.equal((await status()).supervisor.pid, supervisor.pid);
  });

  test("another release takes its place, and the former one stays beside it", async () => {
    const result = await install(1);
    assert.deepEqual([result.sha256, result.changed], [names[1], true]);
    assert.equal(await registered(), commandOf(1));
    assert.equal((await status()).release, names[1]);
    const record = JSON.parse(await host.readDriveC(`${prefixOnDriveC}/install.json`)) as object;
    assert.deepEqual(
      { ...record, folders: [], firewall: {} },
      {
        ...{ format: 1, mode: "service", stateDirectory: state, folders: [], links: [], firewall: {} },
        ...{ release: names[1], previousRelease: names[0] },
      },
    );
    assert.match(await host.readDriveC(`${prefixOnDriveC}/vpnserver.cmd`), new RegExp(names[1] ?? "-"));
    assert.match(await host.readDriveC("ProgramData/vpnserver/vpn_server.config"), /declare alice\b/);
  });

  test("a release that does not serve gives way to the former one", async () => {
    const other = host.station.spawn(
      process.execPath,
      ["-e", "require('net').createServer().listen(8443, '::', () => console.log('listening'))"],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    assert.ok(other.stdout);
    await once(other.stdout, "data");
    try {
      const words = ["install", "--listeners", "8443", "--health-timeout", "15"];
      const { code, stderr } = await run(2, words);
      assert.equal(code, 9, stderr);
      assert.match(stderr, new RegExp(`the previous release ${names[1]} runs again`));
    } finally {
      other.kill();
    }
    assert.equal(await registered(), commandOf(1));
    assert.equal((await status()).release, names[1]);
    await succeed(1, ["check"]);
    assert.equal(await isOnDriveC(`${prefixOnDriveC}/releases/${names[2]}`), false);
  });

  test("what is half gone is put right", async () => {
    await host.run("net", ["stop", "sevpnserver"]);
    await until("stopped", async () => (await serviceState()) === "STOPPED", 60_000);
    await host.run("sc", ["delete", "sevpnserver"]);
    await host.shell(
      `cd "${driveC}/${prefixOnDriveC}"; rm vpnserver.cmd; mkdir releases/.staging-0123456789ab`,
    );
    assert.equal((await install(1)).changed, true);
    assert.equal(await registered(), commandOf(1));
    assert.equal(await serviceState(), "RUNNING");
    assert.equal(await isOnDriveC(`${prefixOnDriveC}/releases/.staging-0123456789ab`), false);
  });

  test("it starts when Windows boots, before anyone logs in", async () => {
    await reboot(host);
    await until("running", async () => (await serviceState()) === "RUNNING", 60_000);
    await succeed(1, ["check"]);
  });

  test("another deployment gets neither the server nor its end", async () => {
    const owner = (id: string) => ["--owner-id", id, "--owner-stack", "x", "--owner-name", id];
    await install(1, owner("deployment-1"));
    const { code, stderr } = await run(1, ["install", ...owner("deployment-2"), "--owner-stack", "y"]);
    assert.equal(code, 12, stderr);
    const left = await succeed(1, ["uninstall", "--owner-id", "deployment-2", "--json"]);
    assert.equal(parseUninstallResult(JSON.parse(left)).removed, false);
    assert.equal(await serviceState(), "RUNNING");
  });

  test("uninstall leaves the state alone", async () => {
    const { removed, kept } = parseUninstallResult(JSON.parse(await succeed(1, ["uninstall", "--json"])));
    assert.deepEqual([removed, kept], [true, [state]]);
    assert.equal(await registered(), undefined);
    await until("the folder is gone", async () => !(await isOnDriveC(prefixOnDriveC)), 60_000);
    assert.match(await host.readDriveC("ProgramData/vpnserver/vpn_server.config"), /declare alice\b/);
    const again = await run(0, ["uninstall"]);
    assert.equal(again.code, 8, again.stderr);
  });

  test("a service that /install made is left as it is, and nothing is put there", async () => {
    await succeed(0, ["/install"]);
    const command = await registered();
    const { code, stderr } = await run(1, ["install"]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /runs C:\\download\\0\.exe, .*"C:\\download\\0\.exe" \/uninstall/);
    assert.deepEqual([await registered(), await serviceState()], [command, "RUNNING"]);
    assert.equal(await isOnDriveC(prefixOnDriveC), false);
    await succeed(0, ["/uninstall"]);
  });

  test("in user mode it runs in the background, and goes with all that it kept", async () => {
    const result = await install(0, ["--mode", "user"]);
    assert.deepEqual(
      [result.mode, result.prefix, result.changed, result.firewall.manager],
      ["user", ownPrefix, true, "unmanaged"],
    );
    assert.equal(await registered(), undefined);
    const program = `${ownPrefix}\\releases\\${names[0]}\\vpnserver.exe`;
    const check = await host.run(program, ["check"]);
    assert.equal(check.code, 0, check.stderr);
    assert.equal((await install(0, ["--mode", "user"])).changed, false);
    await succeed(0, ["uninstall", "--purge"]);
    const own = "users/root/AppData/Local";
    await until("gone", async () => !(await isOnDriveC(`${own}/Programs/vpnserver`)), 60_000);
    assert.equal(await isOnDriveC(`${own}/vpnserver/vpn_server.config`), false);
    const { stdout } = await host.run("tasklist", []);
    assert.doesNotMatch(stdout, /vpnserver\.exe/);
  });
});

async function sha256With(more: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(built)) hash.update(chunk as Buffer);
  return hash.update(more).digest("hex");
}
