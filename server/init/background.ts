import { startServerProcess } from "../supervisor/control.ts";
import type { InitSystem, InstalledServer, StartOptions } from "./init-system.ts";
import { endsWithSession } from "./logind.ts";
import { lastLogLinesOf, stopIfRunning } from "./server-process.ts";

/** User mode: a background process of the user; nothing is done at boot. */
export class Background implements InitSystem {
  readonly #server: InstalledServer;

  constructor(server: InstalledServer) {
    this.#server = server;
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

  async start({ timeoutMs, program }: StartOptions): Promise<void> {
    await this.stop();
    try {
      await startServerProcess(this.#server.paths, { executable: program, timeoutMs });
    } catch (error) {
      // What hangs at its start must not stand in the way of the next one.
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await stopIfRunning(this.#server.paths);
  }

  async lastLogLines(): Promise<string[]> {
    return lastLogLinesOf(this.#server.paths);
  }

  async warnings(): Promise<string[]> {
    if (!(await endsWithSession(this.#server.run))) return [];
    return [
      "this host ends a user's processes with the last session (KillUserProcesses in logind.conf): " +
        "for the server to stay, lingering is needed (loginctl enable-linger, by an administrator)",
    ];
  }
}
