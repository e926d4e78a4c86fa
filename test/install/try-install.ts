import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InstallResult } from "../../server/contract/install-result.ts";
import type { RunningStatus } from "../../server/contract/server-status.ts";
import { freePorts } from "../processes/ports.ts";
import { builtRelease } from "./release-variants.ts";

export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An installation in user mode with a folder and ports of its own, which is taken away at the end. */
export class TryInstall {
  readonly directory: string;
  readonly prefix: string;
  readonly state: string;
  readonly ports: readonly number[];

  private constructor(directory: string, ports: readonly number[]) {
    this.directory = directory;
    this.prefix = join(directory, "a home", "vpnserver");
    this.state = join(this.prefix, "state");
    this.ports = ports;
  }

  static async create(): Promise<TryInstall> {
    const directory = await mkdtemp(join(tmpdir(), "vpnserver-install-"));
    return new TryInstall(directory, await freePorts(2));
  }

  /** Runs `install` of an executable in user mode. */
  install(options: { release?: string; words?: readonly string[] } = {}): Promise<CommandEnd> {
    return ended(this.begin(options));
  }

  begin({
    release = builtRelease,
    words = [],
  }: { release?: string; words?: readonly string[] } = {}): ChildProcess {
    const own = ["--mode", "user", "--prefix", this.prefix, "--json"];
    const listeners = words.includes("--listeners") ? [] : ["--listeners", this.ports.join()];
    return spawn(release, ["install", ...own, ...listeners, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Runs the installed executable. */
  command(...words: string[]): Promise<CommandEnd> {
    return ended(
      spawn(join(this.prefix, "current", "vpnserver"), words, { stdio: ["ignore", "pipe", "pipe"] }),
    );
  }

  /** Runs `uninstall` of any executable for this installation. */
  uninstallBy(executable: string, words: readonly string[] = []): Promise<CommandEnd> {
    return ended(
      spawn(executable, ["uninstall", "--prefix", this.prefix, ...words], {
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
  }

  async status(): Promise<RunningStatus> {
    const { stdout, stderr, code } = await this.command("status", "--json");
    if (code !== 0) throw new Error(`status: exit code ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as RunningStatus;
  }

  async releases(): Promise<string[]> {
    return (await readdir(join(this.prefix, "releases"))).sort();
  }

  fingerprintFile(): Promise<string> {
    return readFile(join(this.state, "server.crt"), "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { supervisor } = await this.#processes();
    if (existsSync(join(this.prefix, "current", "vpnserver"))) await this.command("stop");
    if (supervisor !== undefined && (await isServer(supervisor))) process.kill(supervisor, "SIGKILL");
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #processes(): Promise<{ supervisor: number | undefined }> {
    try {
      const record = JSON.parse(await readFile(join(this.state, "run", "processes.json"), "utf8")) as {
        supervisor: { pid: number };
      };
      return { supervisor: record.supervisor.pid };
    } catch {
      return { supervisor: undefined };
    }
  }
}

/** The result that `install --json` printed. */
export function resultOf({ code, stdout, stderr }: CommandEnd): InstallResult {
  if (code !== 0) throw new Error(`install: exit code ${code}: ${stderr}`);
  return JSON.parse(stdout) as InstallResult;
}

export function ended(child: ChildProcess): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** Whether a process that was a server of ours still is one. */
export async function isServer(pid: number): Promise<boolean> {
  const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return words.replaceAll("\0", " ").startsWith("vpnserver execsvc");
}
