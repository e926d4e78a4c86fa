import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { parseCheckResult } from "../../server/contract/check-result.ts";
import { parseServerStatus } from "../../server/contract/server-status.ts";
import { backupDirectoryOf } from "../../server/config/disk/config-backups.ts";
import { readServerConfig } from "../../server/config/disk/config-file.ts";
import { readStatus, stopServer } from "../../server/supervisor/control.ts";
import { identifyProcess } from "../../server/platform/process-identity.ts";
import { version } from "../../server/version.ts";
import { readRunFiles } from "../../server/supervisor/run-files.ts";
import { occupy } from "./ports.ts";
import { accepts, gone, removeShared, TryServer, until, workerOf } from "./try-server.ts";

let server: TryServer;
beforeEach(async () => (server = await TryServer.create()));
afterEach(() => server.dispose());
after(removeShared);

/** Fields of /proc/PID/stat from `state` on (proc(5)). */
function statOf(pid: number): string[] {
  const line = readFileSync(`/proc/${pid}/stat`, "latin1");
  return line.slice(line.lastIndexOf(")") + 2).split(" ");
}

function serving(): Promise<boolean[]> {
  return Promise.all(server.ports.map(accepts));
}

async function servesAfterRestarts(count: number): Promise<boolean> {
  const { worker, listeners } = await server.status();
  return worker.restarts === count && listeners.every((listener) => listener.state === "Listening");
}

