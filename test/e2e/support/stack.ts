import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureToolchain, type Toolchain } from "../../../tools/setup/toolchain.ts";
import type { CommandResult } from "../../lab/command.ts";
import type { Lab } from "../../lab/lab.ts";

/** How a run of the engine ended. */
export interface StackResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** How many resources had which operation (`create`, `update`, `same`, ...). Empty when the run got nowhere. */
  readonly changes: Readonly<Record<string, number>>;
  /** What the engine reported, in order, without messages for debugging. */
  readonly events: readonly EngineEvent[];
}

/** An event of the engine's log: one of the known kinds beside others, as in `apitype.EngineEvent`. */
export interface EngineEvent {
  readonly sequence: number;
  readonly diagnosticEvent?: { readonly urn?: string; readonly message: string; readonly severity: string };
  readonly resourcePreEvent?: ResourceEvent;
  readonly resOutputsEvent?: ResourceEvent;
  readonly resOpFailedEvent?: ResourceEvent;
  readonly summaryEvent?: { readonly resourceChanges: Record<string, number>; readonly result?: string };
}

interface ResourceEvent {
  readonly metadata: { readonly op: string; readonly urn: string; readonly type: string };
}

export interface StackOptions {
  /** The engine runs in its operator's namespace, and so reaches the lab's hosts and nobody else. */
  readonly lab: Lab;
  /**
   * Folder of the Pulumi project.
   * @default this checkout, the fleet program
   */
  readonly program?: string;
  /**
   * Pulumi's home, with its plugins.
   * @default that of the toolchain
   */
  readonly pulumiHome?: string;
  /** Variables for the engine and what it starts. */
  readonly env?: Readonly<Record<string, string>>;
  /** Configuration by full key, as for {@link Stack.setConfig}. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The same for values that are kept as secrets. */
  readonly secrets?: Readonly<Record<string, string>>;
}

export interface RunOptions {
  /**
   * Whether a change that the engine plans or makes is a failure.
   * @default false
   */
  readonly expectNoChanges?: boolean;
  /** @default 300000 */
  readonly timeoutMs?: number;
}

const repository = join(import.meta.dirname, "../../..");
const stackName = "claim";

/**
 * A stack of a Pulumi program, deployed by the real `pulumi` command from the lab's operator. State, configuration and
 * passphrase lie in a folder of its own: the program's folder stays as it is.
 */
export class Stack {
  readonly #lab: Lab;
  readonly #program: string;
  readonly #directory: string;
  readonly #toolchain: Toolchain;
  readonly #environment: NodeJS.ProcessEnv;
  #runs = 0;

