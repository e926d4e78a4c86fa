import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand, type CommandOptions, type CommandResult } from "./command.ts";
import { namespaceSettings } from "./left-overs.ts";

/** A place in the lab's network with an address of its own, which runs programs of this machine. */
export class Namespace {
  /** Its name for `ip netns`. */
  readonly name: string;
  readonly address: string;
  readonly address6: string;
  readonly #names = new Map<string, string>();

  constructor(name: string, address: string, address6: string) {
    this.name = name;
    this.address = address;
    this.address6 = address6;
  }

  /**
   * Gives names to addresses for the programs that are started there from now on, in the place of those of the same source.
   *
   * @param source who says so
   * @param lines as those of `/etc/hosts`
   */
  async setNames(source: string, lines: string): Promise<void> {
    this.#names.set(source, lines);
    // `ip netns exec` shows files of this folder in the place of those in /etc.
    const folder = namespaceSettings(this.name);
    await mkdir(folder, { recursive: true });
    const text = ["127.0.0.1\tlocalhost\n", ...this.#names.values()].join("");
    await writeFile(join(folder, "hosts"), text);
  }

  /** Starts a program there. It ends with the lab at the latest. */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    return spawn("ip", ["netns", "exec", this.name, command, ...args], options);
  }

  /**
   * Runs a program there to its end.
   *
   * @throws Error with the program's last words when it fails, unless `check` is false
   */
  run(command: string, args: readonly string[] = [], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand("ip", ["netns", "exec", this.name, command, ...args], options);
  }
}