describe("start", () => {
  test("says that the server is started when it serves, and returns", async () => {
    const { code, stdout } = await server.run("start");
    assert.deepEqual(await serving(), [true, true]);
    assert.equal(code, 0);
    assert.equal(stdout, "SoftEther VPN Server Service Started.\n");
  });

  test("leaves two processes `vpnserver execsvc` in a session of their own, without terminal", async () => {
    const { supervisor, worker } = await server.start();
    assert.ok(worker.pid);
    for (const pid of [supervisor.pid, worker.pid]) {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      assert.equal(commandLine, "vpnserver execsvc");
      const [, , , session, terminal] = statOf(pid);
      assert.equal(session, String(supervisor.pid));
      assert.equal(terminal, "0");
    }
    assert.equal(statOf(worker.pid)[1], String(supervisor.pid));
  });

  test(
    "holds on to nothing of its caller: an SSH client would wait for it",
    { timeout: 20_000 },
    async () => {
      // Standard input, output and error, and a descriptor that a shell happens to have open.
      const caller = spawn(
        "sh",
        ["-c", '"$0" "$1" start; echo "exit code $?"', process.execPath, server.program.entry],
        {
          env: { ...process.env, VPNSERVER_STATE_DIR: server.paths.stateDirectory },
          stdio: ["pipe", "pipe", "pipe", "pipe"],
        },
      );
      const outputs = [1, 2, 3].map((index) => text(caller.stdio[index] as NodeJS.ReadableStream));
      const [stdout] = await Promise.all(outputs);
      assert.match(stdout ?? "", /Started\.\nexit code 0\n$/);
      assert.deepEqual(await serving(), [true, true]);
    },
  );

  test("a second time is told so, with the process id, and changes nothing", async () => {
    const before = await server.start();
    const { code, stdout, stderr } = await server.run("start");
    assert.equal(code, 3);
    assert.equal(stdout, "");
    assert.match(stderr, /^vpnserver: .*already running \(process \d+\).*vpnserver stop\n$/);
    assert.ok(stderr.includes(`process ${before.supervisor.pid})`));
    assert.deepEqual(await server.status(), before);
  });

  test("twice at the same time starts one server", async () => {
    const results = await Promise.all([server.run("start"), server.run("start"), server.run("start")]);
    assert.deepEqual(results.map(({ code }) => code).sort(), [0, 3, 3]);
    for (const { code, stderr } of results) if (code === 3) assert.match(stderr, /already running/);
    const status = await server.status();
    assert.equal(status.worker.restarts, 0);
    const workers = (await server.log()).match(/info worker \d+ started/g);
    assert.equal(workers?.length, 1);
  });

  test("starts from the last good configuration where the file is damaged, and status says so", async () => {
    assert.equal((await server.run("start")).code, 0);
    assert.deepEqual((await server.status()).warnings, []);
    assert.equal((await server.run("stop")).code, 0);
    await writeFile(server.paths.configFile, "damaged");
    assert.equal((await server.run("start")).code, 0);
    const { warnings, listeners } = await server.status();
    assert.match(warnings?.join("\n") ?? "", /cannot be used: .*; the last good one is used instead/);
    assert.deepEqual(
      listeners.map(({ port }) => port),
      server.ports,
    );
    assert.match((await server.run("status")).stdout, /^ {2}warning: the configuration .*cannot be used/m);
    assert.match(await server.log(), / warn the configuration .*cannot be used/);
  });

  test("names a port that it could not open, and serves on the other", async () => {
    const [taken, free] = server.ports;
    assert.ok(taken && free);
    const other = await occupy(taken);
    try {
      const { code, stdout, stderr } = await server.run("start");
      assert.equal(code, 0);
      assert.equal(stdout, "SoftEther VPN Server Service Started.\n");
      assert.match(stderr, new RegExp(`^vpnserver: note: TCP ${taken}: Error \\(EADDRINUSE`, "m"));
      assert.equal(await accepts(free), true);
    } finally {
      other.close();
    }
    await until("the port is taken over", async () =>
      (await server.status()).listeners.every((listener) => listener.state === "Listening"),
    );
  });

  test("fails with the reason of each port when it could open none, and leaves nothing", async () => {
    const others = await Promise.all(server.ports.map(occupy));
    try {
      const { code, stdout, stderr } = await server.run("start");
      assert.equal(code, 6);
      assert.equal(stdout, "");
      for (const port of server.ports) assert.match(stderr, new RegExp(`TCP ${port}: EADDRINUSE`));
      assert.deepEqual(await readdir(server.paths.runDirectory), ["lock"]);
      assert.equal(await readStatus(server.paths), undefined);
    } finally {
      for (const other of others) other.close();
    }
  });

  test("fails when the configuration is damaged and has no backup, and leaves the file as it is", async () => {
    await rm(backupDirectoryOf(server.paths.configFile), { recursive: true });
    await writeFile(server.paths.configFile, "declare root\n{\n");
    const { code, stdout, stderr } = await server.run("start");
    assert.equal(code, 7);
    assert.equal(stdout, "");
    assert.match(stderr, /^vpnserver: the configuration .*vpn_server\.config cannot be used: line 1: /);
    assert.equal(stderr.trimEnd().split("\n").length, 1);
    assert.equal(await readFile(server.paths.configFile, "utf8"), "declare root\n{\n");
    assert.equal(await readStatus(server.paths), undefined);
  });

  test("starts from the last good configuration when it is damaged, and says so", async () => {
    await writeFile(server.paths.configFile, "declare root\n{\n");
    const { listeners } = await server.start();
    assert.deepEqual(
      listeners.map(({ port }) => port),
      server.ports,
    );
    assert.match(await server.log(), /cannot be used: line 1: .*; the last good one is used instead: /);
    const names = await readdir(server.paths.stateDirectory);
    const aside = names.find((name) => name.startsWith("vpn_server.config.unusable-")) ?? "";
    assert.equal(await readFile(join(server.paths.stateDirectory, aside), "utf8"), "declare root\n{\n");
    await stopServer(server.paths);
    assert.equal((await readServerConfig(server.paths)).listeners.length, 2);
  });

  test("fails when the certificate is damaged, and makes no other", async () => {
    await writeFile(server.paths.certificateFile, "no certificate");
    const { code, stderr } = await server.run("start");
    assert.equal(code, 7);
    assert.match(stderr, /^vpnserver: the certificate .*server\.crt is damaged/);
    assert.equal(await readFile(server.paths.certificateFile, "utf8"), "no certificate");
  });

  test("makes configuration, certificate and key when there are none, private to the user", async () => {
    await rm(server.paths.certificateFile);
    await rm(server.paths.keyFile);
    const { tlsFingerprint } = await server.start();
    assert.match(tlsFingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    assert.equal((await stat(server.paths.keyFile)).mode & 0o777, 0o600);
    assert.equal((await stat(server.paths.logFile)).mode & 0o777, 0o600);
    assert.equal((await readServerConfig(server.paths)).listeners.length, 2);
    await stopServer(server.paths);
    assert.equal((await server.start()).tlsFingerprint, tlsFingerprint);
  });

  test("works where the state directory's path is longer than a socket's address may be", async () => {
    const deep = await TryServer.create(`${"deep".repeat(30)}/state`);
    try {
      const { worker } = await deep.start();
      assert.ok(worker.pid);
      await stopServer(deep.paths);
      await gone(worker.pid);
    } finally {
      await deep.dispose();
    }
  });
});

describe("stop", () => {
  test("returns when both processes are gone, and leaves no file of the running server", async () => {
    const status = await server.start();
    assert.equal(await readFile(server.paths.pidFile, "utf8"), `${status.supervisor.pid}\n`);
    const { code, stdout, stderr } = await server.run("stop");
    assert.equal(identifyProcess(status.supervisor.pid), undefined);
    assert.equal(identifyProcess(workerOf(status)), undefined);
    assert.deepEqual(
      { code, stdout, stderr },
      {
        code: 0,
        stdout: "SoftEther VPN Server Service Stopped.\n",
        stderr: "",
      },
    );
    assert.deepEqual(await readdir(server.paths.runDirectory), ["lock"]);
    assert.deepEqual(await serving(), [false, false]);
  });

  test("of nothing is told so", async () => {
    for (const command of ["stop", "status", "check"]) {
      const { code, stdout, stderr } = await server.run(command);
      assert.equal(code, 4);
      assert.equal(stdout, "");
      assert.match(stderr, /^vpnserver: .*is not running .*vpnserver start\n$/);
    }
  });

  test("kills its own processes when they do not react", async () => {
    const status = await server.start();
    const worker = workerOf(status);
    process.kill(status.supervisor.pid, "SIGSTOP");
    process.kill(worker, "SIGSTOP");
    await stopServer(server.paths, { timeoutMs: 50, answerMs: 50, killMs: 500 });
    await gone(status.supervisor.pid, worker);
    await server.start();
  });

  test("leaves a process alone that got the process id of a server of earlier days", async () => {
    const innocent = spawn("sleep", ["60"]);
    try {
      const { pid } = innocent;
      assert.ok(pid);
      const identity = identifyProcess(pid);
      assert.ok(identity);
      const recycled = { pid, started: `${identity.started}0` };
      await writeFile(server.paths.pidFile, `${pid}\n`);
      await writeFile(server.paths.processesFile, JSON.stringify({ supervisor: recycled, worker: recycled }));
      await assert.rejects(stopServer(server.paths), { code: "NOT_RUNNING" });
      assert.deepEqual(identifyProcess(pid), identity);
    } finally {
      innocent.kill("SIGKILL");
    }
  });
});

describe("the processes", () => {
  test("a worker that is killed is back and listens, again and again", async () => {
    const first = await server.start();
    for (let time = 1; time <= 3; time++) {
      const worker = workerOf(await server.status());
      process.kill(worker, "SIGKILL");
      await until("the next worker serves", () => servesAfterRestarts(time), 20_000);
      assert.deepEqual(await serving(), [true, true]);
      const again = await server.status();
      assert.equal(again.supervisor.pid, first.supervisor.pid);
      assert.notEqual(again.worker.pid, worker);
      assert.equal(again.tlsFingerprint, first.tlsFingerprint);
    }
    // How long that takes on an idle machine is a figure of the benchmark of the start.
    assert.match(await server.log(), /worker \d+ was ended by SIGKILL; starting another in 100 ms/);
  });

  test("a supervisor that is killed leaves no worker; what it leaves in files does not matter", async () => {
    const status = await server.start();
    process.kill(status.supervisor.pid, "SIGKILL");
    await gone(status.supervisor.pid, workerOf(status));
    assert.match(await server.log(), /the supervisor is gone: the worker ends\n/);
    assert.ok((await readdir(server.paths.runDirectory)).includes("control.sock"));
    assert.equal(await readStatus(server.paths), undefined);
    await assert.rejects(stopServer(server.paths), { code: "NOT_RUNNING" });
    const again = await server.start();
    assert.notEqual(again.supervisor.pid, status.supervisor.pid);
    assert.equal(readRunFiles(server.paths)?.supervisor.pid, again.supervisor.pid);
  });

  for (const which of ["supervisor", "worker"] as const) {
    test(`TERM to the ${which} ends both cleanly`, async () => {
      const status = await server.start();
      process.kill(which === "supervisor" ? status.supervisor.pid : workerOf(status), "SIGTERM");
      await gone(status.supervisor.pid, workerOf(status));
      assert.match(await server.log(), /info worker \d+ ended with exit code 0\n.*info supervisor ended\n$/);
      assert.deepEqual(await readdir(server.paths.runDirectory), ["lock"]);
    });
  }

  test("TERM to both at once, as an init system sends it, ends both cleanly", async () => {
    const status = await server.start();
    process.kill(workerOf(status), "SIGTERM");
    process.kill(status.supervisor.pid, "SIGTERM");
    await gone(status.supervisor.pid, workerOf(status));
    assert.match(await server.log(), /info worker \d+ ended with exit code 0\n.*info supervisor ended\n$/);
  });

  test("the hang-up of a terminal means nothing to them", async () => {
    const status = await server.start();
    process.kill(status.supervisor.pid, "SIGHUP");
    process.kill(workerOf(status), "SIGHUP");
    process.kill(workerOf(status), "SIGINT");
    assert.deepEqual(await server.status(), status);
    assert.deepEqual(await serving(), [true, true]);
  });

  test("the worker's role is not passed on, and means nothing when it comes from a shell", async () => {
    const child = server.spawn(["execsvc"], { VPNSERVER_ROLE: "worker" });
    await until("the server serves", async () => (await serving()).every((open) => open));
    const status = await server.status();
    assert.equal(status.supervisor.pid, child.pid);
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "close"), [0, null]);
  });
});

