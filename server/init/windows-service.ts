import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ServerError } from "../errors.ts";
import { loadWindowsCalls } from "../native/windows/windows-calls.ts";
import { installationOf } from "../state-paths.ts";
import {
  endService,
  registerService,
  removeService,
  runService,
  settingsOf,
  type ServiceSteps,
} from "../windows/service-control.ts";
import { commandLineOf, parseCommandLine, serviceName } from "../windows/service-plan.ts";
import type {
  InitSystem,
  InitSystemKind,
  InstalledServer,
  RegistrationOptions,
  StartOptions,
} from "./init-system.ts";
import { lastLogLinesOf, stopIfRunning, stopStartedByHand } from "./server-process.ts";

/** The services of Windows, which its service control manager starts before anyone logs in. */
export const windowsService: InitSystemKind = {
  title: "Windows",
  sign: "service control manager",
  detect: () => process.platform === "win32",
  async fileOfServerIn(stateDirectory) {
    const command = settingsOf(await loadSteps())?.command;
    const ours = command === undefined ? undefined : parseCommandLine(command);
    return ours !== undefined && isSamePath(ours.stateDirectory, stateDirectory)
      ? ours.executable
      : undefined;
  },
  of: (server) => new WindowsService(server, loadSteps),
};

/** The server as the service `sevpnserver`. What is registered is its command line, which names a release. */
export class WindowsService implements InitSystem {
  readonly #server: InstalledServer;
  readonly #load: () => Promise<ServiceSteps>;

  /** @param load gives the service control manager, of which nothing is asked before */
  constructor(server: InstalledServer, load: () => Promise<ServiceSteps>) {
    this.#server = server;
    this.#load = load;
  }

  /** @throws {ServerError} FAILED when the service's name is taken */
  async registration(): Promise<string | undefined> {
    const command = settingsOf(await this.#load())?.command;
    if (command === undefined || this.#isOurs(command)) return command;
    const other = parseCommandLine(command);
    throw new ServerError(
      "FAILED",
      other === undefined
        ? `the service ${serviceName} belongs to another program (${command}) and was left as it is: uninstall that program by its own means`
        : `the service ${serviceName} runs ${other.executable}, which this installation did not put there: take it away first ("${other.executable}" /uninstall, which leaves its state in ${other.stateDirectory})`,
    );
  }

  desiredRegistration({ program }: RegistrationOptions): string {
    return commandLineOf({ executable: program, stateDirectory: this.#server.paths.stateDirectory });
  }

  /** Whether it starts with Windows or on demand stays as somebody has chosen it. */
  async register(registration: string): Promise<boolean> {
    const steps = await this.#load();
    await this.registration();
    const command = parseCommandLine(registration);
    if (command === undefined) throw new TypeError(`no command line of ours: ${registration}`);
    return registerService(steps, command);
  }

  async unregister(): Promise<void> {
    if (await this.#isRegistered()) await removeService(await this.#load());
  }

  async keeps(supervisorPid: number): Promise<boolean> {
    const status = (await this.#load()).manager.status(serviceName);
    return status?.state === "RUNNING" && status.pid === supervisorPid && (await this.#isRegistered());
  }

  async start({ timeoutMs }: StartOptions): Promise<void> {
    await this.stop();
    const { stateDirectory } = this.#server.paths;
    try {
      await runService(await this.#load(), stateDirectory, timeoutMs);
    } catch (error) {
      if (!(error instanceof ServerError) || error.code === "NOT_PERMITTED") throw error;
      throw new ServerError("UNHEALTHY", `the service ${serviceName} did not start: ${error.message}`, {
        cause: error,
      });
    }
  }

  async stop(): Promise<void> {
    const steps = await this.#load();
    const state = (await this.#isRegistered()) ? steps.manager.status(serviceName)?.state : undefined;
    // While it starts it takes no orders from Windows.
    if (state === "START_PENDING") await stopIfRunning(this.#server.paths);
    if (state !== undefined && state !== "STOPPED") await endService(steps);
    await stopStartedByHand(this.#server.paths);
  }

  async lastLogLines(): Promise<string[]> {
    return lastLogLinesOf(this.#server.paths);
  }

  async warnings(): Promise<string[]> {
    return [];
  }

  /** Whether the service is there, and is ours. */
  async #isRegistered(): Promise<boolean> {
    const command = settingsOf(await this.#load())?.command;
    return command !== undefined && this.#isOurs(command);
  }

  #isOurs(command: string): boolean {
    const { executable = "" } = parseCommandLine(command) ?? {};
    const prefix = installationOf(executable, "win32")?.prefix;
    return prefix !== undefined && isSamePath(prefix, dirname(this.#server.executable));
  }
}

/** Windows does not tell upper case from lower case. */
function isSamePath(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

async function loadSteps(): Promise<ServiceSteps> {
  const loaded = await loadWindowsCalls(process.env);
  if ("reason" in loaded) {
    throw new ServerError(
      "UNSUPPORTED",
      `the library for native calls cannot be loaded, without which there is no service: ${loaded.reason}`,
    );
  }
  return {
    manager: loaded.calls.serviceManager,
    sleep: (ms) => sleep(ms),
    now: () => performance.now(),
  };
}
