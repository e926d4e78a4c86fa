import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A real OpenSSH server of the current user, on a loopback port, with keys of its own. */
export interface SshServer {
  readonly host: string;
  readonly port: number;
  /** The user that it runs as, which is the only one that can log in. */
  readonly user: string;
  /** Its public keys in authorized_keys form, by type (`ed25519`, `ecdsa`, `rsa`). */
  readonly hostKeys: Readonly<Record<HostKeyType, string>>;
  /** Private key that may log in, as text and as a file. */
  readonly privateKey: string;
  readonly privateKeyPath: string;
  readonly pid: number;
  /** What it logged so far. */
  log(): Promise<string>;
  /** How many connections it has taken so far. */
  connections(): Promise<number>;
  /** Ends it together with the sessions that it still serves. */
  close(): Promise<void>;
}

export type HostKeyType = (typeof hostKeyTypes)[number];

export interface SshServerOptions {
  /** Where keys, configuration and log are kept; made when missing. Keys that are there already are used again. */
  readonly directory: string;
  /** Lines of sshd_config(5) that come before the defaults, and so win. */
  readonly configuration?: readonly string[];
  /**
   * TCP port.
   * @default a free one
   */
  readonly port?: number;
  /**
   * Whether the server outlives this process; its output then goes to the log alone.
   * @default false
   */
  readonly detached?: boolean;
}

const hostKeyTypes = ["ed25519", "ecdsa", "rsa"] as const;
const startDeadlineMs = 10_000;
const bindAttempts = 5;

/**
 * Starts an OpenSSH server on 127.0.0.1 and resolves when it answers.
 *
 * @throws Error that says what is missing, or ends with the server's last log lines
 */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const sshd = findSshd();
  const { directory } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Run by root, sshd insists on its empty directory, which exists only while the system's own service runs.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });

  const privateKeyPath = join(directory, "user_key");
  await generateKey("ed25519", privateKeyPath);
  for (const type of hostKeyTypes) await generateKey(type, join(directory, `host_${type}_key`));
  await writeFile(join(directory, "authorized_keys"), await readFile(`${privateKeyPath}.pub`), {
    mode: 0o600,
  });

  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const server = await tryStart(sshd, port, options, privateKeyPath);
    if (server) return server;
    if (options.port !== undefined || attempt === bindAttempts) {
      throw new Error(`the OpenSSH server could not listen on 127.0.0.1:${port}: the port is in use`);
    }
  }
}

/** Resolves to `undefined` when somebody else took the port in the meantime. */
async function tryStart(
  sshd: string,
  port: number,
  options: SshServerOptions,
  privateKeyPath: string,
): Promise<SshServer | undefined> {
  const { directory, detached = false } = options;
  const logPath = join(directory, "sshd.log");
  const configPath = join(directory, "sshd_config");
  const { configuration = [] } = options;
  const lines = [...configuration, ...defaultConfiguration(directory, port)];
  // The one keyword that may not come twice.
  if (!configuration.some((line) => /^subsystem\s/i.test(line))) lines.push("Subsystem sftp internal-sftp");
  await writeFile(configPath, lines.join("\n") + "\n", { mode: 0o600 });
  checkConfiguration(sshd, configPath);

  const log = await open(logPath, "w", 0o600);
  let child: ChildProcess;
  try {
    // A process group of its own, so that closing reaches the sessions too.
    const [program = sshd, ...parameters] = [
      ...(detached ? [] : endWithParent()),
      sshd,
      "-D",
      "-e",
      "-f",
      configPath,
    ];
    child = spawn(program, parameters, { stdio: ["ignore", "ignore", log.fd], detached: true });
  } finally {
    await log.close();
  }
  if (detached) child.unref();
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, "error")) as [Error];
    throw new Error(`${sshd} does not start: ${error.message}`, { cause: error });
  }
  const deadline = Date.now() + startDeadlineMs;
  while (!(await answers(port))) {
    const text = await readFile(logPath, "utf8");
    if (child.exitCode !== null || child.signalCode !== null) {
      if (text.includes("Address already in use")) return undefined;
      throw new Error(`the OpenSSH server ended at once: ${lastLines(text)}`);
    }
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`the OpenSSH server does not answer on 127.0.0.1:${port}: ${lastLines(text)}`);
    }
    await delay(20);
  }
  // The probe for its answer was a connection too.
  const offset = await connectionsIn(logPath);
  const hostKeys = {} as Record<HostKeyType, string>;
  for (const type of hostKeyTypes) {
    const text = await readFile(join(directory, `host_${type}_key.pub`), "utf8");
    hostKeys[type] = text.trim().split(" ").slice(0, 2).join(" ");
  }
  return {
    host: "127.0.0.1",
    port,
    user: userInfo().username,
    hostKeys,
    privateKey: await readFile(privateKeyPath, "utf8"),
    privateKeyPath,
    pid,
    log: () => readFile(logPath, "utf8"),
    connections: async () => (await connectionsIn(logPath)) - offset,
    close: () => endProcessGroup(child),
  };
}