describe("a fault", () => {
  /** Starts a server whose processes run `code` on SIGUSR2, where nobody catches what it throws. */
  async function startFaulty(code: string) {
    const module = join(server.paths.stateDirectory, "fault.mjs");
    await writeFile(module, `process.on("SIGUSR2", () => { ${code} });`);
    const child = server.spawn(["start"], { NODE_OPTIONS: `--import=${module}` });
    assert.deepEqual(await once(child, "close"), [0, null]);
    return server.status();
  }

  for (const [what, code] of [
    ["an exception", 'throw new Error("injected\\nfault");'],
    ["a rejection", 'Promise.reject(new Error("injected\\nfault"));'],
  ] as const) {
    test(`of the worker, ${what} that nobody handles, is logged in one line and costs only the worker`, async () => {
      const status = await startFaulty(code);
      const worker = workerOf(status);
      process.kill(worker, "SIGUSR2");
      await gone(worker);
      await until("the next worker serves", () => servesAfterRestarts(1));
      assert.equal((await server.status()).supervisor.pid, status.supervisor.pid);
      const log = await server.log();
      assert.match(log, /^\S+ error fault in the worker: Error: injected\\nfault\\n +at .*fault\.mjs/m);
      assert.match(log, new RegExp(`worker ${worker} ended with exit code 1; starting another`));
    });
  }

  test("of the supervisor leaves its stack in the log, and no worker", async () => {
    const status = await startFaulty('throw new Error("injected");');
    process.kill(status.supervisor.pid, "SIGUSR2");
    await gone(status.supervisor.pid, workerOf(status));
    assert.match(await server.log(), /Error: injected\n +at .*fault\.mjs/);
  });
});

