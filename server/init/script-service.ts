import { readFile, rm } from "node:fs/promises";
import { fileProblemOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { writeFileAtomically } from "../platform/atomic-file.ts";
import { failureOf, type RunProgram } from "../platform/run-program.ts";
import type {
  InitSystem,
  InitSystemKind,
  InstalledServer,
  RegistrationOptions,
  StartOptions,
} from "./init-system.ts";
import { hasState, isScriptOf, scriptFile, serviceName, type ScriptOptions } from "./init-script.ts";
import { lastLogLinesOf, lastWordsIn, stopStartedByHand } from "./server-process.ts";

/** The server's own bound on its end, and a little more. */
const stopMs = 100_000;

/** A program of the host with its arguments. */
export type HostCommand = readonly [string, ...string[]];

/** What tells one init system that runs scripts of /etc/init.d from another. */
export interface ScriptDialect {
  readonly text: (options: ScriptOptions) => string;
  /** Starts or stops the service. */
  readonly command: (verb: "start" | "stop") => HostCommand;
  /** Whether the service is started at boot. */
  readonly isEnabled: () => Promise<boolean>;
  /** What has it started at boot: tried in turn until it {@link isEnabled}. */
  readonly enabling: () => readonly HostCommand[];
  /** What takes that back; none where nothing has registered it. */
  readonly disabling: () => readonly HostCommand[];
  /** Whether the system knows the service to run, and so stops it at power-off. */
  readonly knowsItRuns: () => Promise<boolean>;
  /** How an administrator takes away the service of somebody else. */
  readonly removal: string;
}

/** The file by which it starts a server of ours with its state in that folder. */
export const fileOfServerIn: InitSystemKind["fileOfServerIn"] = async (stateDirectory) => {
  const text = await readFile(scriptFile, "utf8").catch(() => "");
  return hasState(text, stateDirectory) ? scriptFile : undefined;
};

/** A script of /etc/init.d, started at boot. */
export class ScriptService implements InitSystem {
  readonly #server: InstalledServer;
  readonly #dialect: ScriptDialect;

  constructor(server: InstalledServer, dialect: ScriptDialect) {
    this.#server = server;
    this.#dialect = dialect;
  }

  /** @throws {ServerError} FAILED when the script's name is taken */
  async registration(): Promise<string | undefined> {
    let text: string;
    try {
      text = await readFile(scriptFile, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    if (isScriptOf(text, this.#server.executable)) return text;
    throw new ServerError(
      "FAILED",
      `${scriptFile} belongs to another server; take that one away first (${this.#dialect.removal}; or its own uninstaller)`,
    );
  }

  desiredRegistration({ opensFirewall }: RegistrationOptions): string {
    const { executable, paths } = this.#server;
    return this.#dialect.text({ executable, stateDirectory: paths.stateDirectory, opensFirewall });
  }

  async register(registration: string): Promise<boolean> {
    const written = (await this.registration()) !== registration;
    if (written) {
      await writeFileAtomically(scriptFile, registration, { mode: 0o755 }).catch((error: unknown) => {
        throw new ServerError(
          "FAILED",
          `cannot write ${scriptFile}: ${fileProblemOf(error, scriptFile)}; or install with --mode user`,
          { cause: error },
        );
      });
    }
    const enabled = await this.#dialect.isEnabled();
    if (!enabled) await this.#enable();
    return written || !enabled;
  }

  async unregister(): Promise<void> {
    let text: string | undefined;
    try {
      text = await this.registration();
    } catch {
      // Another server's.
      return;
    }
    const { disabling, isEnabled } = this.#dialect;
    // While the script is there, whose comments they read; and where it is gone and what they made is left.
    if (text !== undefined || (await isEnabled())) {
      for (const [program, ...words] of disabling()) await this.#server.run(program, words);
    }
    await rm(scriptFile, { force: true });
  }

  async keeps(): Promise<boolean> {
    return this.#dialect.knowsItRuns();
  }

  async start({ timeoutMs }: StartOptions): Promise<void> {
    await this.stop();
    const [program, ...words] = this.#dialect.command("start");
    const result = await this.#server.run(program, words, { timeoutMs });
    if (result?.code === 0) return;
    if (result === undefined) throw missing(program, words);
    if (result.code === undefined) {
      throw new ServerError(
        "UNHEALTHY",
        `the service ${serviceName} did not start within ${timeoutMs / 1000} s`,
      );
    }
    const why = lastWordsIn(result.stderr.split("\n")) ?? failureOf(result);
    throw new ServerError("UNHEALTHY", `the service ${serviceName} did not start: ${why}`);
  }

  async stop(): Promise<void> {
    if (await this.#isRegistered()) {
      const [program, ...words] = this.#dialect.command("stop");
      await this.#server.run(program, words, { timeoutMs: stopMs });
    }
    await stopStartedByHand(this.#server.paths);
  }

  async lastLogLines(): Promise<string[]> {
    return lastLogLinesOf(this.#server.paths);
  }

  async warnings(): Promise<string[]> {
    return [];
  }

  /** Whether the script of that name is there, and is ours. */
  async #isRegistered(): Promise<boolean> {
    return (await this.registration().catch(() => undefined)) !== undefined;
  }

  async #enable(): Promise<void> {
    const { isEnabled, enabling } = this.#dialect;
    let why = "";
    for (const command of enabling()) {
      why = await problemOf(this.#server.run, command);
      if (await isEnabled()) return;
    }
    throw new ServerError("FAILED", `the service ${serviceName} is not started at boot: ${why}`);
  }
}

async function problemOf(run: RunProgram, [program, ...words]: HostCommand): Promise<string> {
  const result = await run(program, words);
  if (result === undefined) return missing(program, words).message;
  const command = `"${[program, ...words].join(" ")}"`;
  return result.code === 0 ? `${command} changed nothing` : `${command} failed: ${failureOf(result)}`;
}

function missing(program: string, words: readonly string[]): ServerError {
  return new ServerError("UNSUPPORTED", `"${[program, ...words].join(" ")}" failed: there is no ${program}`);
}
