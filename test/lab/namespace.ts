import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { runCommand, type CommandOptions, type CommandResult } from "./command.ts";

/** A place in the lab's network with an address of its own, which runs programs of this machine. */
export class Namespace {
  /** Its name for `ip netns`. */
  readonly name: string;
  readonly address: string;
  readonly address6: string;

  constructor(name: string, address: string, address6: string) {
    this.name = name;
    this.address = address;
    this.address6 = address6;
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