describe("execsvc", () => {
  for (const which of ["supervisor", "worker"] as const) {
    test(`ended by TERM to the ${which} before it serves, ends cleanly`, async () => {
      const child = server.spawn(["execsvc"]);
      assert.ok(child.pid);
      const closed = once(child, "close");
      await until("there is a worker", () => readRunFiles(server.paths)?.worker !== undefined);
      const worker = readRunFiles(server.paths)?.worker?.pid;
      assert.ok(worker);
      process.kill(which === "supervisor" ? child.pid : worker, "SIGTERM");
      assert.deepEqual(await closed, [0, null]);
      await gone(worker);
      assert.deepEqual(await readdir(server.paths.runDirectory), ["lock"]);
      assert.doesNotMatch(await server.log(), / error /);
    });
  }

  test("without anybody who waits, says on standard error why it cannot start", async () => {
    await server.start();
    const { code, stderr } = await server.run("execsvc");
    assert.equal(code, 3);
    assert.match(stderr, /^vpnserver: .*already running \(process \d+\)/);
  });
});

describe("start --foreground", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`logs to standard output, and ends cleanly on ${signal}`, async () => {
      const child = server.spawn(["--state-dir", server.paths.stateDirectory, "start", "--foreground"], {
        VPNSERVER_STATE_DIR: "/nonexistent",
      });
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
      await until("the server serves", () => output.includes("SoftEther VPN Server Service Started.\n"));
      assert.match(output, new RegExp(`info listener ${server.ports[0]}: Listening\n`));
      assert.equal((await server.status()).supervisor.pid, child.pid);
      child.kill(signal);
      assert.deepEqual(await once(child, "close"), [0, null]);
      assert.match(output, /info supervisor ended\n$/);
      assert.deepEqual(await serving(), [false, false]);
    });
  }
});

