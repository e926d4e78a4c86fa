import { once } from "node:events";
import { truncate, writeFile } from "node:fs/promises";
import { existsSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import type { ChildProcess } from "node:child_process";
import type { Namespace } from "../namespace.ts";

/** Holds a loop device for as long as it runs: the device goes with the last who has it open. */
const holderScript = `
set -eu
device=$(losetup --find --show "$1")
exec 3<>"$device"
losetup --detach "$device"
echo "$device"
cat
`;

/** An EBS volume: a file that outlives instances, and the block device of this machine that shows it. */
export class BlockVolume {
  readonly device: string;
  readonly #file: string;
  readonly #namespace: Namespace;
  readonly #holder: ChildProcess;
  #gibibytes: number;

  private constructor(
    device: string,
    holder: ChildProcess,
    place: { file: string; gibibytes: number; namespace: Namespace },
  ) {
    this.device = device;
    this.#holder = holder;
    this.#file = place.file;
    this.#namespace = place.namespace;
    this.#gibibytes = place.gibibytes;
  }

  /**
   * @param file that keeps its content; it is made, sparse, when it is not there
   * @param namespace whose processes end with the lab
   */
  static async open(file: string, gibibytes: number, namespace: Namespace): Promise<BlockVolume> {
    if (!existsSync(file)) await writeFile(file, "", { mode: 0o600 });
    await enlarge(file, gibibytes);
    const holder = namespace.spawn("sh", ["-c", holderScript, "holder", file], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (holder.stdout === null) throw new Error("the holder of a volume has no output");
    const { value, done } = await createInterface(holder.stdout)[Symbol.asyncIterator]().next();
    if (done === true) throw new Error(`no loop device can be had for the volume ${file}`);
    return new BlockVolume(value, holder, { file, gibibytes, namespace });
  }

  /** Lets it grow to a size; whoever has the device open sees more of it. A volume does not shrink. */
  async grow(gibibytes: number): Promise<void> {
    if (gibibytes <= this.#gibibytes) return;
    await enlarge(this.#file, gibibytes);
    await this.#namespace.run("losetup", ["--set-capacity", this.device]);
    this.#gibibytes = gibibytes;
  }

  /** Numbers of the device, for mknod(1). */
  get numbers(): { major: number; minor: number } {
    const { rdev } = statSync(this.device);
    return { major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) };
  }

  async close(): Promise<void> {
    const ended = once(this.#holder, "exit");
    this.#holder.stdin?.end();
    await ended;
  }
}

async function enlarge(file: string, gibibytes: number): Promise<void> {
  const bytes = gibibytes * 1024 ** 3;
  if (statSync(file).size < bytes) await truncate(file, bytes);
}
