import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { builtRelease } from "../install/release-variants.ts";
import { runCommand, type CommandOptions } from "../lab/command.ts";
import { ensureImage } from "../lab/image.ts";
import { checkRequirements } from "../lab/requirements.ts";

/**
 * What a container engine makes: namespaces of its own, an image below a layer that can be written to, a volume, and of /dev the harmless
 * part. There is neither an init, nor /dev/shm, nor /sys.
 */
const engine = `
set -eu
image=$1 executable=$2 volume=$3 disk=$4
shift 4
mount --make-rprivate /
mount -t tmpfs none "$disk"
mkdir "$disk/upper" "$disk/work" "$disk/root"
mount -t overlay -o "lowerdir=$image,upperdir=$disk/upper,workdir=$disk/work" none "$disk/root"
cd "$disk/root"
cp "$executable" usr/local/bin/vpnserver
mkdir -p var/lib/vpnserver
mount --bind "$volume" var/lib/vpnserver
mount -t proc proc proc
mount -t tmpfs none dev
for device in null zero random urandom; do touch dev/$device; mount --bind /dev/$device dev/$device; done
ip link set lo up
exec chroot . env -i PATH=/usr/local/bin:/usr/bin:/bin "$@"
`;

describe("the server as the first process of a container", () => {
  let folder: string;
  let container: Container | undefined;
  beforeEach(async () => {
    checkRequirements();
    folder = await mkdtemp(join(tmpdir(), "vpnserver-container-"));
    for (const name of ["volume", "disk"]) await mkdir(join(folder, name));
  });
  afterEach(async () => {
    await container?.kill();
    container = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  test("serves, tells its log, keeps its state in the volume, and ends in order on TERM", async () => {
    container = await Container.run(folder);
    assert.match(container.output, /info supervisor 1 started: version /);
    await container.execute("vpnserver check");
    await container.execute("vpnserver apply", { input: '{"hubs":[{"name":"KEPT"}]}' });
    assert.equal(await container.stop(), 0);
    assert.match(container.output, /worker \d+ ended with exit code 0\n.*info supervisor ended\n$/);
    assert.equal(
      container.output,
      await readFile(join(folder, "volume/log/server.log"), "utf8"),
      "standard output has what the log has",
    );

    // Another container with that volume, also after one that was taken away at once.
    container = await Container.run(folder);
    await container.kill();
    container = await Container.run(folder);
    const { stdout } = await container.execute("vpnserver status --json");
    assert.match(stdout, /"KEPT"/);
    await container.execute("vpnserver stop", { check: false });
    assert.equal(await container.ended(), 0);
  });

  test("takes notice of the ends of orphans, and of its own worker's as ever", async () => {
    container = await Container.run(folder);
    const zombies = async () => {
      const { stdout } = await (container as Container).execute("ps -e -o stat=,args=");
      return stdout.split("\n").filter((line) => line.startsWith("Z"));
    };
    await container.execute("for i in $(seq 40); do (sh -c 'sleep 0.3 & sleep 0.1 & exit' &); done; exit 0");
    await until(async () => (await zombies()).length >= 40);
    await until(async () => (await zombies()).length === 0);

    const worker = async () => {
      // It fails while no worker serves.
      const { stdout } = await (container as Container).execute("vpnserver status --json", { check: false });
      return (JSON.parse(stdout) as { worker: { pid: number | null; restarts: number } }).worker;
    };
    const { pid } = await worker();
    await container.execute(`kill -9 ${pid}`);
    await until(async () => (await worker()).restarts === 1);
    await until(async () => (await container?.execute("vpnserver check", { check: false }))?.code === 0);
    assert.deepEqual(await zombies(), []);
    assert.equal(await container.stop(), 0);
  });

  test("says that orphans stay where it cannot take notice of their ends, and serves all the same", async () => {
    container = await Container.run(folder, ["VPNSERVER_NATIVE=off"]);
    await until(async () => /stay as zombies.*VPNSERVER_NATIVE is off.*--init/.test(container?.errors ?? ""));
    await container.execute("vpnserver check");
    assert.equal(await container.stop(), 0);
  });
});

/** A container, with the command of the image that is among the examples. */
class Container {
  readonly #process: ChildProcess;
  readonly #ended: Promise<number>;
  output = "";
  errors = "";

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#ended = once(process, "exit").then(([code]) => code as number);
    process.stdout?.setEncoding("utf8").on("data", (chunk: string) => (this.output += chunk));
    process.stderr?.setEncoding("utf8").on("data", (chunk: string) => (this.errors += chunk));
  }

  static async run(folder: string, variables: readonly string[] = []): Promise<Container> {
    const image = await ensureImage((line) => console.error(`lab: ${line}`));
    const { environment, command } = await containerfile();
    const namespaces = ["--mount", "--pid", "--fork", "--kill-child=KILL", "--net", "--ipc", "--uts"];
    const parts = [image, builtRelease, join(folder, "volume"), join(folder, "disk")];
    const child = spawn(
      "setpriv",
      [
        ...["--pdeathsig", "KILL", "unshare", ...namespaces, "sh", "-c", engine, "engine"],
        ...parts,
        ...environment,
        ...variables,
        ...command,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const container = new Container(child);
    await until(async () => {
      assert.equal(child.exitCode, null, container.errors);
      return [443, 992, 5555].every((port) =>
        container.output.includes(`info listener ${port}: Listening\n`),
      );
    });
    return container;
  }

  /** As the engines' `exec`. */
  async execute(command: string, options: CommandOptions = {}) {
    const pid = await this.#firstProcess();
    const inside = ["--mount", "--pid", "--net", "--ipc", "--uts", "--root", "--wd=/"];
    const { environment } = await containerfile();
    return runCommand(
      "nsenter",
      [
        ...["--target", String(pid), ...inside, "env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin"],
        ...[...environment, "sh", "-c", command],
      ],
      options,
    );
  }

  /** Resolves to the exit code. */
  async stop(): Promise<number> {
    process.kill(await this.#firstProcess(), "SIGTERM");
    return this.ended();
  }

  ended(): Promise<number> {
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }

  async #firstProcess(): Promise<number> {
    const { pid } = this.#process;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    const first = Number(children.split(" ")[0]);
    if (!first) throw new Error(`the container does not run: ${this.errors}`);
    return first;
  }
}

/** What the image says of its process. */
async function containerfile(): Promise<{ environment: readonly string[]; command: readonly string[] }> {
  const text = await readFile(join(import.meta.dirname, "../../examples/container/Containerfile"), "utf8");
  const environment = [...text.matchAll(/^ENV (\S+=\S+)$/gm)].map(([, word = ""]) => word);
  const command = JSON.parse(/^CMD (\[.+\])$/m.exec(text)?.[1] ?? "[]") as string[];
  assert.equal(command[0], "vpnserver");
  return { environment, command };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error("the condition was not met within 20 s");
    await sleep(100);
  }
}
