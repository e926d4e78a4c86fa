import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { anotherRelease, muteRelease } from "../install/release-variants.ts";
import { Lab } from "../lab/lab.ts";
import { footprint, install, resultOf, serverProcesses, statusOf } from "./installed-host.ts";

let releases: string;
let [second, mute] = ["", ""];
before(async () => {
  releases = await mkdtemp(join(tmpdir(), "vpnserver-releases-"));
  second = await anotherRelease(releases, "second");
  mute = await muteRelease(releases);
});
after(() => rm(releases, { recursive: true, force: true }));

test("root gets a service that is enabled and serves on 443, 992 and 5555", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  const result = resultOf(await install(host));
  assert.equal(result.mode, "service");
  assert.equal(result.reason, "systemd runs this host and the user is root");
  assert.deepEqual(
    result.listeners,
    [443, 992, 5555].map((port) => ({ port, state: "Listening" })),
  );
  assert.deepEqual(result.warnings, []);
  assert.equal((await host.run("systemctl is-enabled vpnserver")).stdout, "enabled\n");
  assert.equal((await host.run("vpnserver check")).code, 0);
  assert.match((await host.run("systemctl status vpnserver")).stdout, /Main PID: \d+.*"vpnserver execsvc"/s);
  // What systemd itself has to say about the unit.
  assert.equal((await host.run("systemd-analyze verify vpnserver.service 2>&1")).stdout, "");

  // What the server says reaches the journal of its service, for programs too.
  const { stdout: said } = await host.run("journalctl --unit vpnserver --output cat --no-pager");
  assert.match(said, /^event=server-starting version=/m);
  assert.match(said, /^listener 443: Listening$/m);

  const status = await statusOf(host);
  const again = resultOf(await install(host));
  assert.equal(again.changed, false);
  assert.equal(again.reason, result.reason);
  assert.deepEqual(await statusOf(host), status);
});

test("the service stops in order at a shutdown, is back after the boot, and after it was killed", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  const { tlsFingerprint } = resultOf(await install(host));

  await host.reboot();
  assert.equal((await host.run("systemctl is-active vpnserver")).stdout, "active\n");
  assert.equal((await statusOf(host)).tlsFingerprint, tlsFingerprint);
  assert.match((await host.run("cat /var/lib/vpnserver/log/server.log")).stdout, /supervisor ended/);

  const [former] = await serverProcesses(host);
  await host.run("systemctl kill --signal=KILL vpnserver");
  await until(async () => {
    const processes = await serverProcesses(host);
    return processes.length === 2 && !processes.includes(former ?? 0);
  });
  await until(async () => (await host.run("systemctl is-active vpnserver", { check: false })).code === 0);
  assert.equal((await host.run("vpnserver check")).code, 0);
});

test("a server that somebody stopped stays stopped until the next install, which says so", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  resultOf(await install(host));
  await host.run("vpnserver stop");
  await until(
    async () => (await host.run("systemctl is-active vpnserver", { check: false })).stdout === "inactive\n",
  );

  const end = await install(host);
  assert.match(end.stderr, /the server does not run/);
  assert.equal(resultOf(end).changed, true);
  assert.equal((await host.run("systemctl is-active vpnserver")).stdout, "active\n");
});

test("a server that was started outside of the service is put under it", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  resultOf(await install(host));
  await host.run("systemctl stop vpnserver && vpnserver start");
  assert.equal(resultOf(await install(host)).changed, true);
  assert.equal((await host.run("systemctl is-active vpnserver")).stdout, "active\n");
  assert.equal((await serverProcesses(host)).length, 2);
});

test("the service loads the library for native calls that the installation has put beside its executable", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  resultOf(await install(host));
  const { stdout } = await host.run("stat --format '%U %a %n' /opt/vpnserver/current/koffi-*");
  assert.match(stdout, /^root 644 \/opt\/vpnserver\/current\/koffi-[0-9a-f]{16}\.node\n$/);

  const unit = "/etc/systemd/system/vpnserver.service.d";
  const setting = "[Service]\\nEnvironment=VPNSERVER_NATIVE=on\\n";
  await host.run(`mkdir ${unit} && printf '${setting}' >${unit}/native.conf && systemctl daemon-reload`);
  await host.run("systemctl restart vpnserver");
  await until(async () => (await statusOf(host)).native?.available === true);
  assert.equal((await host.run("ls /var/lib/vpnserver/run | grep -c koffi || true")).stdout, "0\n");

  // Without it, and where it may not be put: it serves all the same.
  await host.run(
    "rm /opt/vpnserver/current/koffi-* && mount --bind -o noexec /var/lib/vpnserver /var/lib/vpnserver",
  );
  await host.run("mount -o remount,bind,noexec /var/lib/vpnserver && systemctl restart vpnserver");
  await until(async () => (await statusOf(host)).native?.available === false);
  const { native } = await statusOf(host);
  assert.match(native?.detail ?? "", /\/run\/koffi-\w+\.node: failed to map segment from shared object/);
  assert.match((await host.run("vpnserver status")).stdout, /^ {2}native calls: none \(.*koffi-\w+\.node/m);
  assert.equal((await host.run("vpnserver check")).code, 0);
});

