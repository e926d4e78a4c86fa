import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { anotherRelease, muteRelease } from "../install/release-variants.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { footprint, install, reachable, resultOf, serverProcesses, statusOf } from "./installed-host.ts";

const script = "/etc/init.d/vpnserver";
const systems = [
  {
    bootSystem: "sysv",
    title: "SysV init",
    service: "service vpnserver",
    link: "/etc/rc2.d/S[0-9][0-9]vpnserver",
  },
  // Debian's own `service` is for scripts of SysV init: it takes the mark away by which OpenRC knows that a service runs.
  {
    bootSystem: "openrc",
    title: "OpenRC",
    service: "rc-service vpnserver",
    link: "/etc/runlevels/default/vpnserver",
  },
] as const;

let releases: string;
let [second, mute] = ["", ""];
before(async () => {
  releases = await mkdtemp(join(tmpdir(), "vpnserver-releases-"));
  second = await anotherRelease(releases, "second");
  mute = await muteRelease(releases);
});
after(() => rm(releases, { recursive: true, force: true }));

/** Exit code of a command. */
async function codeOf(host: Host, command: string): Promise<number> {
  return (await host.run(command, { check: false })).code;
}

for (const { bootSystem, title, service, link } of systems) {
  describe(`a host that is run by ${title}`, () => {
    test("gets a service that the usual verbs work with, that starts at boot and stops in order", async () => {
      await using lab = await Lab.create();
      const host = await lab.host("alpha", { bootSystem });
      await host.run("touch vpnserver-upload && chmod 755 vpnserver-upload");
      const clean = await footprint(host);
      const result = resultOf(await install(host));
      assert.equal(result.mode, "service");
      assert.equal(result.reason, `${title} runs this host and the user is root`);
      assert.deepEqual(
        result.listeners,
        [443, 992, 5555].map((port) => ({ port, state: "Listening" })),
      );
      assert.deepEqual(result.warnings, []);
      await host.run(`test -e ${link}`);
      const status = await statusOf(host);
      assert.equal(resultOf(await install(host)).changed, false);
      assert.deepEqual(await statusOf(host), status);

      assert.equal(await codeOf(host, `${service} status`), 0);
      await host.run(`${service} stop`);
      assert.deepEqual(await serverProcesses(host), []);
      assert.equal(await codeOf(host, `${service} status`), 3);
      await host.run(`${service} start`);
      const [former] = await serverProcesses(host);
      await host.run(`${service} restart`);
      const processes = await serverProcesses(host);
      assert.equal(processes.length, 2);
      assert.ok(!processes.includes(former ?? 0));
      assert.equal((await host.run("vpnserver check")).code, 0);

      // What was acknowledged a moment before is there after the boot, and the server has ended in order.
      await host.run(`echo '{"hubs":[{"name":"LATE","online":true}]}' | vpnserver apply`);
      await host.reboot();
      const { hubs, tlsFingerprint } = await statusOf(host);
      assert.ok(hubs?.some(({ name }) => name === "LATE"));
      assert.equal(tlsFingerprint, result.tlsFingerprint);
      const log = (await host.run("cat /var/lib/vpnserver/log/server.log")).stdout;
      assert.match(
        log,
        /worker \d+ ended with exit code 0\n.* supervisor ended\n(?:(?!supervisor ended)[^])*$/,
      );
      assert.equal(await codeOf(host, `${service} status`), 0);

      await host.run("vpnserver uninstall --purge");
      assert.deepEqual(await serverProcesses(host), []);
      assert.deepEqual(await footprint(host), clean);
    });

    test("gets updates, and the former release back from one that does not answer", async () => {
      await using lab = await Lab.create();
      const host = await lab.host("alpha", { bootSystem });
      const first = resultOf(await install(host));
      const next = resultOf(await install(host, [], { release: second }));
      assert.notEqual(next.sha256, first.sha256);
      const failed = await install(host, ["--health-timeout", "3"], { release: mute });
      assert.equal(failed.code, 9);
      assert.match(failed.stderr, new RegExp(`previous release ${next.sha256} runs again`));
      assert.equal((await statusOf(host)).release, next.sha256);

      // Nobody watches the supervisor here: its worker ends with it, and the next install starts both.
      await host.run("kill -9 $(cat /var/lib/vpnserver/run/vpnserver.pid)");
      await host.run(
        "timeout 10 sh -c 'while pgrep -f \"[v]pnserver execsvc\" >/dev/null; do sleep 0.1; done'",
      );
      assert.notEqual(await codeOf(host, `${service} status`), 0);
      assert.equal(resultOf(await install(host, [], { release: second })).changed, true);
      assert.equal(await codeOf(host, `${service} status`), 0);

      // One that was started by hand is put under the service, and one that was taken out of the boot is put back.
      await host.run(`${service} stop && vpnserver start && rm -f /etc/rc?.d/*vpnserver ${link}`);
      assert.equal(resultOf(await install(host, [], { release: second })).changed, true);
      await host.run(`test -e ${link}`);
      assert.equal((await serverProcesses(host)).length, 2);
      assert.equal(await codeOf(host, `${service} status`), 0);
    });

    test("lets others in through its firewall, also after a boot, until uninstall", async () => {
      await using lab = await Lab.create();
      const host = await lab.host("alpha", { bootSystem, firewall: "nftables" });
      const ports = [22, 443, 992, 5555];
      const { firewall } = resultOf(await install(host));
      assert.match(firewall.message, /each start of the service opens them again/);
      assert.deepEqual(await reachable(lab, host, ports), ports);
      await host.reboot();
      assert.deepEqual(await reachable(lab, host, ports), ports);
      assert.equal(resultOf(await install(host)).changed, false);
      await host.run("vpnserver uninstall");
      assert.doesNotMatch((await host.run("nft list ruleset; cat /etc/nftables.conf")).stdout, /vpnserver/);
    });

    test("keeps another server's script of that name, and says so", async () => {
      await using lab = await Lab.create();
      const host = await lab.host("alpha", { bootSystem });
      await host.run(`printf '#!/bin/sh\\nexit 0\\n' > ${script} && chmod 755 ${script}`);
      await host.run("touch vpnserver-upload && chmod 755 vpnserver-upload");
      const before = await footprint(host);
      const end = await install(host);
      assert.equal(end.code, 1);
      assert.match(
        end.stderr,
        /\/etc\/init\.d\/vpnserver belongs to another server; take that one away first/,
      );
      assert.deepEqual(await footprint(host), before);
    });

    test("serves a user with sudo by a service, and one without by a process that stays after logging off", async () => {
      await using lab = await Lab.create();
      const users = [
        { name: "alice", sudo: "passwordless" },
        { name: "bob", sudo: "none" },
      ] as const;
      const host = await lab.host("alpha", { bootSystem, users });
      const own = resultOf(await install(host, ["--mode", "user", "--listeners", "8443"], { user: "bob" }));
      assert.deepEqual([own.mode, own.warnings], ["user", []]);
      await host.console("pkill -u bob -x sshd; sleep 0.2; true");
      assert.equal((await serverProcesses(host)).length, 2);
      const service = resultOf(await install(host, [], { user: "alice" }));
      assert.equal(service.reason, `${title} runs this host and the user "alice" became root by sudo`);
      await host.run("/opt/vpnserver/current/vpnserver uninstall --purge", { user: "alice" });
      await host.run(`test ! -e ${script}`);
    });
  });
}

test("a host that systemd runs is not taken for one of another init system by what others have left there", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  // Its own pipe for those that speak to the init of System V is there, too.
  await host.run("test -p /run/initctl && mkdir -p /run/openrc && echo default > /run/openrc/softlevel");
  await host.run("printf '#!/bin/sh\\n' > /usr/sbin/update-rc.d && chmod 755 /usr/sbin/update-rc.d");
  assert.match(resultOf(await install(host)).reason, /^systemd runs this host/);
});

test("a service that another init system ran before leaves nothing of that either", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { bootSystem: "sysv" });
  await host.run("touch vpnserver-upload && chmod 755 vpnserver-upload");
  const clean = await footprint(host);
  resultOf(await install(host));
  // As an installation under systemd has left it, on a host that was given sysvinit since.
  await host.run(
    `mkdir -p /etc/systemd/system && printf '# Made by \`vpnserver install\`, which replaces it.\\n[Service]\\nExecStart=/opt/vpnserver/current/vpnserver start\\n' > /etc/systemd/system/vpnserver.service`,
  );
  await host.run("vpnserver uninstall --purge && rmdir -p --ignore-fail-on-non-empty /etc/systemd/system");
  assert.deepEqual(await footprint(host), clean);
});
