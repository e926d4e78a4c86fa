import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { engineVersion } from "../../../tools/setup/versions.ts";
import { LanguageHostProcess } from "./language-host-process.ts";
import type { LanguageHostProgram } from "./language-hosts.ts";

const deadlineMs = 20_000;

/**
 * In place of the SDK's programs that run programs and plugins: tells what it was started with, and does what its last
 * argument says.
 */
const probe = `
const [action, value] = (process.argv.at(-1) ?? "").split(":");
const { PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS, PULUMI_NODEJS_TYPESCRIPT, PULUMI_NODEJS_TSCONFIG_PATH } = process.env;
const environment = { PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS, PULUMI_NODEJS_TYPESCRIPT, PULUMI_NODEJS_TSCONFIG_PATH };
const { GIVEN, NODE_OPTIONS } = process.env;
const args = process.argv.slice(2);
const start = { args, execArgv: process.execArgv, environment: { ...environment, GIVEN, NODE_OPTIONS } };
console.log("start " + JSON.stringify({ ...start, cwd: process.cwd(), pid: process.pid }));
if (action === "exit") process.exitCode = Number(value);
if (action === "print") {
  console.error("an error of the program");
  process.stdout.write("without an end of line");
}
if (action === "kill") process.kill(process.pid, value);
if (action === "memory") {
  console.error("\\n<--- Last few GCs --->\\n");
  process.exitCode = 134;
}
if (action === "wait" || action === "stay") setInterval(() => {}, 1_000);
if (action === "stay") process.on("SIGINT", () => console.log("not yet"));
`;

/** What the probe told of its start. */
export interface Start {
  readonly args: string[];
  readonly execArgv: string[];
  readonly environment: Record<string, string | undefined>;
  readonly cwd: string;
  readonly pid: number;
}

/** @throws AssertionError where it has told nothing */
export function startOf(output: string): Start {
  const [, json] = /^start (.*)$/m.exec(output) ?? [];
  assert.ok(json, `the program has told nothing: ${output}`);
  return JSON.parse(json) as Start;
}

/** What a program told of its start on a host, whose output comes by another way than its answers. */
export async function startOn({ output }: LanguageHostProcess): Promise<Start> {
  await until(() => /^start .*$/m.test(output.stdout));
  return startOf(output.stdout);
}

/** A folder with a program whose SDK is the probe, and the language hosts that were started for it. */
export class ProbeCase {
  /** A folder for what else a case needs, which is above the program's. */
  readonly directory: string;
  readonly folder: string;
  readonly #program: LanguageHostProgram;
  readonly #started: LanguageHostProcess[] = [];

  private constructor(program: LanguageHostProgram, directory: string) {
    this.#program = program;
    this.directory = directory;
    this.folder = join(directory, "program");
  }

  static async create(program: LanguageHostProgram): Promise<ProbeCase> {
    const created = new ProbeCase(program, await mkdtemp(join(tmpdir(), "language-host-case-")));
    const { folder } = created;
    const sdk = join(folder, "node_modules/@pulumi/pulumi/cmd");
    for (const name of ["run", "run-plugin"]) await write(join(sdk, `${name}/index.js`), probe);
    // What a pack prints first is its port.
    const silent = probe.replace('console.log("start', 'console.error("start');
    await write(join(sdk, "run-policy-pack/index.js"), silent);
    await write(join(folder, "node_modules/@pulumi/pulumi/package.json"), {
      name: "@pulumi/pulumi",
      version: engineVersion,
    });
    return created;
  }

  async start(environment: NodeJS.ProcessEnv = {}): Promise<LanguageHostProcess> {
    const path = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
    const host = await LanguageHostProcess.start(this.#program, {
      ...process.env,
      PATH: path,
      ...environment,
    });
    this.#started.push(host);
    return host;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#started.map((host) => host.stop()));
    await rm(this.directory, { recursive: true, force: true });
  }
}

export async function write(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content, undefined, 2));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits for a condition; fails when it does not come about. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("what the case waits for did not happen");
    await delay(10);
  }
}
