import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, afterEach, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { openTcp, probeListener } from "../../server/client/probe.ts";
import { startSshServer } from "../../tools/setup/ssh-server.ts";

const repository = join(import.meta.dirname, "../..");
const runTimeoutMs = 5 * 60_000;

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** A folder of quickstart elsewhere than the checkout's own, which may be in use. */
class Quickstart {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** With a process group of its own, which can be killed as a whole. */
  start(command: "up" | "down"): ChildProcessByStdio<null, Readable, Readable> {
    const script = join(repository, "tools/bootstrap.mjs");
    const args = [script, "tools/quickstart/main.ts", command, "--directory", this.directory];
    return spawn(process.execPath, args, {
      cwd: repository,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: runTimeoutMs,
      detached: true,
    });
  }

  async run(command: "up" | "down"): Promise<Run> {
    const child = this.start(command);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    const [code] = (await once(child, "close")) as [number | null];
    return { code, output };
  }

  /** The processes that name the folder in command line, executable or environment, which all of quickstart's do. */
  async processes(): Promise<string[]> {
    const found: string[] = [];
    for (const pid of await readdir("/proc")) {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
      const text = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
      const executable = await readFile(`/proc/${pid}/maps`, "latin1").catch(() => "");
      const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
      if ([text, executable, environment].some((place) => place.includes(this.directory))) {
        found.push(`${pid} ${text.replaceAll("\0", " ")}`);
      }
    }
    return found;
  }