describe("execsvc --log-to-stdout", () => {
  test("writes the log to standard output too, and takes no hang-up for its end", async () => {
    const words = ["--state-dir", server.paths.stateDirectory, "execsvc", "--log-to-stdout"];
    const child = server.spawn(words, {});
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
    await until("the server serves", () => output.includes(`info listener ${server.ports[0]}: Listening\n`));
    child.kill("SIGHUP");
    assert.equal((await server.status()).supervisor.pid, child.pid);
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "close"), [0, null]);
    assert.match(output, /info supervisor ended\n$/);
    assert.equal(await server.log(), output);
  });
});

describe("status", () => {
  test("as JSON is what a health check needs", async () => {
    const status = await server.start();
    const { code, stdout } = await server.run("status", "--json");
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), { format: 1, ...status });
    assert.deepEqual(parseServerStatus(JSON.parse(stdout)), status);
    assert.equal(stdout.trimEnd().split("\n").length, 1);
    assert.deepEqual(status, {
      running: true,
      version,
      release: null,
      executable: server.program.entry,
      stateDirectory: server.paths.stateDirectory,
      supervisor: { pid: status.supervisor.pid },
      worker: { pid: status.worker.pid, restarts: 0 },
      startedAt: new Date(status.startedAt).toISOString(),
      listeners: server.ports.map((port) => ({ port, state: "Listening" })),
      tlsFingerprint: status.tlsFingerprint,
      hubs: [{ name: "DEFAULT", online: true, sessions: 0 }],
      sessions: 0,
      warnings: [],
      restrictions: [],
      notServed: [],
      native: null,
    });
  });

  test("as JSON tells of a server that does not run", async () => {
    const { code, stdout } = await server.run("status", "--json");
    assert.equal(code, 4);
    const { stateDirectory } = server.paths;
    assert.deepEqual(JSON.parse(stdout), { format: 1, version, running: false, stateDirectory });
  });

  test("in words names processes and listeners", async () => {
    const { supervisor, worker, tlsFingerprint } = await server.start();
    const { code, stdout } = await server.run("status");
    assert.equal(code, 0);
    for (const part of [`process ${supervisor.pid}`, `process ${worker.pid}`, tlsFingerprint]) {
      assert.ok(stdout.includes(part), part);
    }
    for (const port of server.ports) assert.ok(stdout.includes(`TCP ${port}: Listening\n`));
  });
});

describe("check", () => {
  test("does a handshake with each listener, and tells who answered", async () => {
    const { tlsFingerprint } = await server.start();
    const { code, stdout } = await server.run("check", "--json");
    assert.equal(code, 0);
    const report = parseCheckResult(JSON.parse(stdout));
    assert.equal(report.ok, true);
    assert.deepEqual(
      report.listeners.map(({ port, state, ok }) => ({ port, state, ok })),
      server.ports.map((port) => ({ port, state: "Listening", ok: true })),
    );
    for (const listener of report.listeners) {
      assert.equal(listener.certificateFingerprint, tlsFingerprint);
      assert.match(listener.product ?? "", /^pulumi-vpnserver \d/);
    }
  });

  test("does not mind a port that could not be opened as long as another serves", async () => {
    const [taken] = server.ports;
    assert.ok(taken);
    const other = await occupy(taken);
    try {
      await server.start();
      const { code, stdout } = await server.run("check");
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^TCP ${taken}: Error \\(EADDRINUSE.*\n.*answers`));
    } finally {
      other.close();
    }
  });

  test("fails when a port that it is given does not answer", async () => {
    await server.start();
    const other = await occupy(0);
    const { port } = other.address() as { port: number };
    other.close();
    const given = [String(server.ports[0]), String(port)];
    const { code, stdout } = await server.run("check", "--json", "--port", ...given);
    assert.equal(code, 6);
    const report = parseCheckResult(JSON.parse(stdout));
    assert.equal(report.ok, false);
    assert.deepEqual(
      report.listeners.map(({ ok }) => ok),
      [true, false],
    );
    assert.match(report.listeners[1]?.error ?? "", /ECONNREFUSED/);
  });
});
