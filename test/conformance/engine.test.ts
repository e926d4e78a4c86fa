import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type EngineEvent, type Stack } from "@pulumi/pulumi/automation/index.js";
import { startSshServer, type SshServer } from "../../tools/setup/ssh-server.ts";
import { ensureToolchain, type Toolchain } from "../../tools/setup/toolchain.ts";
import { findPrograms, type PluginProgram } from "./support/programs.ts";

/** What a deployment asks of the host. */
interface Wanted {
  readonly create?: string;
  readonly triggers?: unknown[];
  readonly text?: string;
  readonly perDialTimeout?: number;
  readonly logging?: "none";
  /** The copy's source is only known once the command has run. */
  readonly unknownSource?: boolean;
}

/** A stack with one command and one copy, deployed by the real engine with one of the programs. */
class Deployment {
  readonly #directory: string;
  readonly host: SshServer;
  readonly stack: Stack;
  #wanted: Wanted = {};

  private constructor(directory: string, host: SshServer, stack: Stack) {
    this.#directory = directory;
    this.host = host;
    this.stack = stack;
  }

  static async create(program: PluginProgram, toolchain: Toolchain): Promise<Deployment> {
    const directory = await mkdtemp(join(tmpdir(), "command-engine-"));
    const pulumiHome = join(directory, "home");
    await installPlugin(program, pulumiHome);
    await mkdir(join(directory, "state"));
    const host = await startSshServer({ directory: join(directory, "sshd") });
    // The stack's program asks the deployment, which needs the stack: it is asked only when the program runs.
    let deployment: Deployment | undefined = undefined;
    const stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "dev", projectName: "conformance", program: async () => deployment?.define() },
      {
        workDir: directory,
        pulumiHome,
        envVars: {
          ...toolchain.env,
          PULUMI_HOME: pulumiHome,
          PULUMI_BACKEND_URL: `file://${join(directory, "state")}`,
          PULUMI_CONFIG_PASSPHRASE: "conformance",
          SSH_AUTH_SOCK: "",
        },
      },
    );
    return (deployment = new Deployment(directory, host, stack));
  }

  /** Has the engine use another program from now on. */
  async use(program: PluginProgram): Promise<void> {
    await installPlugin(program, join(this.#directory, "home"));
  }

  get connection(): command.types.input.remote.ConnectionArgs {
    const { host, port, user, privateKey, hostKeys } = this.host;
    return { host, port, user, privateKey, hostKey: hostKeys.ed25519, dialErrorLimit: 1 };
  }

  get history(): string {
    return join(this.#directory, "history");
  }

  get copy(): string {
    return join(this.#directory, "copied/text");
  }

  async define(): Promise<Record<string, unknown>> {
    const { create = "run", triggers = [1], text = "first", perDialTimeout = 15, logging } = this.#wanted;
    const connection = { ...this.connection, perDialTimeout };
    const note = (what: string) => `echo ${what} >> ${this.history}; echo "output of ${what}"`;
    if (this.#wanted.unknownSource) {
      const early = new command.remote.Command("early", { connection, create: "true" });
      const source = early.stdout.apply((stdout) => new pulumi.asset.StringAsset(stdout));
      new command.remote.CopyToRemote("copy", { connection, source, remotePath: this.copy });
      return {};
    }
    const copied = new command.remote.CopyToRemote("copy", {
      connection,
      source: new pulumi.asset.StringAsset(text),
      remotePath: this.copy,
    });
    const run = new command.remote.Command(
      "command",
      {
        connection,
        create: create.includes(" ") ? create : note(create),
        delete: note("delete"),
        stdin: pulumi.secret("confidential-input"),
        triggers,
        addPreviousOutputInEnv: false,
        ...(logging && { logging }),
      },
      { dependsOn: copied, additionalSecretOutputs: ["stderr"] },
    );
    return { stdout: run.stdout, stderr: run.stderr, stdin: run.stdin };
  }

  /** Deploys, and tells what the engine did to which resource, and how often the host was dialled. */
  async up(wanted: Wanted) {
    return this.#watch(wanted, async (onEvent) => {
      const { outputs, summary } = await this.stack.up({ onEvent });
      return { outputs, changes: summary.resourceChanges };
    });
  }

  async preview(wanted: Wanted) {
    return this.#watch(wanted, async (onEvent) => {
      await this.stack.preview({ onEvent });
      return {};
    });
  }

  async refresh() {
    return this.#watch(this.#wanted, async (onEvent) => {
      const { summary } = await this.stack.refresh({ onEvent });
      return { changes: summary.resourceChanges };
    });
  }

  async destroy() {
    return this.#watch(this.#wanted, async (onEvent) => {
      await this.stack.destroy({ onEvent });
      return {};
    });
  }

  async #watch<T>(wanted: Wanted, act: (onEvent: (event: EngineEvent) => void) => Promise<T>) {
    this.#wanted = wanted;
    const steps: string[] = [];
    const dials = await this.host.connections();
    const result = await act(({ resourcePreEvent }) => {
      const { op, urn } = resourcePreEvent?.metadata ?? {};
      if (op && urn && urn.includes("command:remote:")) steps.push(`${op} ${urn.split("::").at(-1)}`);
    });
    return {
      ...result,
      steps: steps.filter((step) => !step.startsWith("same")),
      dials: (await this.host.connections()) - dials,
    };
  }

  /** The stack as it is kept, secrets encrypted. */
  async state(): Promise<string> {
    return readFile(join(this.#directory, "state/.pulumi/stacks/conformance/dev.json"), "utf8");
  }

  async lines(): Promise<string[]> {
    return (await readFile(this.history, "utf8")).trim().split("\n");
  }

  async remove(): Promise<void> {
    await this.host.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Puts the program where the engine looks for it. */
async function installPlugin(program: PluginProgram, pulumiHome: string): Promise<void> {
  const folder = join(pulumiHome, "plugins/resource-command-v1.2.1");
  await mkdir(folder, { recursive: true });
  const path = join(folder, "pulumi-resource-command");
  await rm(path, { force: true });
  if (program.arguments.length === 0) {
    await symlink(program.command, path);
    return;
  }
  await writeFile(
    path,
    `#!/bin/sh\nexec '${program.command}' ${program.arguments.map((part) => `'${part}'`).join(" ")} "$@"\n`,
  );
  await chmod(path, 0o755);
}

const found = await findPrograms();
after(() => found.remove());
const toolchain = await ensureToolchain({ log: () => {} });
process.env.PATH = [join(toolchain.pulumi, ".."), process.env.PATH].join(delimiter);

const defineCases = (program: PluginProgram): void => {
  describe(`deployments by the engine: ${program.name}`, { concurrency: 1 }, () => {
    let deployment: Deployment;
    before(async () => {
      deployment = await Deployment.create(program, toolchain);
    });
    after(async () => {
      await deployment?.remove();
    });

    test("a source that is not known yet fails the preview", async () => {
      await assert.rejects(
        deployment.preview({ unknownSource: true }),
        /either asset or archive must be set/,
      );
      assert.equal(await deployment.host.connections(), 0);
    });

    test("a preview shows what is to be made, and dials nobody", async () => {
      const { steps, dials } = await deployment.preview({});
      assert.deepEqual(steps, ["create copy", "create command"]);
      assert.equal(dials, 0);
    });

    test("a deployment runs and copies, with one connection each", async () => {
      const { steps, dials, outputs } = await deployment.up({});
      assert.deepEqual(steps, ["create copy", "create command"]);
      assert.equal(dials, 2);
      assert.deepEqual(outputs, {
        stdout: { value: "output of run", secret: false },
        stderr: { value: "", secret: true },
        stdin: { value: "confidential-input", secret: true },
      });
      assert.equal(await readFile(deployment.copy, "utf8"), "first");
      assert.deepEqual(await deployment.lines(), ["run"]);
    });

    test("the state holds no secret in clear", async () => {
      const state = await deployment.state();
      assert.ok(state.includes("output of run"));
      assert.ok(!state.includes("confidential-input"));
      assert.ok(!state.includes("PRIVATE KEY"));
    });

    test("a second deployment changes nothing, and dials nobody", async () => {
      const { changes, dials } = await deployment.up({});
      assert.deepEqual({ changes, dials }, { changes: { same: 3 }, dials: 0 });
    });

    test("a refresh finds nothing, and dials nobody", async () => {
      const { changes, dials } = await deployment.refresh();
      assert.deepEqual({ changes, dials }, { changes: { same: 3 }, dials: 0 });
    });

    test("another command runs in place, and so do both over another connection", async () => {
      const changed = await deployment.up({ create: "again" });
      assert.deepEqual([changed.steps, changed.dials], [["update command"], 1]);
      const rotated = await deployment.up({ create: "again", perDialTimeout: 14, text: "second" });
      assert.deepEqual([rotated.steps, rotated.dials], [["update copy", "update command"], 2]);
      assert.equal(await readFile(deployment.copy, "utf8"), "second");
      assert.deepEqual(await deployment.lines(), ["run", "again", "again"]);
    });

    test("another trigger replaces: first the new one, then the old one goes", async () => {
      const { steps } = await deployment.up({
        create: "replacement",
        perDialTimeout: 14,
        text: "second",
        triggers: [2],
      });
      assert.deepEqual(
        steps.filter((step) => !step.startsWith("replace ")),
        ["create-replacement command", "delete-replaced command"],
      );
      assert.deepEqual((await deployment.lines()).slice(-2), ["replacement", "delete"]);
    });

    test("a failing command fails the deployment with all that it printed", async () => {
      const failing = deployment.up({
        create: "seq 1 40000 ; exit 9",
        logging: "none",
        perDialTimeout: 14,
        triggers: [2],
        text: "second",
      });
      await assert.rejects(failing, (error: Error) => {
        assert.match(error.message, /Process exited with status 9: running "seq 1 40000 ; exit 9":/);
        assert.match(error.message, /\b40000\b/);
        return true;
      });
    });

    test("destroying runs the command for it, and leaves the copy", async () => {
      const { steps, dials } = await deployment.destroy();
      assert.deepEqual([steps, dials], [["delete command", "delete copy"], 1]);
      assert.deepEqual((await deployment.lines()).slice(-1), ["delete"]);
      assert.equal(await readFile(deployment.copy, "utf8"), "second");
    });
  });
};

// Each program has a stack and a host of its own, so that they can take turns.
describe("deployments by the engine", { concurrency: true }, () => found.programs.forEach(defineCases));

const [first, second] = found.programs;
if (first && second) {
  test("a stack that was deployed with one program goes on with the other", async () => {
    const deployment = await Deployment.create(first, toolchain);
    try {
      await deployment.up({});
      await deployment.use(second);
      const same = await deployment.up({});
      assert.deepEqual([same.changes, same.dials], [{ same: 3 }, 0]);
      await deployment.up({ create: "again" });
      await deployment.use(first);
      const still = await deployment.up({ create: "again" });
      assert.deepEqual([still.changes, still.dials], [{ same: 3 }, 0]);
      assert.deepEqual(await deployment.lines(), ["run", "again"]);
    } finally {
      await deployment.remove();
    }
  });
}