  async status(): Promise<{ supervisor: { pid: number }; worker: { pid: number }; tlsFingerprint: string }> {
    const executable = join(this.directory, "home/vpnserver/current/vpnserver");
    const child = spawn(executable, ["status", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    for await (const chunk of child.stdout) text += (chunk as Buffer).toString();
    return JSON.parse(text) as Awaited<ReturnType<Quickstart["status"]>>;
  }
}

function endpointsOf(output: string): number[] {
  const line = /^ {2}Endpoints +(.*)$/m.exec(output)?.[1];
  assert.ok(line, `the report names no endpoints:\n${output}`);
  return line.split(", ").map((endpoint) => Number(endpoint.replace("127.0.0.1:", "")));
}

async function addressesListeningOn(port: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ss", ["-Hltn", `sport = :${port}`]);
  const lines = stdout.split("\n").filter(Boolean);
  return lines.map((line) => line.trim().split(/ +/)[3]?.replace(/:\d+$/, "") ?? "");
}

function assertDone(run: Run): void {
  assert.equal(run.code, 0, run.output);
}

describe("quickstart", () => {
  let parent: string;
  let quickstart: Quickstart;
  let home: string[];

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), "quickstart-test-"));
    quickstart = new Quickstart(join(parent, "work"));
    home = await readdir(homedir());
  });

  afterEach(() => quickstart.run("down"));
  after(async () => {
    await rm(parent, { recursive: true, force: true });
  });

  test("deploys a healthy server, finds it unchanged the second time, and leaves nothing after down", async () => {
    const first = await quickstart.run("up");
    assertDone(first);
    assert.match(first.output, /A VPN server runs on this machine, in user mode/);
    assert.match(first.output, /npm run quickstart -- down/);
    const ports = endpointsOf(first.output);
    assert.ok(ports.length > 0);
    for (const port of ports) {
      const answer = await probeListener(() => openTcp("127.0.0.1", port, 5_000), { timeoutMs: 5_000 });
      assert.match(answer.product, /^pulumi-vpnserver /);
      assert.deepEqual(await addressesListeningOn(port), ["127.0.0.1"]);
    }
    const config = join(quickstart.directory, "home/vpnserver/state/vpn_server.config");
    assert.match(await readFile(config, "utf8"), /string ListenIP 127\.0\.0\.1\r\n/);
    const file = join(quickstart.directory, "quickstart.vpn");
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const text = await readFile(file, "utf8");
    assert.match(text, /string Username quickstart\n/);
    assert.match(first.output, /Connect a SoftEther VPN Client as user "quickstart" of DEFAULT/);
    assert.match(first.output, /AccountImport quickstart\.vpn/);
    const { vpnPassword } = JSON.parse(
      await readFile(join(quickstart.directory, "quickstart.json"), "utf8"),
    ) as { vpnPassword: string };
    assert.ok(vpnPassword.length >= 24);
    assert.ok(!first.output.includes(vpnPassword), "the output tells the password");
    const before = await quickstart.status();

    const second = await quickstart.run("up");
    assertDone(second);
    assert.match(second.output, /\d+ unchanged/);
    assert.doesNotMatch(second.output, /\d+ (created|updated|replaced|deleted)/);
    const after = await quickstart.status();
    assert.deepEqual(after.supervisor, before.supervisor);
    assert.deepEqual(after.worker, before.worker);
    assert.equal(after.tlsFingerprint, before.tlsFingerprint);
    assert.equal(await readFile(file, "utf8"), text);
    assert.deepEqual(await readdir(homedir()), home, "the user's home is as it was");

    assertDone(await quickstart.run("down"));
    assert.deepEqual(await quickstart.processes(), []);
    assert.equal(existsSync(quickstart.directory), false);
    assert.deepEqual(await readdir(homedir()), home);

    const again = await quickstart.run("down");
    assertDone(again);
    assert.match(again.output, /there is nothing to take down/);
  });

  test("takes another port where 5555 is taken, and goes on after a run that was killed", async (t) => {
    const other = createServer();
    other.listen(5555);
    // Whoever has the port already is as good a reason.
    await Promise.race([once(other, "listening"), once(other, "error")]).catch(() => undefined);
    t.after(() => other.listening && other.close());

    const killed = quickstart.start("up");
    let output = "";
    killed.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      // In the middle of the deployment, the engine too: its lock and its unfinished operations stay behind.
      const { pid } = killed;
      if (/-install created/.test(output) && !killed.killed && pid !== undefined) {
        process.kill(-pid, "SIGKILL");
        killed.kill("SIGKILL");
      }
    });
    killed.stderr.resume();
    const [, signal] = (await once(killed, "close")) as [number | null, NodeJS.Signals | null];
    assert.equal(signal, "SIGKILL", output);

    const up = await quickstart.run("up");
    assertDone(up);
    assert.match(output + up.output, /port 5555 is taken by another program/);
    const ports = endpointsOf(up.output);
    assert.ok(!ports.includes(5555), `serves on ${ports.join(", ")}`);
    assertDone(await quickstart.run("down"));
    assert.deepEqual(await quickstart.processes(), []);
    assert.equal(existsSync(quickstart.directory), false);
  });

  test("takes down what is half gone: no SSH server, no executable, no state", async () => {
    assertDone(await quickstart.run("up"));
    const { directory } = quickstart;
    const sshServers = (await quickstart.processes()).filter((line) => line.includes("sshd_config"));
    assert.equal(sshServers.length, 1);
    process.kill(Number.parseInt(sshServers[0] ?? ""), "SIGKILL");
    await rm(join(directory, "home/vpnserver/current"));
    await rm(join(directory, "state"), { recursive: true });
    await rm(join(directory, "ssh"), { recursive: true });

    assertDone(await quickstart.run("down"));
    assert.deepEqual(await quickstart.processes(), []);
    assert.equal(existsSync(directory), false);
  });

  test("says which package is missing where there is no ssh-keygen", async (t) => {
    const path = process.env["PATH"];
    t.after(() => (process.env["PATH"] = path));
    process.env["PATH"] = parent;
    const start = startSshServer({ directory: join(parent, "keys") });
    await assert.rejects(start, /ssh-keygen is not on PATH: install the package openssh-client/);
    await rm(join(parent, "keys"), { recursive: true });
  });

  test("does not touch a folder that somebody else made", async () => {
    await writeFile(join(parent, "precious"), "");
    const foreign = new Quickstart(parent);
    for (const command of ["up", "down"] as const) {
      const { code, output } = await foreign.run(command);
      assert.equal(code, 1, output);
      assert.match(output, /not a folder of quickstart|was not made by quickstart/);
    }
    assert.deepEqual(await readdir(parent), ["precious"]);
  });
});