  private constructor(
    { lab, env = {} }: StackOptions,
    program: string,
    directory: string,
    toolchain: Toolchain,
  ) {
    this.#lab = lab;
    this.#program = program;
    this.#directory = directory;
    this.#toolchain = toolchain;
    this.#environment = {
      ...withoutInfluence(process.env),
      ...toolchain.env,
      ...env,
      PULUMI_BACKEND_URL: `file://${join(directory, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: randomBytes(18).toString("base64url"),
      // Makes the option --event-log known.
      PULUMI_DEBUG_COMMANDS: "true",
    };
  }

  static async create(options: StackOptions): Promise<Stack> {
    const { lab, program = repository, config = {}, secrets = {}, pulumiHome } = options;
    const home = pulumiHome !== undefined && { pulumiHome };
    const toolchain = await ensureToolchain({ ...home, yaml: true, python: true, log: () => undefined });
    const directory = await mkdtemp(join(lab.directory, "stack-"));
    const stack = new Stack(options, program, directory, toolchain);
    await mkdir(join(directory, "state"));
    // A project of the same name stands in for the program's folder where the command would write into that.
    await mkdir(stack.#project);
    const name = await projectName(program);
    await writeFile(join(stack.#project, "Pulumi.yaml"), `name: ${name}\nruntime: nodejs\n`);
    await stack.#pulumi(["stack", "init", stackName], { cwd: stack.#project });
    await stack.#setAll({
      ...Object.fromEntries(Object.entries(config).map(([key, value]) => [key, entryOf(value)])),
      ...Object.fromEntries(Object.entries(secrets).map(([key, value]) => [key, { value, secret: true }])),
    });
    return stack;
  }

  /** `pulumi package add` of a schema below the program's folder: makes an SDK there, and installs what the program needs with it. */
  async addPackage(schema: string): Promise<void> {
    await this.#pulumi(["package", "add", schema], { cwd: this.#program, timeoutMs: 300_000 });
  }

  /** `pulumi up`, without the preview that goes before it; with `refresh` it looks at what there is first. */
  up({ refresh = false, ...options }: RunOptions & { refresh?: boolean } = {}): Promise<StackResult> {
    return this.#operate(["up", "--yes", "--skip-preview", ...(refresh ? ["--refresh"] : [])], options);
  }

  /** `pulumi preview`, held against the policy pack of a folder where there is one. */
  preview({
    diff = false,
    policyPack,
    ...options
  }: RunOptions & { diff?: boolean; policyPack?: string } = {}): Promise<StackResult> {
    const pack = policyPack === undefined ? [] : ["--policy-pack", policyPack];
    return this.#operate(["preview", ...(diff ? ["--diff"] : []), ...pack], options);
  }

  /** `pulumi refresh`. */
  refresh({
    runProgram = false,
    ...options
  }: RunOptions & { runProgram?: boolean } = {}): Promise<StackResult> {
    const program = runProgram ? ["--run-program"] : [];
    return this.#operate(["refresh", "--yes", "--skip-preview", ...program], options);
  }

  /** `pulumi state delete` of a resource with all that depends on it. */
  async forget(urn: string): Promise<void> {
    await this.#pulumi(["state", "delete", urn, "--target-dependents", "--yes", "--stack", stackName], {
      cwd: this.#project,
    });
  }

  /** `pulumi destroy`, which does not run the program. */
  destroy(options: Omit<RunOptions, "expectNoChanges"> = {}): Promise<StackResult> {
    return this.#operate(["destroy", "--yes", "--skip-preview"], options);
  }

  /** The outputs of the last `up`, with secrets in plain text unless `showSecrets` is false. */
  async outputs({ showSecrets = true } = {}): Promise<Record<string, unknown>> {
    const args = ["stack", "output", "--json", ...(showSecrets ? ["--show-secrets"] : [])];
    const { stdout } = await this.#pulumi([...args, "--stack", stackName], { cwd: this.#project });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** The whole state as the backend keeps it, secrets encrypted. */
  async exportState(): Promise<string> {
    const args = ["stack", "export", "--stack", stackName];
    return (await this.#pulumi(args, { cwd: this.#project })).stdout;
  }

  /**
   * Sets a value of the stack's configuration, in the place of the former one.
   *
   * @param key with its namespace, such as `vpnserver:hosts`
   * @param value anything that JSON can carry
   */
  async setConfig(key: string, value: unknown): Promise<void> {
    await this.#setAll({ [key]: entryOf(value) });
  }

  async #setAll(entries: Readonly<Record<string, ConfigEntry>>): Promise<void> {
    if (Object.keys(entries).length === 0) return;
    const args = ["config", "set-all", "--json", JSON.stringify(entries), "--stack", stackName];
    await this.#pulumi(args, { cwd: this.#project });
  }

  /** The same for a secret, which no process list shows on its way. */
  async setSecret(key: string, value: unknown): Promise<void> {
    const input = typeof value === "string" ? value : JSON.stringify(value);
    await this.#pulumi(["config", "set", "--secret", key, "--stack", stackName], {
      cwd: this.#project,
      input,
    });
  }

  /** Removes a value of the stack's configuration. */
  async removeConfig(key: string): Promise<void> {
    await this.#pulumi(["config", "rm", key, "--stack", stackName], { cwd: this.#project });
  }

  /** Forgets the stack. What it has deployed stays where it is, and ends with the lab. */
  async dispose(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  get #project(): string {
    return join(this.#directory, "project");
  }

  async #operate(
    command: readonly string[],
    { expectNoChanges = false, timeoutMs = 300_000 }: RunOptions,
  ): Promise<StackResult> {
    const log = join(this.#directory, `events-${++this.#runs}.json`);
    const args = [
      ...command,
      ...["--stack", stackName, "--event-log", log],
      ...["--config-file", join(this.#project, `Pulumi.${stackName}.yaml`)],
      ...(expectNoChanges ? ["--expect-no-changes"] : []),
    ];
    const result = await this.#pulumi(args, { cwd: this.#program, check: false, timeoutMs });
    const events = await readEvents(log);
    const summary = events.findLast((event) => event.summaryEvent !== undefined)?.summaryEvent;
    return { ...result, changes: summary?.resourceChanges ?? {}, events };
  }

  #pulumi(
    args: readonly string[],
    options: { cwd: string; check?: boolean; timeoutMs?: number; input?: string },
  ): Promise<CommandResult> {
    return this.#lab.operator.run(
      this.#toolchain.pulumi,
      [...args, "--non-interactive", "--color", "never"],
      { ...options, env: this.#environment },
    );
  }
}

/** A value as `pulumi config set-all --json` takes it. */
interface ConfigEntry {
  readonly value: string;
  readonly secret: boolean;
  readonly objectValue?: object;
}

function entryOf(value: unknown): ConfigEntry {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const structured = typeof value === "object" && value !== null && { objectValue: value };
  return { value: text, secret: false, ...structured };
}

/** The environment without what the user has set for other stacks, and without what belongs to the test runner. */
function withoutInfluence(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(environment).filter(
    ([name]) => !/^(PULUMI_.*|VPNSERVER_.*|SSH_AUTH_SOCK|NODE_TEST_CONTEXT)$/.test(name),
  );
  return Object.fromEntries(own);
}

async function projectName(program: string): Promise<string> {
  const file = join(program, "Pulumi.yaml");
  const name = /^name:\s*["']?([\w.-]+)/m.exec(await readFile(file, "utf8"))?.[1];
  if (name === undefined) throw new Error(`${file} gives the project no name`);
  return name;
}

/** There is none when the command failed before the engine ran. */
async function readEvents(log: string): Promise<EngineEvent[]> {
  let text: string;
  try {
    text = await readFile(log, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const events = text.split("\n").filter(Boolean);
  return events
    .map((line) => JSON.parse(line) as EngineEvent)
    .filter((event) => event.diagnosticEvent?.severity !== "debug");
}