test("the service may bridge a hub to an interface that is there, and make TAPs", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  resultOf(await install(host));
  await host.run(`echo '{"adminPassword":"secret","hubs":[{"name":"DEFAULT"}]}' | vpnserver apply`);
  await host.run("ip link add near type veth peer name far && ip link set near up && ip link set far up");
  const call = async (method: string, params = {}) => {
    const { stdout } = await lab.outsider.run("curl", [
      ...["--insecure", "--silent", "--show-error", "--max-time", "20", "--user", "administrator:secret"],
      ...["--data", JSON.stringify({ jsonrpc: "2.0", id: "1", method, params })],
      `https://${host.address}/api/`,
    ]);
    const { result } = JSON.parse(stdout) as { readonly result?: unknown };
    assert.ok(result, stdout);
    return result;
  };
  for (const [DeviceName_str, TapMode_bool] of [
    ["near", false],
    ["vpn", true],
  ] as const) {
    await call("AddLocalBridge", { HubNameLB_str: "DEFAULT", DeviceName_str, TapMode_bool });
  }
  const active = async () => {
    type States = { readonly LocalBridgeList: readonly { readonly Active_bool: boolean }[] };
    const states = (await call("EnumLocalBridge")) as States;
    return states.LocalBridgeList.map(({ Active_bool }) => Active_bool);
  };
  assert.deepEqual(await active(), [true, true]);
  await host.run("systemctl restart vpnserver");
  assert.deepEqual(await active(), [true, true]);
  assert.match((await host.run("ip -br link show tap_vpn")).stdout, /UP/);
  // What comes in at the other end of the cable goes through the hub to the TAP, and the answer back.
  await host.run("ip netns add behind && ip link set far netns behind");
  await host.run("ip address add 198.18.9.1/24 dev tap_vpn");
  await host.run("ip -n behind address add 198.18.9.2/24 dev far && ip -n behind link set far up");
  const script = "exec 3<>/dev/tcp/198.18.9.1/22 && head -c 4 <&3";
  assert.equal((await host.run(`ip netns exec behind timeout 20 bash -c '${script}'`)).stdout, "SSH-");
});

describe("the hardening of the service", () => {
  /** The unit of Debian 12's softether-vpnserver 5.01.9674+git20200806+8181039+dfsg2-2, but for the paths. */
  const debian = `[Service]
Type=forking
TasksMax=16777216
ExecStart=/bin/true start
ExecStop=/bin/true stop
KillMode=process
Restart=on-failure
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=strict
RuntimeDirectory=softether
StateDirectory=softether
LogsDirectory=softether
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_RAW CAP_SYS_NICE CAP_SYSLOG CAP_SETUID
`;

  test("is in no point weaker than that of Debian's SoftEther unit, as systemd judges it", async (t) => {
    await using lab = await Lab.create();
    const host = await lab.host("alpha");
    resultOf(await install(host));
    await host.run(`cat > /etc/systemd/system/debian.service <<'END'\n${debian}END\nsystemctl daemon-reload`);
    const judge = async (unit: string) => {
      const { stdout } = await host.run(`systemd-analyze security --json=short ${unit}`);
      const points = JSON.parse(stdout) as { name: string; exposure: string | null }[];
      return new Map(points.map(({ name, exposure }) => [name, Number(exposure ?? 0)]));
    };
    const [ours, theirs] = [await judge("vpnserver.service"), await judge("debian.service")];
    assert.ok(ours.size > 50, `${ours.size} points`);
    for (const [name, exposure] of ours) assert.ok(exposure <= (theirs.get(name) ?? Infinity), name);
    const overall = (await host.run("systemd-analyze security vpnserver.service | tail -1")).stdout;
    t.diagnostic(overall.trim());
    const score = Number(/: ([\d.]+)/.exec(overall)?.[1]);
    assert.ok(score <= 2.5, overall);
  });

  test("leaves the server nothing to write but its state, and no capability but those for low ports and bridges", async () => {
    await using lab = await Lab.create();
    const host = await lab.host("alpha");
    resultOf(await install(host));
    for (const pid of await serverProcesses(host)) {
      const { stdout } = await host.run(`cat /proc/${pid}/status`);
      // CAP_NET_BIND_SERVICE, CAP_NET_ADMIN and CAP_NET_RAW are bits 10, 12 and 13 (linux/capability.h).
      assert.match(stdout, /^CapEff:\t0000000000003400$/m);
      assert.match(stdout, /^NoNewPrivs:\t1$/m);
      assert.match(stdout, /^Seccomp:\t2$/m);
      const inside = (command: string) =>
        host.run(`nsenter --target ${pid} --mount sh -c '${command}'`, { check: false });
      assert.notEqual((await inside("touch /opt/vpnserver/x")).code, 0);
      assert.notEqual((await inside("touch /etc/x")).code, 0);
      assert.notEqual((await inside("ls /root/vpnserver-upload")).code, 0);
      assert.equal((await inside("touch /var/lib/vpnserver/x && rm /var/lib/vpnserver/x")).code, 0);
    }
  });
});

