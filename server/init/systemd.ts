import { readFile, rm } from "node:fs/promises";
import { writeFileAtomically } from "../platform/atomic-file.ts";
import type { StatePaths } from "../state-paths.ts";
import { fileProblemOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { failureOf, type ProgramResult, type RunProgram } from "../platform/run-program.ts";
import { readStatus } from "../supervisor/control.ts";
import { readLastLogLines } from "../supervisor/log-file.ts";
import type { RunningStatus } from "../contract/server-status.ts";
import type { ModeRunner } from "./init-system.ts";
import { isUnitOf, systemdUnit, unitFile, unitName } from "./systemd-unit.ts";
import { logLines, stopIfRunning } from "./background.ts";

/** What messages of ours begin with. */
const ourWords = "vpnserver: ";

/** The unit's own TimeoutStopSec, and a little more. */
const stopMs = 100_000;

/** Service mode: a unit of systemd, started at boot. */
export class ServiceMode implements ModeRunner {
  readonly #paths: StatePaths;
  readonly #executable: string;
  readonly #run: RunProgram;

  constructor(options: {
    readonly paths: StatePaths;
    readonly executable: string;
    readonly run: RunProgram;
  }) {
    this.#paths = options.paths;
    this.#executable = options.executable;
    this.#run = options.run;
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
    if (isUnitOf(text, this.#executable)) return text;
    throw new ServerError(
      "FAILED",
      `${unitFile} belongs to another server; take that one away first (systemctl disable --now ${unitName}; rm ${unitFile}; or its own uninstaller)`,
    );
  }

  desiredRegistration({ opensFirewall }: { readonly opensFirewall: boolean }): string {
    const { stateDirectory, pidFile } = this.#paths;
    return systemdUnit({ executable: this.#executable, stateDirectory, pidFile, opensFirewall });
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
    const enabled = (await this.#run("systemctl", ["is-enabled", unitName]))?.stdout.trim() === "enabled";
    if (!enabled) await this.#systemctl("enable", unitName);
    return written || !enabled;
  }

  async unregister(): Promise<void> {
    if (!(await this.#isRegistered())) return;
    await this.#run("systemctl", ["disable", unitName]);
    await rm(unitFile, { force: true });
    await this.#run("systemctl", ["daemon-reload"]);
    await this.#run("systemctl", ["reset-failed", unitName]);
  }

  async keeps(status: RunningStatus): Promise<boolean> {
    return (await this.#property("MainPID")) === String(status.supervisor.pid);
  }

  async start({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    await this.stop();
    // Failures of a former release must not count against this one.
    await this.#run("systemctl", ["reset-failed", unitName]);
    const result = await this.#run("systemctl", ["start", unitName], { timeoutMs });
    if (result?.code === 0) return;
    if (result === undefined) throw withoutSystemctl(`start ${unitName}`);
    if (result.code === undefined) {
      throw new ServerError("UNHEALTHY", `${unitName} did not start within ${timeoutMs / 1000} s`);
    }
    throw new ServerError("UNHEALTHY", `${unitName} did not start: ${await this.#whyNotStarted(result)}`);
  }

  async stop(): Promise<void> {
    if (await this.#isRegistered()) {
      await this.#run("systemctl", ["stop", unitName], { timeoutMs: stopMs });
    }
    // One that was started by hand, outside of the unit.
    if ((await readStatus(this.#paths).catch(() => "unknown")) !== undefined) {
      await stopIfRunning(this.#paths);
    }
  }

  async lastLogLines(): Promise<string[]> {
    const written = readLastLogLines(this.#paths.logFile, logLines);
    return written.length > 0 ? written : this.#journal();
  }

  async #needsReload(): Promise<boolean> {
    return (await this.#property("NeedDaemonReload")) === "yes";
  }

  async #property(name: string): Promise<string | undefined> {
    return (await this.#run("systemctl", ["show", unitName, "--value", "-p", name]))?.stdout.trim();
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
    const result = await this.#run("journalctl", [
      `--unit=${unitName}`,
      "--boot",
      `--lines=${logLines}`,
      "--no-pager",
      "--output=cat",
    ]);
    return result?.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("-- ")) ?? [];
  }

  async #systemctl(...args: string[]): Promise<void> {
    const result = await this.#run("systemctl", args);
    if (result?.code === 0) return;
    if (result === undefined) throw withoutSystemctl(args.join(" "));
    throw new ServerError("FAILED", `"systemctl ${args.join(" ")}" failed: ${failureOf(result)}`);
  }
}

/** The last message of ours in the lines of a journal, with the lines that go on with it, which are indented. */
export function lastWordsIn(lines: readonly string[]): string | undefined {
  const begin = lines.findLastIndex((line) => line.startsWith(ourWords) && line.length > ourWords.length);
  if (begin === -1) return undefined;
  const [first = "", ...others] = lines.slice(begin);
  const end = others.findIndex((line) => !/^\s/.test(line));
  return [first.slice(ourWords.length), ...others.slice(0, end === -1 ? undefined : end)].join("\n");
}

function withoutSystemctl(command: string): ServerError {
  return new ServerError("UNSUPPORTED", `"systemctl ${command}" failed: there is no systemctl on this host`);
}
