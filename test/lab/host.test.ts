import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import type { Host } from "./host.ts";
import { Lab } from "./lab.ts";

describe("a host", () => {
  let lab: Lab;
  let host: Host;
  before(async () => {
    lab = await Lab.create();
    host = await lab.host("alpha", {
      users: [
        { name: "alice", sudo: "none" },
        { name: "admin", sudo: "passwordless" },
      ],
    });
  });
  after(() => lab.dispose());

  test("is a Debian 12 with systemd in order", async () => {
    const { stdout } = await host.run(
      "systemctl is-system-running; . /etc/os-release; echo $VERSION_CODENAME",
    );
    assert.equal(stdout, "running\nbookworm\n");
    assert.equal((await host.run("cat /proc/1/comm")).stdout, "systemd\n");
  });

  test("has no runtime for JavaScript, no compiler and no xz", async () => {
    const { stdout } = await host.run(
      "command -v node nodejs npm gcc cc xz curl wget; ls /usr/lib/*/libatomic*",
      {
        check: false,
      },
    );
    assert.equal(stdout, "");
  });

  test("lets root and its users in by key, each with the rights that were asked for", async () => {
    assert.equal((await host.run("id -un")).stdout, "root\n");
    assert.equal((await host.run("id -un; pwd", { user: "alice" })).stdout, "alice\n/home/alice\n");
    assert.equal((await host.run("sudo -n id -un", { user: "admin" })).stdout, "root\n");
    const refused = await host.run("sudo -n id -un", { user: "alice", check: false });
    assert.notEqual(refused.code, 0);
    assert.equal(refused.stdout, "");
  });

  test("shows the host key that it tells", async () => {
    const { stdout } = await lab.operator.run("ssh-keyscan", ["-t", "ed25519", host.address]);
    assert.equal(stdout.trim().split(" ").slice(1).join(" "), host.ssh.hostKey);
    assert.equal(await readFile(host.ssh.privateKeyPath, "utf8"), host.ssh.privateKey);
  });

  test("tells how a command ended, and what it said", async () => {
    const result = await host.run("echo out; echo err >&2; exit 3", { check: false });
    assert.deepEqual(result, { stdout: "out\n", stderr: "err\n", code: 3 });
    await assert.rejects(
      host.run("echo no such luck >&2; exit 3"),
      /root@alpha.*exit code 3\s+no such luck/s,
    );
    await assert.rejects(host.run("sleep 60", { timeoutMs: 300 }), /did not end within 0.3 s/);
    assert.equal((await host.run("cat", { input: "some text" })).stdout, "some text");
  });

  test("can be worked with from its console while SSH is down", async () => {
    await host.console("systemctl stop ssh.service");
    const knock = ["-c", `exec 3<>/dev/tcp/${host.address}/22`];
    assert.notEqual((await lab.operator.run("bash", knock, { check: false })).code, 0);
    assert.equal((await host.console("systemctl start ssh.service && hostname")).stdout, "alpha\n");
    await lab.operator.run("bash", knock);
    await assert.rejects(host.console("exit 7"), /exit code 7/);
  });

  test("takes files over, whole and with their mode, and runs executables with nothing added", async () => {
    const { stdout } = await host.runExecutable(process.execPath, ["-p", "process.version"], {
      user: "alice",
    });
    assert.equal(stdout, `${process.version}\n`);
    const hash = createHash("sha256")
      .update(await readFile(process.execPath))
      .digest("hex");
    assert.match((await host.run("sha256sum /home/alice/node")).stdout, new RegExp(`^${hash} `));
    assert.equal((await host.run("stat -c '%U %a' /home/alice/node")).stdout, "alice 755\n");
  });

  test("keeps its files over a reboot, starts what is enabled, and has nothing else left", async () => {
    const unit = "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n";
    await host.run(`printf '${unit}' > /etc/systemd/system/mark.service && systemctl enable mark && sync`);
    await host.run("nft add table inet left_over && sysctl -qw net.ipv4.ip_unprivileged_port_start=80");
    await host.run("sleep 1000 >/dev/null 2>&1 </dev/null &");
    const boot = "cat /proc/sys/kernel/random/boot_id";
    const former = (await host.run(boot)).stdout;

    await host.reboot();

    assert.notEqual((await host.run(boot)).stdout, former);
    assert.equal((await host.run("systemctl is-active mark")).stdout, "active\n");
    assert.equal((await host.run("nft list tables; pgrep -x sleep | wc -l")).stdout, "1\n");
    assert.equal((await host.run("sysctl -n net.ipv4.ip_unprivileged_port_start")).stdout, "1024\n");
    assert.match((await host.run("journalctl --list-boots | wc -l")).stdout, /^[2-9]/);
  });

  test("answers nobody while it is switched off, and comes back with its files", async () => {
    await host.run("echo kept > /root/file");

    await host.powerOff();

    await assert.rejects(host.console("true"), /alpha is switched off/);
    const knock = ["3", "bash", "-c", `exec 3<>/dev/tcp/${host.address}/22`];
    const { code, stderr } = await lab.outsider.run("timeout", knock, { check: false });
    assert.notEqual(code, 0);
    assert.doesNotMatch(stderr, /refused/);

    await host.powerOn();
    assert.equal((await host.run("cat /root/file")).stdout, "kept\n");
  });
});