test("an update keeps certificate and previous release; one that does not answer is rolled back", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  const first = resultOf(await install(host));

  const next = resultOf(await install(host, [], { release: second }));
  assert.equal(next.tlsFingerprint, first.tlsFingerprint);
  const status = await statusOf(host);
  assert.equal(status.release, next.sha256);
  const releasesThere = async () =>
    (await host.run("ls /opt/vpnserver/releases")).stdout.trim().split("\n").sort();
  assert.deepEqual(await releasesThere(), [first.sha256, next.sha256].sort());

  const failed = await install(host, ["--health-timeout", "3"], { release: mute });
  assert.equal(failed.code, 9);
  assert.match(failed.stderr, /TCP \d+ does not answer a VPN client/);
  assert.match(failed.stderr, new RegExp(`previous release ${next.sha256} runs again`));
  assert.match(failed.stderr, /The last lines of the log:\n/);
  assert.equal((await statusOf(host)).release, next.sha256);
  assert.equal((await host.run("systemctl is-active vpnserver")).stdout, "active\n");
  assert.deepEqual(await releasesThere(), [first.sha256, next.sha256].sort());
});

test("a first release that does not answer leaves a clean host", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { firewall: "nftables" });
  await host.upload(mute, "vpnserver-upload", { mode: 0o755 });
  const before = await footprint(host);
  const failed = await install(host, ["--health-timeout", "3"], { release: mute });
  assert.equal(failed.code, 6);
  assert.match(failed.stderr, /does not answer a VPN client.*nothing was left on this host/s);
  assert.deepEqual(await serverProcesses(host), []);
  assert.deepEqual(await footprint(host), before);
});

for (const firewall of ["nftables", "ufw"] as const) {
  test(`uninstall --purge leaves a host with ${firewall} as it was`, async () => {
    await using lab = await Lab.create();
    const host = await lab.host("alpha", { firewall });
    await host.run("touch vpnserver-upload && chmod 755 vpnserver-upload");
    const before = await footprint(host);
    resultOf(await install(host));
    assert.notDeepEqual(await footprint(host), before);
    await host.run("vpnserver uninstall --purge");
    assert.deepEqual(await serverProcesses(host), []);
    assert.deepEqual(await footprint(host), before);
    assert.equal((await host.run("systemctl status vpnserver", { check: false })).code, 4);
    assert.equal((await host.run("./vpnserver-upload uninstall", { check: false })).code, 8);
  });
}

test("another server's unit of the same name is left alone, and told about", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  await host.run(
    "printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > /etc/systemd/system/vpnserver.service && systemctl daemon-reload && systemctl start vpnserver",
  );
  await host.upload(second, "vpnserver-upload", { mode: 0o755 });
  const before = await footprint(host);
  const end = await install(host, [], { release: second });
  assert.equal(end.code, 1);
  assert.match(end.stderr, /vpnserver\.service belongs to another server; take that one away first/);
  assert.deepEqual(await footprint(host), before);
  assert.equal((await host.run("systemctl is-active vpnserver")).stdout, "active\n");
});

describe("a user", () => {
  test("with passwordless sudo installs, updates and takes away a service", async () => {
    await using lab = await Lab.create();
    const host = await lab.host("alpha", { users: [{ name: "alice", sudo: "passwordless" }] });
    const result = resultOf(await install(host, [], { user: "alice" }));
    assert.equal(result.mode, "service");
    assert.match(result.reason, /^systemd runs this host and the user "alice" .* sudo/);
    assert.equal(resultOf(await install(host, ["--listeners", "443"], { user: "alice" })).changed, true);
    await host.run("/opt/vpnserver/current/vpnserver uninstall --purge", { user: "alice" });
    assert.deepEqual(await serverProcesses(host), []);
  });

  test("without sudo is told why there is no service mode, and cannot take root's away", async () => {
    await using lab = await Lab.create();
    const host = await lab.host("alpha", { users: [{ name: "bob", sudo: "none" }] });
    resultOf(await install(host));
    const asked = await install(host, ["--mode", "service"], { user: "bob" });
    assert.equal(asked.code, 5);
    assert.match(asked.stderr, /the user "bob" is not root, and sudo .*; run this as root, or/);
    const there = await install(host, ["--mode", "user", "--prefix", "/opt/vpnserver"], { user: "bob" });
    assert.equal(there.code, 2);
    assert.match(there.stderr, /a server is installed in service mode, in \/opt\/vpnserver/);
    const away = await host.run("vpnserver uninstall --purge", { user: "bob", check: false });
    assert.equal(away.code, 5);
    assert.equal((await host.run("vpnserver check")).code, 0);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error("the condition was not met within 20 s");
    await sleep(100);
  }
}
