import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, link, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import {
  LocalWorkspace,
  PulumiCommand,
  type EngineEvent,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import { ensureToolchain } from "../../tools/setup/toolchain.ts";
import { findLanguageHosts, type LanguageHostProgram } from "./support/language-hosts.ts";

const repository = join(import.meta.dirname, "../..");
const runFile = promisify(execFile);
const deadlineMs = 60_000;

const toolchain = await ensureToolchain({ log: () => {} });
const hosts = await findLanguageHosts();
after(() => hosts.remove());

/** What a stack as an ES module uses of the engine and the SDK. */
const moduleProgram = `import { appendFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
const config = new pulumi.Config();
const hook = new pulumi.ResourceHook("told", async ({ name }) => appendFileSync("hooks", name + "\\n"));
const kept = new pulumi.Stash(
  "kept",
  { input: { plain: config.require("plain"), hidden: config.requireSecret("hidden") } },
  { hooks: { afterCreate: [hook] } },
);
console.log("printed by the program");
console.error("printed as an error");
export const output = kept.output;
export const hidden: pulumi.Output<string> = config.requireSecret("hidden");
export const place = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
`;

/** The same kind of stack as `pulumi new typescript` makes it; it does not run without its types taken off. */
const commonProgram = `import * as pulumi from "@pulumi/pulumi";
enum Kind { Small = "small" }
new pulumi.Stash("kept", { input: Kind.Small });
export = { kind: Kind.Small, limit: Error.stackTraceLimit };
`;

/** A provider without resources, whose schema says where it is. */
const pluginProgram = `const { main } = require("@pulumi/pulumi/provider");
const schema = JSON.stringify({ name: "sample", version: "1.0.0", description: "from " + __dirname });
module.exports = () => main({ version: "1.0.0", schema }, process.argv.slice(2));
`;

/** Policies that tell which stack they are asked about, and how it is configured. */
const packProgram = `const { PolicyPack } = require("@pulumi/policy");
const pulumi = require("@pulumi/pulumi");
const word = new pulumi.Config("guarded").require("word");
new PolicyPack("sample", {
  policies: [
    {
      name: "word",
      description: "A word is forbidden.",
      enforcementLevel: "mandatory",
      validateResource: ({ props, type }, report) => {
        if (type === "pulumi:index:Stash" && props.input === word) {
          console.log("printed by the pack");
          report([pulumi.getProject(), pulumi.getStack(), word].join("/"));
        }
      },
    },
  ],
});
`;

/** An engine with one of the language hosts, and its stacks. */
class EngineWithHost {
  readonly #directory: string;
  readonly pulumi: string;
  /** Folder of the stacks' states. */
  readonly state: string;
  readonly env: Record<string, string>;
  readonly #command: PulumiCommand;

  private constructor(directory: string, command: PulumiCommand) {
    this.#directory = directory;
    this.#command = command;
    this.pulumi = join(directory, "bin/pulumi");
    this.state = join(directory, "state");
    this.env = {
      ...toolchain.env,
      PULUMI_HOME: join(directory, "home"),
      PULUMI_BACKEND_URL: `file://${this.state}`,
      PULUMI_CONFIG_PASSPHRASE: "conformance",
      // The language host beside the engine is the one that is used; the toolchain's must not be found.
      PATH: `${join(directory, "bin")}:${toolchain.env["PATH"]}`,
    };
  }

  static async create(host: LanguageHostProgram): Promise<EngineWithHost> {
    const directory = await mkdtemp(join(tmpdir(), "language-host-engine-"));
    for (const folder of ["bin", "home", "state"]) await mkdir(join(directory, folder));
    // Above the projects, where they find the SDK of this repository, and npm leaves it alone.
    await mkdir(join(directory, "node_modules/@pulumi"), { recursive: true });
    for (const name of ["@pulumi/pulumi", "@pulumi/policy", "typescript"]) {
      await symlink(join(repository, "node_modules", name), join(directory, "node_modules", name));
    }
    const engine = join(directory, "bin/pulumi");
    // The engine looks beside itself, and sees through symbolic links.
    await link(toolchain.pulumi, engine).catch(() => copyFile(toolchain.pulumi, engine));
    const launcher = `#!/bin/sh\nexec '${host.path}' "$@"\n`;
    await writeFile(join(directory, "bin/pulumi-language-nodejs"), launcher, { mode: 0o755 });
    return new EngineWithHost(directory, await PulumiCommand.get({ root: directory }));
  }

  /** A folder with these files. */
  async folder(name: string, files: Readonly<Record<string, unknown>>): Promise<string> {
    const folder = join(this.#directory, name);
    await mkdir(folder);
    for (const [file, content] of Object.entries(files)) {
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await writeFile(join(folder, file), text);
    }
    return folder;
  }

  /** A stack of a project with these files. */
  async stack(project: string, files: Readonly<Record<string, unknown>>): Promise<Stack> {
    const workDir = await this.folder(project, {
      "Pulumi.yaml": { name: project, runtime: "nodejs" },
      ...files,
    });
    return LocalWorkspace.createOrSelectStack(
      { stackName: "dev", workDir },
      { envVars: this.env, pulumiHome: this.env["PULUMI_HOME"]!, pulumiCommand: this.#command },
    );
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Deploys a stack, and tells what the engine showed. */
async function up(stack: Stack): Promise<{
  outputs: Record<string, { value: unknown; secret: boolean }>;
  error: string;
  diagnostics: string[];
}> {
  const diagnostics: string[] = [];
  const onEvent = ({ diagnosticEvent }: EngineEvent) => {
    if (diagnosticEvent && (diagnosticEvent.severity as string) !== "debug")
      diagnostics.push(`${diagnosticEvent.severity}: ${diagnosticEvent.message.trim()}`);
  };
  try {
    const { outputs } = await stack.up({ onEvent });
    return { outputs, error: "", diagnostics };
  } catch (error) {
    return { outputs: {}, error: (error as Error).message, diagnostics };
  }
}

const defineCases = (host: LanguageHostProgram) => {
  describe(`programs with the ${host.name}`, { concurrency: 1 }, () => {
    let engine: EngineWithHost;
    before(async () => {
      engine = await EngineWithHost.create(host);
    });
    after(() => engine?.remove());

    test("an ES module deploys with configuration, secrets, a hook and output, and does not change", async () => {
      const stack = await engine.stack("module", {
        "package.json": { name: "module", type: "module", main: "index.ts" },
        "index.ts": moduleProgram,
      });
      await stack.setAllConfig({ plain: { value: "1" }, hidden: { value: 'a "secret"', secret: true } });
      const { outputs, error, diagnostics } = await up(stack);
      assert.equal(error, "");
      assert.deepEqual(outputs, {
        output: { value: { plain: "1", hidden: 'a "secret"' }, secret: true },
        hidden: { value: 'a "secret"', secret: true },
        place: { value: "organization/module/dev", secret: false },
      });
      assert.equal(await readFile(join(stack.workspace.workDir, "hooks"), "utf8"), "kept\n");
      assert.deepEqual(diagnostics.sort(), ["info#err: printed as an error", "info: printed by the program"]);
      const state = await readFile(join(engine.state, ".pulumi/stacks/module/dev.json"), "utf8");
      assert.match(state, /ciphertext/);
      assert.doesNotMatch(state, /a \\+"secret/);
      const { changeSummary } = await stack.preview({ expectNoChanges: true });
      assert.deepEqual(changeSummary, { same: 2 });
      await stack.refresh({ runProgram: true });
      await stack.destroy({ runProgram: true });
    });

    test("a CommonJS program deploys through ts-node, with the options of Pulumi.yaml", async () => {
      const stack = await engine.stack("common", {
        "Pulumi.yaml": {
          name: "common",
          runtime: { name: "nodejs", options: { nodeargs: "--stack-trace-limit=20", packagemanager: "npm" } },
        },
        "package.json": { name: "common", main: "index.ts" },
        "tsconfig.json": {
          compilerOptions: {
            target: "es2020",
            module: "commonjs",
            moduleResolution: "node",
            strict: true,
            noCheck: true,
          },
        },
        "index.ts": commonProgram,
      });
      const { outputs, error } = await up(stack);
      assert.equal(error, "");
      assert.deepEqual([outputs["kind"]?.value, outputs["limit"]?.value], ["small", 20]);
    });

    test("an error of a plain JavaScript program is told once", async () => {
      const stack = await engine.stack("throws", { "index.js": `throw new Error("on purpose");\n` });
      const { error, diagnostics } = await up(stack);
      assert.match(error, /Command failed with exit code 1:/);
      assert.equal(diagnostics.filter((message) => message.includes("on purpose")).length, 1);
      assert.deepEqual(
        diagnostics.filter((message) => message.includes("exit code")),
        [],
      );
    });

    test("a program that ends by itself is told with its exit code", async () => {
      const stack = await engine.stack("exits", { "index.js": "process.exit(7);\n" });
      const { error, diagnostics } = await up(stack);
      assert.match(error, /Command failed with exit code 1:/);
      assert.match(`${error}\n${diagnostics.join("\n")}`, /Program exited with non-zero exit code: 7/);
    });

    test("a folder with a PulumiPlugin.yaml is run as a plugin", async () => {
      const folder = await engine.folder("plugin", {
        "PulumiPlugin.yaml": "runtime: nodejs\n",
        "package.json": { name: "plugin", main: "index.js" },
        "index.js": pluginProgram,
      });
      const { stdout } = await runFile(engine.pulumi, ["package", "get-schema", folder], {
        cwd: folder,
        env: { ...process.env, ...engine.env },
      });
      const { name, description } = JSON.parse(stdout) as Record<string, string>;
      assert.deepEqual([name, description], ["sample", `from ${folder}`]);
    });

    test("a policy pack knows the stack, refuses what it forbids, and lets the rest pass", async () => {
      const pack = await engine.folder("pack", {
        "PulumiPolicy.yaml": "runtime: nodejs\n",
        "package.json": { name: "pack", version: "1.0.0", main: "index.js" },
        "index.js": packProgram,
      });
      const program = `const pulumi = require("@pulumi/pulumi");
new pulumi.Stash("kept", { input: new pulumi.Config().require("word") === "bad" ? "bad" : "good" });\n`;
      const stack = await engine.stack("guarded", { "index.js": program });
      await stack.setConfig("word", { value: "bad" });
      const refused = await stack.preview({ policyPacks: [pack] }).then(
        () => "",
        (error: Error) => error.message,
      );
      assert.match(refused, /printed by the pack/);
      assert.match(refused, /\[mandatory\] {2}word.*\n.*A word is forbidden\.\n.*guarded\/dev\/bad/);
      await stack.setConfig("word", { value: "else" });
      assert.equal((await stack.preview({ policyPacks: [pack] })).changeSummary.create, 2);
    });

    const waiting = `require("node:fs").writeFileSync("pid", String(process.pid)); setInterval(() => {}, 1_000);\n`;

    test("a deployment that is interrupted ends its program", async () => {
      const stack = await engine.stack("interrupted", { "index.js": waiting });
      const { ended, pulumi, program } = await startWaiting(stack, engine);
      pulumi.kill("SIGINT");
      assert.notEqual((await ended)[0], 0);
      await until(() => !isAlive(program));
    });

    if (host.name === "stand-in") {
      test("an engine that is killed takes its program along", async () => {
        const stack = await engine.stack("killed", { "index.js": waiting });
        const { ended, pulumi, program } = await startWaiting(stack, engine);
        const parent = await parentOf(program);
        pulumi.kill("SIGKILL");
        await ended;
        await until(() => !isAlive(program) && !isAlive(parent));
      });
    }
  });
};

/** Starts a deployment whose program waits, and resolves when it does. */
async function startWaiting(stack: Stack, engine: EngineWithHost) {
  const { workDir } = stack.workspace;
  const pulumi = spawn(
    engine.pulumi,
    ["up", "--yes", "--skip-preview", "--non-interactive", "--stack", "dev"],
    {
      cwd: workDir,
      env: { ...process.env, ...engine.env },
      stdio: "ignore",
    },
  );
  const ended = once(pulumi, "exit") as Promise<[number | null]>;
  const read = () => readFile(join(workDir, "pid"), "utf8").catch(() => "");
  await until(async () => pulumi.exitCode !== null || (await read()) !== "");
  return { ended, pulumi, program: Number(await read()) };
}

async function parentOf(pid: number): Promise<number> {
  const { stdout } = await runFile("ps", ["-o", "ppid=", "-p", String(pid)]);
  return Number(stdout);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits for a condition; fails when it does not come about. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error("what the case waits for did not happen");
    await delay(20);
  }
}

// Each has an engine and stacks of its own, so that they can take turns.
describe("programs run by the engine", { concurrency: true }, () => hosts.programs.forEach(defineCases));
