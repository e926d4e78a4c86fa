import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { writeServerConfig } from "../../server/config/disk/config-file.ts";
import { makeStateDirectories, resolveStatePaths, type StatePaths } from "../../server/state-paths.ts";
import { readStatus, startServerProcess } from "../../server/supervisor/control.ts";
import { identifyProcess, signalProcess } from "../../server/platform/process-identity.ts";
import { readRunFiles } from "../../server/supervisor/run-files.ts";
import type { RunningStatus } from "../../server/contract/server-status.ts";
import { runtimeOptions } from "../../server/supervisor/self-command.ts";
import { bundleServer } from "../../tools/build/bundle.ts";
import { freePorts } from "./ports.ts";
import { loadOrCreateCertificate } from "../../server/identity/certificate.ts";

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Such a server runs on the machine itself, whose interfaces and firewall are not its to use. */
const noNativeCalls = { VPNSERVER_NATIVE: "off" };

/** A server with a state directory and ports of its own. */
export class TryServer {
  readonly paths: StatePaths;
  readonly ports: readonly number[];
  readonly program: BundledServer;
  readonly #directory: string;
  readonly #children = new Set<ChildProcess>();

  private constructor(
    directory: string,
    paths: StatePaths,
    ports: readonly number[],
    program: BundledServer,
  ) {
    this.#directory = directory;
    this.paths = paths;
    this.ports = ports;
    this.program = program;
  }

  /** @param folder name of the state directory */
  static async create(folder = "state"): Promise<TryServer> {
    const directory = await mkdtemp(join(tmpdir(), "vpnserver-try-"));
    const paths = resolveStatePaths({ env: {}, uid: 0, home: "/", stateDirectory: join(directory, folder) });
    await makeStateDirectories(paths);
    const { certificateFile, keyFile } = await sharedCertificate();
    await cp(certificateFile, paths.certificateFile);
    await cp(keyFile, paths.keyFile);
    const ports = await freePorts(2);
    await writeServerConfig(paths, { listeners: ports.map((port) => ({ port, enabled: true })) });
    return new TryServer(directory, paths, ports, await bundledServer());
  }

  /** Ends whatever still runs and removes the files. */
  async dispose(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    const processes = readRunFiles(this.paths);
    for (const identity of [processes?.supervisor, processes?.worker]) {
      if (identity !== undefined) signalProcess(identity, "SIGKILL");
    }
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  spawn(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [this.program.entry, ...words], {
      env: { ...process.env, ...noNativeCalls, VPNSERVER_STATE_DIR: this.paths.stateDirectory, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    return child;
  }

  run(...words: string[]): Promise<CommandResult> {
    return this.runWith("", ...words);
  }

  /** @param input what the command finds on standard input */
  async runWith(input: string, ...words: string[]): Promise<CommandResult> {
    const child = this.spawn(words);
    // A command that does not read it may have ended.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, stdout, stderr };
  }

  /** As the command `start`, without the price of one more process. */
  start(): Promise<RunningStatus> {
    return startServerProcess(this.paths, { executable: this.program.executable });
  }

  async status(): Promise<RunningStatus> {
    const status = await readStatus(this.paths);
    assert.ok(status, "the server does not run");
    return status;
  }

  log(): Promise<string> {
    return readFile(this.paths.logFile, "utf8");
  }
}

/** Process id of the worker; fails while there is none. */
export function workerOf(status: RunningStatus): number {
  assert.ok(status.worker.pid !== null, "there is no worker");
  return status.worker.pid;
}

/** Waits until `condition` holds, for at most `limitMs`; resolves with how long it took. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<number> {
  const begin = performance.now();
  while (!(await condition())) {
    assert.ok(performance.now() - begin < limitMs, `not within ${limitMs} ms: ${what}`);
    await sleep(5);
  }
  return performance.now() - begin;
}

export async function gone(...pids: number[]): Promise<void> {
  for (const pid of pids) await until(`the end of process ${pid}`, () => identifyProcess(pid) === undefined);
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** The server of the sources as the executable holds it, which starts in a quarter of their time. */
export interface BundledServer {
  /** What Node.js runs. */
  readonly entry: string;
  /** The same as one program, without native calls. */
  readonly executable: string;
}

const shared = {
  directory: undefined as Promise<string> | undefined,
  certificate: undefined as Promise<{ certificateFile: string; keyFile: string }> | undefined,
  server: undefined as Promise<BundledServer> | undefined,
};

/** Made once for the tests of a file, and gone with {@link removeShared}. */
export function bundledServer(): Promise<BundledServer> {
  shared.server ??= (async () => {
    const directory = await sharedDirectory();
    const { code } = await bundleServer(join(import.meta.dirname, "../.."));
    const [entry, executable] = [join(directory, "main.ts"), join(directory, "vpnserver")];
    await mkdir(join(directory, "bundle"));
    await writeFile(join(directory, "bundle", "vpnserver.cjs"), code);
    // The library for native calls, which the executable carries.
    await symlink(join(import.meta.dirname, "../../node_modules"), join(directory, "node_modules"));
    // By this name the program starts itself once more where it is no executable.
    await writeFile(
      entry,
      'require("node:module").enableCompileCache(`${__dirname}/compiled`);\nrequire("./bundle/vpnserver.cjs");\n',
    );
    const words = [process.execPath, ...runtimeOptions, entry].map((word) => `'${word}'`).join(" ");
    const variables = Object.entries(noNativeCalls).map(([name, value]) => `${name}=${value}`);
    await writeFile(executable, `#!/bin/sh\n${variables.join(" ")} exec ${words} "$@"\n`, { mode: 0o755 });
    return { entry, executable };
  })();
  return shared.server;
}

/** Making a key takes longer than all else of a start. */
function sharedCertificate() {
  shared.certificate ??= (async () => {
    const directory = await sharedDirectory();
    const files = { certificateFile: join(directory, "crt"), keyFile: join(directory, "key") };
    await loadOrCreateCertificate(files);
    return files;
  })();
  return shared.certificate;
}

function sharedDirectory(): Promise<string> {
  shared.directory ??= mkdtemp(join(tmpdir(), "vpnserver-try-shared-"));
  return shared.directory;
}

/** For after the last test of a file. */
export async function removeShared(): Promise<void> {
  if (shared.directory !== undefined) await rm(await shared.directory, { recursive: true, force: true });
}
