import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../server/platform/atomic-file.ts";
import { runTool } from "../build/run-tool.ts";
import type { Toolchain } from "../setup/toolchain.ts";
import { root, type Workspace } from "./workspace.ts";

const stackName = "quickstart";
const commandTimeoutMs = 120_000;

/** The stack of the fleet program in this checkout, with state, passphrase and configuration in quickstart's folder. */
export class Stack {
  readonly #workspace: Workspace;
  readonly #pulumi: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(workspace: Workspace, toolchain: Toolchain) {
    this.#workspace = workspace;
    this.#pulumi = toolchain.pulumi;
    // What the user has set for stacks of his own has no say here. A dead SSH agent would fail the connection.
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(PULUMI_.*|VPNSERVER_.*|SSH_AUTH_SOCK|NODE_TEST_CONTEXT)$/.test(name),
    );
    this.#environment = {
      ...Object.fromEntries(inherited),
      ...toolchain.env,
      PULUMI_BACKEND_URL: `file://${workspace.stateDirectory}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: workspace.passphraseFile,
    };
  }

  /** Whether there is a stack, be it empty or half deployed. */
  exists(): boolean {
    return this.#glob("stacks/*/*.json").length > 0;
  }

  /** Makes the stack where there is none, and frees it of a run that was killed. */
  async prepare(): Promise<void> {
    const { passphraseFile, project } = this.#workspace;
    if (!existsSync(passphraseFile)) {
      const passphrase = randomBytes(24).toString("base64url");
      await writeFileAtomically(passphraseFile, passphrase, { mode: 0o600 });
    }
    const name = /^name: (\S+)$/m.exec(await readFile(join(root, "Pulumi.yaml"), "utf8"))?.[1];
    if (name === undefined) throw new Error(`${join(root, "Pulumi.yaml")} gives the project no name`);
    // Commands that write the stack's configuration do so beside the project's file, which therefore is not the root's.
    const description = `name: ${name}\nruntime: nodejs\n`;
    await writeFileAtomically(join(project, "Pulumi.yaml"), description, { mode: 0o644 });
    if (!this.exists() || !existsSync(this.#configFile)) {
      await this.#run(["stack", "select", "--create", stackName]);
    }
    // Only one quickstart at a time is in this folder: whoever left a lock behind is gone.
    if (this.#glob("locks/**/*.json").length > 0) await this.#run(["cancel", "--yes", "--stack", stackName]);
  }

  /** Sets configuration of the program, by key without the namespace. */
  async configure(values: Readonly<Record<string, unknown>>): Promise<void> {
    const entries = Object.entries(values).map(([key, value]) => [
      `vpnserver:${key}`,
      { value: JSON.stringify(value), secret: false, objectValue: value },
    ]);
    const json = JSON.stringify(Object.fromEntries(entries));
    await this.#run(["config", "set-all", "--json", json, "--stack", stackName]);
  }

  /** Sets one secret, which no process list shows on its way. */
  async configureSecret(key: string, value: unknown): Promise<void> {
    const words = ["config", "set", "--secret", `vpnserver:${key}`, "--stack", stackName];
    await this.#run(words, JSON.stringify(value));
  }

  /** `pulumi up` of the program in this checkout. Resolves to whether it ended well; the engine tells why not. */
  up(): Promise<boolean> {
    const options = ["--config-file", this.#configFile, "--yes", "--skip-preview", "--suppress-outputs"];
    return this.#show(root, ["up", "--stack", stackName, "--suppress-permalink=true", ...options]);
  }

  /** `pulumi destroy`, and the end of the stack. */
  destroy(): Promise<boolean> {
    const options = ["--yes", "--skip-preview", "--remove", "--suppress-permalink=true"];
    return this.#show(this.#workspace.project, ["destroy", "--stack", stackName, ...options]);
  }

  /** With secrets in plain text. */
  async outputs(): Promise<unknown> {
    return JSON.parse(await this.#run(["stack", "output", "--json", "--show-secrets", "--stack", stackName]));
  }

  get #configFile(): string {
    return join(this.#workspace.project, `Pulumi.${stackName}.yaml`);
  }

  #glob(pattern: string): string[] {
    return globSync(pattern, { cwd: join(this.#workspace.stateDirectory, ".pulumi") });
  }

  #run(args: readonly string[], input?: string): Promise<string> {
    return runTool(this.#pulumi, ["--non-interactive", ...args], {
      cwd: this.#workspace.project,
      timeoutMs: commandTimeoutMs,
      env: this.#environment,
      ...(input !== undefined && { input }),
    });
  }

  /** Runs a command with its output on the terminal. An interruption reaches the engine, which then ends in order. */
  async #show(cwd: string, args: readonly string[]): Promise<boolean> {
    const child = spawn(this.#pulumi, args, {
      cwd,
      env: this.#environment,
      stdio: ["ignore", "inherit", "inherit"],
    });
    const onTerminate = () => child.kill("SIGINT");
    // A terminal interrupts the engine too: here it is only waited for.
    const onInterrupt = () => process.stdin.isTTY || child.kill("SIGINT");
    process.on("SIGTERM", onTerminate).on("SIGHUP", onTerminate).on("SIGINT", onInterrupt);
    try {
      const [code] = (await once(child, "exit")) as [number | null];
      return code === 0;
    } finally {
      process.off("SIGTERM", onTerminate).off("SIGHUP", onTerminate).off("SIGINT", onInterrupt);
    }
  }
}
