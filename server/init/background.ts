import type { StatePaths } from "../state-paths.ts";
import { ServerError } from "../errors.ts";
import { startServerProcess, stopServer } from "../supervisor/control.ts";
import { readLastLogLines } from "../supervisor/log-file.ts";
import type { ModeRunner } from "./init-system.ts";

export const logLines = 15;

/** User mode: a background process of the user; nothing is done at boot. */
export class UserMode implements ModeRunner {
  readonly #paths: StatePaths;
  readonly #executable: string;

  constructor(options: { readonly paths: StatePaths; readonly executable: string }) {
    this.#paths = options.paths;
    this.#executable = options.executable;
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
}

export async function stopIfRunning(paths: StatePaths): Promise<void> {
  try {
    await stopServer(paths);
  } catch (error) {
    if (!(error instanceof ServerError && error.code === "NOT_RUNNING")) throw error;
  }
}
