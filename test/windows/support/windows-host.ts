import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { runCommand } from "../../lab/command.ts";
import type { Lab } from "../../lab/lab.ts";
import { pathOf } from "../../lab/network.ts";
import type { Namespace } from "../../lab/namespace.ts";
import { ensureWineRoot, wineVariables } from "./wine-root.ts";

/**
 * Holds the disk, a copy of the cached root in memory, in mount and process namespaces of its own: mounts and every process of Wine end
 * with it, and it ends with us.
 */
const keeperScript = `
set -eu
image=$1 disk=$2 share=$3
mount -t tmpfs none "$disk"
mkdir "$disk/upper" "$disk/work" "$disk/root"
root=$disk/root
mount -t overlay -o "lowerdir=$image,upperdir=$disk/upper,workdir=$disk/work" none "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/share"
mount --bind "$share" "$root/share"
chroot "$root" /usr/bin/env -i ${wineVariables()} wineserver --persistent </dev/null >/dev/null 2>&1 3>&-
echo made >&3
while read -r _; do :; done
`;

/** Where drive C lies on the disk. */
const driveC = "root/.wine/drive_c";

const built = join(import.meta.dirname, "../../../dist/vpnserver-windows-x64.exe");

export interface WindowsResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface WindowsRunOptions {
  /** What it reads on standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** @default 60000 */
  readonly timeoutMs?: number;
}

/**
 * A host that runs programs of Windows, by Wine, with an address in the lab's network. Wine uses the sockets of the namespace that it
 * runs in, so ports are open there as they would be on Windows.
 */
export class WindowsHost {
  readonly station: Namespace;
  /** The executable, as the host names it. */
  readonly executable = "C:\\Program Files\\vpnserver\\vpnserver.exe";
  readonly #keeper: ChildProcess;
  readonly #share: string;
  readonly #root: string;
  #runs = 0;

  private constructor(
    station: Namespace,
    keeper: ChildProcess,
    { share, root }: { share: string; root: string },
  ) {
    this.station = station;
    this.#keeper = keeper;
    this.#share = share;
    this.#root = root;
  }

  /** Makes one with the executable that was built, and nothing else of ours. */
  static async create(lab: Lab, name: string): Promise<WindowsHost> {
    const image = await ensureWineRoot((line) => console.error(`windows: ${line}`));
    const station = await lab.station(name);
    const disk = await mkdtemp(join(lab.directory, `${name}.disk-`));
    const share = await mkdtemp(join(lab.directory, `${name}.share-`));
    const namespaces = [
      `--net=${pathOf(station)}`,
      ...[
        "unshare",
        "--mount",
        "--propagation",
        "slave",
        "--pid",
        "--fork",
        "--kill-child=KILL",
        "--mount-proc",
      ],
    ];
    const keeper = spawn(
      "setpriv",
      [
        "--pdeathsig",
        "KILL",
        "nsenter",
        ...namespaces,
        "sh",
        "-c",
        keeperScript,
        "keeper",
        image,
        disk,
        share,
      ],
      { stdio: ["pipe", "ignore", "inherit", "pipe"] },
    );
    keeper.stdin?.on("error", () => undefined);
    const host = new WindowsHost(station, keeper, { share, root: join(disk, "root") });
    const lines = createInterface(keeper.stdio[3] as Readable)[Symbol.asyncIterator]();
    const { value } = (await lines.next()) as { value?: string };
    if (value !== "made") throw new Error(`the host ${name} could not be made: look above for why`);
    await host.putExecutable(built);
    return host;
  }

  /** Puts a file where the executable is. */
  async putExecutable(file: string): Promise<void> {
    await copyFile(file, join(this.#share, "vpnserver.exe"));
    const target = `/${driveC}/Program Files/vpnserver`;
    await this.shell(`mkdir -p "${target}" && mv /share/vpnserver.exe "${target}/vpnserver.exe"`);
  }

  /** Runs the executable to its end. */
  vpnserver(words: readonly string[], options: WindowsRunOptions = {}): Promise<WindowsResult> {
    return this.run(this.executable, words, options);
  }

  /**
   * Runs a program of Windows to its end, whatever its exit code. Its standard streams are files: the pipes of the system below are none
   * that it knows.
   */
  async run(
    program: string,
    words: readonly string[],
    { input = "", env = {}, timeoutMs = 60_000 }: WindowsRunOptions = {},
  ): Promise<WindowsResult> {
    const run = String(++this.#runs);
    const folder = join(this.#share, run);
    await mkdir(folder);
    const inside = `/share/${run}`;
    await writeFile(join(folder, "in"), input);
    const script = `cd /root && exec wine "$@" <${inside}/in >${inside}/out 2>${inside}/err`;
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    try {
      const { code } = await this.#enter(
        [...variables, "sh", "-c", script, "sh", program, ...words],
        timeoutMs,
      );
      const [stdout, stderr] = await Promise.all(
        ["out", "err"].map((name) => readFile(join(folder, name), "utf8")),
      );
      return { code, stdout: plain(stdout ?? ""), stderr: plain(stderr ?? "") };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Runs shell commands of the system below Wine, with its disk for a root; resolves to what they print. */
  async shell(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.#enter(["sh", "-c", script], 60_000);
    if (code !== 0) throw new Error(`${script}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Text of a file on drive C, such as `ProgramData/vpnserver/log/server.log`. */
  readDriveC(path: string): Promise<string> {
    return this.shell(`cat "/${driveC}/${path}"`);
  }

  /** Permissions of a file or folder on drive C, to which Wine turns access lists: such as `700`. */
  async modeOnDriveC(path: string): Promise<string> {
    return (await this.shell(`stat --format=%a "/${driveC}/${path}"`)).trim();
  }

  async dispose(): Promise<void> {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return;
    const ended = once(this.#keeper, "exit");
    this.#keeper.kill("SIGKILL");
    await ended;
  }

  #enter(words: readonly string[], timeoutMs: number) {
    const of = `/proc/${this.#keeper.pid}/ns`;
    // Wine's way to a screen complains where there is none.
    const variables = [...wineVariables().split(" "), "XDG_RUNTIME_DIR=/tmp"];
    const namespaces = [`--mount=${of}/mnt`, `--pid=${of}/pid_for_children`, `--net=${of}/net`];
    return runCommand(
      "nsenter",
      [...namespaces, "chroot", this.#root, "/usr/bin/env", "-i", ...variables, ...words],
      { check: false, timeoutMs },
    );
  }
}

/** Lines end as Windows has them. */
function plain(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
