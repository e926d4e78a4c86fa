import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { Lab } from "./lab.ts";
import { lives, processesOf } from "./left-overs.ts";
import { runCommand } from "./command.ts";

describe("a lab", () => {
  test("connects its hosts with each other, by IPv4 and IPv6, and with nobody else", async () => {
    await using lab = await Lab.create();
    const [alpha, bravo] = await Promise.all([lab.host("alpha"), lab.host("bravo")]);
    for (const address of [bravo.address, bravo.address6]) {
      const { stdout } = await alpha.run(`bash -c 'exec 3<>/dev/tcp/${address}/22 && head -c 4 <&3'`);
      assert.equal(stdout, "SSH-");
    }
    for (const place of [lab.operator, lab.outsider]) {
      const out = await place.run("ip", ["route", "get", "203.0.113.1"], { check: false });
      assert.match(out.stderr, /Network is unreachable/);
    }
    const fromHost = await alpha.run("ip route get 203.0.113.1", { check: false });
    assert.match(fromHost.stderr, /Network is unreachable/);
  });

  test("boots four hosts at once, each with a name, a host key and a machine id of its own", async (t) => {
    await using lab = await Lab.create();
    const begin = performance.now();
    const names = ["alpha", "bravo", "charlie", "delta"];
    const hosts = await Promise.all(names.map((name) => lab.host(name)));
    t.diagnostic(`four hosts are up after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    const ids = await Promise.all(hosts.map((host) => host.run("hostname; cat /etc/machine-id")));
    assert.deepEqual(
      ids.map(({ stdout }) => stdout.split("\n")[0]),
      names,
    );
    assert.equal(new Set(ids.map(({ stdout }) => stdout.split("\n")[1])).size, 4);
    assert.equal(new Set(hosts.map((host) => host.ssh.hostKey)).size, 4);
    assert.equal(new Set(hosts.map((host) => host.address)).size, 4);
  });

  test("does not meet another one that exists at the same time", async () => {
    await using one = await Lab.create();
    await using other = await Lab.create();
    const [alpha, alphaOfOther] = await Promise.all([one.host("alpha"), other.host("alpha")]);
    assert.equal(alpha.address, alphaOfOther.address);
    await alpha.run("touch /root/mark");
    assert.equal((await alphaOfOther.run("ls /root")).stdout, "");
    await one.dispose();
    assert.equal((await alphaOfOther.run("hostname")).stdout, "alpha\n");
  });

  test("leaves no process, mount, namespace, control group or file behind", async () => {
    const lab = await Lab.create();
    await lab.host("alpha");
    lab.operator.spawn("sleep", ["600"], { stdio: "ignore" });
    const { name } = lab;
    const processes = processesOf(name);
    assert.ok(processes.length > 5, "the lab runs hardly anything");
    assert.notDeepEqual(traces(name), []);

    await lab.dispose();

    assert.deepEqual(processes.filter(lives), []);
    assert.deepEqual(traces(name), []);
    await lab.dispose();
  });

  test("takes a host away that is still booting", async () => {
    const lab = await Lab.create();
    const host = lab.host("alpha");
    await lab.dispose();
    assert.deepEqual(traces(lab.name), []);
    await host;
  });

  test("refuses names that no host can have, and names that are taken", async () => {
    await using lab = await Lab.create();
    for (const name of ["", "Alpha", "a b", "-a", "a-", "a.b", "much-too-long-a-name"]) {
      assert.throws(() => lab.host(name), /is no name for a host/);
    }
    assert.throws(() => lab.host("operator"), /has a "operator" already/);
    const alpha = lab.host("alpha");
    assert.throws(() => lab.host("alpha"), /has a "alpha" already/);
    await alpha;
  });
});

describe("a lab whose process", () => {
  test("was killed is swept when the next lab is made, and the labs of living processes are left alone", async () => {
    const [killed, living] = await Promise.all([startCreator(), startCreator()]);
    try {
      assert.notDeepEqual(traces(killed.lab), []);
      killed.process.kill("SIGKILL");
      await once(killed.process, "exit");

      await using lab = await Lab.create();

      assert.notEqual(lab.name, killed.lab);
      assert.deepEqual(traces(killed.lab), []);
      assert.deepEqual(processesOf(killed.lab), []);
      assert.ok(processesOf(living.lab).length > 5, "the sweep ended a lab that is in use");
    } finally {
      living.process.kill("SIGTERM");
      await once(living.process, "exit");
    }
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`is ended by ${signal} goes with it`, async () => {
      const { process, lab } = await startCreator();
      process.kill(signal);
      const [, endedBy] = (await once(process, "exit")) as [number | null, string | null];
      assert.equal(endedBy, signal);
      assert.deepEqual(traces(lab), []);
    });
  }

  test("exits without disposing of it goes with it", async () => {
    const { process, lab } = await startCreator();
    process.stdin?.write("\n");
    const [code] = (await once(process, "exit")) as [number | null];
    assert.equal(code, 0);
    assert.deepEqual(traces(lab), []);
  });
});

test("nothing of the lab changes the machine's own interfaces and routes", async () => {
  const look = async (): Promise<string> =>
    (await runCommand("ip", ["-o", "link"])).stdout + (await runCommand("ip", ["route"])).stdout;
  const before = await look();
  await using lab = await Lab.create();
  await lab.host("alpha");
  assert.equal(await look(), before);
});

async function startCreator(): Promise<{ process: ChildProcess; lab: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "support/creator.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [lab] = (await once(createInterface(child.stdout), "line")) as [string];
  return { process: child, lab };
}

/** Where the machine shows the name of a lab. */
function traces(lab: string): string[] {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const groups = ["", "systemd", "unified"].map((hierarchy) => join("/sys/fs/cgroup", hierarchy));
  const directories = [
    "/run/netns",
    "/run/vpnserver-lab",
    "/run/systemd/nspawn",
    "/run/systemd/machines",
    ...groups,
  ];
  const commands = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => commandLine(pid));
  return [
    ...mounts,
    ...directories.filter((path) => existsSync(path)).flatMap((path) => readdirSync(path)),
    ...commands,
  ].filter((line) => line.includes(lab));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
