import { statSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { writeFileAtomically } from "../platform/atomic-file.ts";
import { fileProblemOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { failureOf, type ProgramResult } from "../platform/run-program.ts";
import type {
  InitSystem,
  InitSystemKind,
  InstalledServer,
  RegistrationOptions,
  StartOptions,
} from "./init-system.ts";
import { hasState, isUnitOf, systemdUnit, unitFile, unitName } from "./systemd-unit.ts";
import { lastLogLinesOf, lastWordsIn, logLines, stopStartedByHand } from "./server-process.ts";

/** The unit's own TimeoutStopSec, and a little more. */
const stopMs = 100_000;

const sign = "/run/systemd/system";

/** sd_booted(3). */
export const systemd: InitSystemKind = {
  title: "systemd",
  sign,
  detect: () => statSync(sign, { throwIfNoEntry: false })?.isDirectory() ?? false,
  async fileOfServerIn(stateDirectory) {
    const text = await readFile(unitFile, "utf8").catch(() => "");
    return hasState(text, stateDirectory) ? unitFile : undefined;
  },
  of: (server) => new Systemd(server),
};

/** A unit of systemd, started at boot. */
class Systemd implements InitSystem {
  readonly #server: InstalledServer;

  constructor(server: InstalledServer) {
    this.#server = server;
  }

  /** @throws {ServerError} FAILED when the unit's name is taken */
  async registration(): Promise<string | undefined> {
    let text: string;
    try {
      text = await readFile(unitFile, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    if (isUnitOf(text, this.#server.executable)) return text;
    throw new ServerError(
      "FAILED",
      `${unitFile} belongs to another server; take that one away first (systemctl disable --now ${unitName}; rm ${unitFile}; or its own uninstaller)`,
    );
  }

  desiredRegistration({ opensFirewall }: RegistrationOptions): string {
    const { stateDirectory, pidFile } = this.#server.paths;
    return systemdUnit({ executable: this.#server.executable, stateDirectory, pidFile, opensFirewall });
  }

  async register(registration: string): Promise<boolean> {
    const written = (await this.registration()) !== registration;
    if (written) {
      await writeFileAtomically(unitFile, registration, { mode: 0o644 }).catch((error: unknown) => {
        throw new ServerError(
          "FAILED",
          `cannot write ${unitFile}: ${fileProblemOf(error, unitFile)}; or install with --mode user`,
          { cause: error },
        );
      });
    }
    // Also for drop-ins that an administrator has put there meanwhile.
    if (written || (await this.#needsReload())) await this.#systemctl("daemon-reload");
    const enabled =
      (await this.#server.run("systemctl", ["is-enabled", unitName]))?.stdout.trim() === "enabled";
    if (!enabled) await this.#systemctl("enable", unitName);
    return written || !enabled;
  }

  async unregister(): Promise<void> {
    if (!(await this.#isRegistered())) return;
    await this.#server.run("systemctl", ["disable", unitName]);
    await rm(unitFile, { force: true });
    await this.#server.run("systemctl", ["daemon-reload"]);
    await this.#server.run("systemctl", ["reset-failed", unitName]);
  }

  async keeps(supervisorPid: number): Promise<boolean> {
    return (await this.#property("MainPID")) === String(supervisorPid);
  }

  async start({ timeoutMs }: StartOptions): Promise<void> {
    await this.stop();
    // Failures of a former release must not count against this one.
    await this.#server.run("systemctl", ["reset-failed", unitName]);
    const result = await this.#server.run("systemctl", ["start", unitName], { timeoutMs });
    if (result?.code === 0) return;
    if (result === undefined) throw withoutSystemctl(`start ${unitName}`);
    if (result.code === undefined) {
      throw new ServerError("UNHEALTHY", `${unitName} did not start within ${timeoutMs / 1000} s`);
    }
    throw new ServerError("UNHEALTHY", `${unitName} did not start: ${await this.#whyNotStarted(result)}`);
  }

  async stop(): Promise<void> {
    if (await this.#isRegistered()) {
      await this.#server.run("systemctl", ["stop", unitName], { timeoutMs: stopMs });
    }
    await stopStartedByHand(this.#server.paths);
  }

  async lastLogLines(): Promise<string[]> {
    const written = lastLogLinesOf(this.#server.paths);
    return written.length > 0 ? written : this.#journal();
  }

  async warnings(): Promise<string[]> {
    return [];
  }

  async #needsReload(): Promise<boolean> {
    return (await this.#property("NeedDaemonReload")) === "yes";
  }

  async #property(name: string): Promise<string | undefined> {
    return (await this.#server.run("systemctl", ["show", unitName, "--value", "-p", name]))?.stdout.trim();
  }

  /** Whether the unit of that name is there, and is ours. */
  async #isRegistered(): Promise<boolean> {
    return (await this.registration().catch(() => undefined)) !== undefined;
  }

  /** What `vpnserver start` said to the journal tells more than systemd's hint to look there. */
  async #whyNotStarted(result: ProgramResult): Promise<string> {
    return lastWordsIn(await this.#journal()) ?? failureOf(result).replace(/\n[^]*/, "");
  }

  async #journal(): Promise<string[]> {
    const result = await this.#server.run("journalctl", [
      `--unit=${unitName}`,
      "--boot",
      `--lines=${logLines}`,
      "--no-pager",
      "--output=cat",
    ]);
    return result?.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("-- ")) ?? [];
  }

  async #systemctl(...args: string[]): Promise<void> {
    const result = await this.#server.run("systemctl", args);
    if (result?.code === 0) return;
    if (result === undefined) throw withoutSystemctl(args.join(" "));
    throw new ServerError("FAILED", `"systemctl ${args.join(" ")}" failed: ${failureOf(result)}`);
  }
}

function withoutSystemctl(command: string): ServerError {
  return new ServerError("UNSUPPORTED", `"systemctl ${command}" failed: there is no systemctl on this host`);
}
