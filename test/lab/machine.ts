import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { runCommand, type CommandOptions, type CommandResult } from "./command.ts";
import { createControlGroups, labDirectory, processesIn } from "./left-overs.ts";
import { pathOf } from "./network.ts";
import type { Namespace } from "./namespace.ts";

/**
 * The keeper of a machine: it holds the disk, and switches the machine on when a line comes in. It runs in mount and pid
 * namespaces of its own, so that its mounts and every process of the machine end with it, and it ends with us.
 *
 * The disk is an overlay of the shared image, in memory. It lasts as long as the keeper, so it outlives a reboot.
 */
const keeperScript = `
set -eu
image=$1 files=$2 disk=$3 network=$4 machine=$5 hostname=$6 prepare=$7
shift 7
for group; do echo 0 >"$group/cgroup.procs"; done
mkdir -p /run/systemd/nspawn
mount -t tmpfs none /run/systemd/nspawn
mount -t tmpfs none "$disk"
mkdir "$disk/upper" "$disk/work" "$disk/root"
mount -t overlay -o "lowerdir=$image,upperdir=$disk/upper,workdir=$disk/work" none "$disk/root"
cp -r "$files/." "$disk/root"
chroot "$disk/root" sh -eu -c "$prepare" </dev/null
echo made >&3
while read -r _; do
  status=0
  SYSTEMD_NSPAWN_API_VFS_WRITABLE=network systemd-nspawn --quiet --boot --directory="$disk/root" \
    --machine="$machine" --hostname="$hostname" --network-namespace-path="$network" --capability=CAP_NET_ADMIN \
    --register=no --keep-unit --console=pipe </dev/null 3>&- || status=$?
  echo "$status" >&3
done
`;

/** How systemd-nspawn ends when the machine wants to start again. */
const wantsReboot = 133;

const deadlineMs = 60_000;

export interface MachineOptions {
  readonly lab: string;
  readonly name: string;
  readonly image: string;
  readonly namespace: Namespace;
  /** Folder whose content is copied onto the disk, owned by root. */
  readonly files: string;
  /** Shell commands that run once on the disk, before the first boot. */
  readonly prepare: string;
}

/** A machine with an init system as its first process: disk, power switch and console. */
export class Machine {
  readonly #options: MachineOptions;
  readonly #keeper: ChildProcess;
  readonly #says: AsyncIterator<string>;
  readonly #consoleLog: string;

  private constructor(options: MachineOptions, keeper: ChildProcess, consoleLog: string) {
    this.#options = options;
    this.#keeper = keeper;
    this.#consoleLog = consoleLog;
    this.#says = createInterface(keeper.stdio[3] as Readable)[Symbol.asyncIterator]();
  }

  /** Makes the machine and its disk, switched off. */
  static async create(options: MachineOptions): Promise<Machine> {
    const { lab, name, image, namespace, files, prepare } = options;
    const directory = labDirectory(lab);
    const disk = join(directory, `${name}.disk`);
    await mkdir(disk);
    const consoleLog = join(directory, `${name}.console`);
    const log = await open(consoleLog, "w");
    const inNamespaces = [
      "--mount",
      "--propagation",
      "slave",
      "--pid",
      "--fork",
      "--kill-child=KILL",
      "--mount-proc",
    ];
    const keeper = spawn(
      "setpriv",
      [
        ...["--pdeathsig", "KILL", "unshare", ...inNamespaces, "sh", "-c", keeperScript, "keeper"],
        ...[image, files, disk, pathOf(namespace), `${lab}-${name}`, name, prepare],
        ...createControlGroups(lab, name),
      ],
      { stdio: ["pipe", log.fd, log.fd, "pipe"] },
    );
    await log.close();
    const machine = new Machine(options, keeper, consoleLog);
    keeper.stdin?.on("error", () => undefined);
    await machine.#hear();
    return machine;
  }

  /** Switches it on. It takes a while until the machine can be worked with. */
  switchOn(): void {
    this.#keeper.stdin?.write("on\n");
  }

  /** Resolves when the machine has gone down by itself, to whether it wants to start again. */
  async wentDown(): Promise<"reboot" | "off"> {
    return Number(await this.#hear()) === wantsReboot ? "reboot" : "off";
  }

  /** Takes the power away for good: whatever it has not written is lost, and so is its disk. */
  async destroy(): Promise<void> {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return;
    const ended = once(this.#keeper, "exit");
    this.#keeper.kill("SIGKILL");
    await ended;
  }

  /** Runs a shell command as root, without any help of the network. */
  async console(command: string, options: CommandOptions = {}): Promise<CommandResult> {
    const pid = this.#firstProcess();
    if (pid === undefined) throw new Error(`the host ${this.#options.name} is switched off`);
    const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];
    const environment = [
      "env",
      "-i",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME=/root",
    ];
    return await runCommand(
      "nsenter",
      ["--target", String(pid), ...namespaces, "--wd=/", ...environment, "sh", "-c", command],
      options,
    );
  }

  /** What the machine's console has shown so far. */
  async consoleLog(): Promise<string> {
    return (await readFile(this.#consoleLog, "utf8")).trim();
  }

  async #hear(): Promise<string> {
    const timer = setTimeout(() => this.#keeper.kill("SIGKILL"), deadlineMs);
    try {
      const line = await this.#says.next();
      if (line.done !== true) return line.value;
      throw new Error(`the host ${this.#options.name} has ended unasked: ${await this.consoleLog()}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The machine's pid 1: the third level, below this machine's and the keeper's. */
  #firstProcess(): number | undefined {
    return processesIn(this.#options.namespace.name).find((pid) => {
      const path = `/proc/${pid}/status`;
      const levels = existsSync(path) ? /^NSpid:\t(.*)$/m.exec(readFileSync(path, "utf8"))?.[1] : undefined;
      return levels !== undefined && levels.split("\t").at(-1) === "1";
    });
  }
}
