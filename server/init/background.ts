import type { RunProgram } from "../platform/run-program.ts";
import type { StatePaths } from "../state-paths.ts";
import { startServerProcess } from "../supervisor/control.ts";
import { readLastLogLines } from "../supervisor/log-file.ts";
import type { InitSystem, InstalledServer } from "./init-system.ts";
import { endsWithSession } from "./logind.ts";
import { logLines, stopIfRunning } from "./server-process.ts";

/** User mode: a background process of the user; nothing is done at boot. */
export class Background implements InitSystem {
  readonly #paths: StatePaths;
  readonly #executable: string;
  readonly #run: RunProgram;

  constructor({ paths, executable, run }: InstalledServer) {
    this.#paths = paths;
    this.#executable = executable;
    this.#run = run;
  }

  async registration(): Promise<undefined> {
    return undefined;
  }

  desiredRegistration(): undefined {
    return undefined;
  }

  async register(): Promise<boolean> {
    return false;
  }

  async unregister(): Promise<void> {}

  async keeps(): Promise<boolean> {
    return true;
  }

  async start({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    await this.stop();
    try {
      await startServerProcess(this.#paths, { executable: this.#executable, timeoutMs });
    } catch (error) {
      // What hangs at its start must not stand in the way of the next one.
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await stopIfRunning(this.#paths);
  }

  async lastLogLines(): Promise<string[]> {
    return readLastLogLines(this.#paths.logFile, logLines);
  }

  async warnings(): Promise<string[]> {
    if (!(await endsWithSession(this.#run))) return [];
    return [
      "this host ends a user's processes with the last session (KillUserProcesses in logind.conf): " +
        "for the server to stay, lingering is needed (loginctl enable-linger, by an administrator)",
    ];
  }
}