function defaultConfiguration(directory: string, port: number): string[] {
  return [
    `ListenAddress 127.0.0.1:${port}`,
    ...hostKeyTypes.map((type) => `HostKey ${join(directory, `host_${type}_key`)}`),
    `AuthorizedKeysFile ${join(directory, "authorized_keys")}`,
    "PidFile none",
    // The keys lie below a temporary directory, whose parents others may write to.
    "StrictModes no",
    `UsePAM ${needsPam() ? "yes" : "no"}`,
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PrintMotd no",
    "LogLevel VERBOSE",
    "MaxStartups 100",
    "UseDNS no",
  ];
}

/** Without PAM, sshd turns users away whose password is locked, as it is for root on many images. */
function needsPam(): boolean {
  if (process.getuid?.() !== 0 || !existsSync("/etc/pam.d/sshd")) return false;
  const entry = spawnSync("getent", ["shadow", userInfo().username], { encoding: "utf8" });
  return entry.stdout?.split(":")[1]?.startsWith("!") ?? false;
}

/** What has the kernel end a process when this one is gone, be it killed; part of Debian's base. */
function endWithParent(): string[] {
  const setpriv = "/usr/bin/setpriv";
  return existsSync(setpriv) ? [setpriv, "--pdeathsig", "TERM"] : [];
}

const sshdPaths = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"];

/** Whether this machine has an OpenSSH server, however it came there. */
export function hasSshServer(): boolean {
  return sshdPaths.some((file) => existsSync(file));
}

function findSshd(): string {
  const path = sshdPaths.find((file) => existsSync(file));
  if (path === undefined) {
    throw new Error("the OpenSSH server is missing: install the package openssh-server");
  }
  return path;
}

function checkConfiguration(sshd: string, configPath: string): void {
  const result = spawnSync(sshd, ["-t", "-f", configPath], { encoding: "utf8" });
  if (result.status !== 0)
    throw new Error(`sshd refuses its configuration: ${lastLines(result.stderr ?? "")}`);
}

async function generateKey(type: string, path: string): Promise<void> {
  if (existsSync(path)) return;
  // Shorter than ssh-keygen's own choice, which takes most of a second; these keys live as long as a test.
  const size = type === "rsa" ? ["-b", "2048"] : [];
  const arguments_ = ["-q", "-t", type, ...size, "-N", "", "-C", "pulumi-vpnserver", "-f", path];
  const child = spawn("ssh-keygen", arguments_, { stdio: ["ignore", "ignore", "pipe"] });
  let message = "";
  child.stderr.on("data", (chunk: Buffer) => (message += chunk.toString()));
  const [code] = (await once(child, "close").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error("ssh-keygen is not on PATH: install the package openssh-client", { cause: error });
  })) as [number | null];
  if (code !== 0) throw new Error(`ssh-keygen made no ${type} key: ${message.trim()}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("the system names no free port");
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.setTimeout(1_000, () => socket.destroy());
  try {
    for await (const chunk of socket) return (chunk as Buffer).toString("latin1").startsWith("SSH-");
    return false;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function connectionsIn(logPath: string): Promise<number> {
  const text = await readFile(logPath, "utf8");
  return text.match(/^Connection from /gm)?.length ?? 0;
}

async function endProcessGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  // Sessions lead sessions of their own and end when the server's end of their pipe does.
  process.kill(-child.pid, "SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
  await ended;
  clearTimeout(timer);
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-5).join("; ");
}
