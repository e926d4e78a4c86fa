import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand, type CommandResult } from "../../lab/command.ts";
import type { Namespace } from "../../lab/namespace.ts";

/** Where Debian's packages put the programs themselves; what is in PATH wraps them. */
const libexec = "/usr/libexec/softether";

/** Where they keep their state, which each of several on one machine needs for itself. */
const stateFolders = ["/run/softether", "/var/lib/softether", "/var/log/softether"];

const startDeadlineMs = 20_000;

/** An unmodified program of SoftEther VPN that runs in a station of the lab, with state of its own that goes with it. */
export class SoftEtherProgram {
  readonly #child: ChildProcess;
  readonly station: Namespace;

  private constructor(child: ChildProcess, station: Namespace) {
    this.#child = child;
    this.station = station;
  }

  /**
   * @param port on which it can be administered from its own station
   * @param stateDirectory where it keeps its state; without it that is in memory
   * @throws Error that names the Debian package when the program is not there
   */
  static async start(
    name: "vpnclient" | "vpnserver",
    station: Namespace,
    port: number,
    stateDirectory?: string,
  ): Promise<SoftEtherProgram> {
    const file = `${libexec}/${name}/${name}`;
    if (!existsSync(file)) throw new Error(`${file} is not there: apt-get install softether-${name}`);
    const script = [
      "mount --make-rprivate /",
      ...stateFolders.map((folder) => {
        if (stateDirectory === undefined) return `mkdir -p ${folder} && mount -t tmpfs tmpfs ${folder}`;
        const own = `${stateDirectory}${folder}`;
        return `mkdir -p ${folder} ${own} && mount --bind ${own} ${folder}`;
      }),
      `exec ${file} execsvc`,
    ].join(" && ");
    const child = station.spawn("unshare", ["--mount", "sh", "-c", script], { stdio: "ignore" });
    const program = new SoftEtherProgram(child, station);
    const deadline = performance.now() + startDeadlineMs;
    for (;;) {
      const { stdout } = await station.run("ss", ["-Hltn", `sport = :${port}`]);
      if (stdout.trim() !== "") return program;
      if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${name} did not start`);
      await delay(50);
    }
  }

  /** Of the program's parent, which is in its network and sees its files. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The root folder as the program sees it. */
  get root(): string {
    return `/proc/${this.pid}/root`;
  }

  /** Runs a program where this one is: in its network, with its files. */
  run(command: string, args: readonly string[], options: { check?: boolean; timeoutMs?: number } = {}) {
    return runCommand("nsenter", ["-t", String(this.pid), "-m", "-n", command, ...args], options);
  }

  /** Runs one command of `vpncmd`; its output without the greeting. */
  async vpncmd(how: readonly string[], command: readonly string[], check = true): Promise<CommandResult> {
    return this.run("vpncmd", ["localhost", ...how, "/CSV", "/CMD", ...command], {
      check,
      timeoutMs: 30_000,
    });
  }
}
