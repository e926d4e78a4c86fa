import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startSshServer, type SshServer } from "../../../tools/setup/ssh-server.ts";
import { Plugin, type ResourceState } from "./plugin.ts";
import { findPrograms, type PluginProgram } from "./programs.ts";
import type { LogMessage } from "./engine.ts";
import type { Json, Properties } from "./values.ts";

const conditionDeadlineMs = 10_000;

export type ResourceType = "Command" | "CopyToRemote";

/** A plugin and a host for its commands. Filled before the first case runs. */
export class Scene {
  readonly program: PluginProgram;
  plugin!: Plugin;
  host!: SshServer;
  /** A folder of this machine for the cases' own files, removed afterwards. */
  directory!: string;
  #count = 0;

  constructor(program: PluginProgram) {
    this.program = program;
  }

  /** How to reach the host, with one try more after a failed one at most. */
  connection(changes: Properties = {}): Properties {
    const { host, port, user, privateKey } = this.host;
    return { host, port, user, privateKey, dialErrorLimit: 1, ...changes };
  }

  /** The name of a resource that no other case has. */
  urn(type: ResourceType, name = "case"): string {
    return `urn:pulumi:dev::conformance::command:remote:${type}::${name}-${++this.#count}`;
  }

  /** Checks and creates a resource on the host, and tells what happened. */
  async create(
    type: ResourceType,
    inputs: Properties,
    options: { preview?: boolean; timeoutSeconds?: number } = {},
  ): Promise<Outcome> {
    const urn = this.urn(type);
    const checked = await this.checked(urn, inputs);
    const dialsBefore = await this.host.connections();
    let state: ResourceState | undefined;
    let error: Error | undefined;
    const startedAt = performance.now();
    try {
      state = await this.plugin.create(urn, checked, options);
    } catch (thrown) {
      error = thrown as Error;
    }
    const elapsedMs = performance.now() - startedAt;
    return {
      urn,
      error: error?.message,
      state,
      elapsedMs,
      dials: (await this.host.connections()) - dialsBefore,
      log: this.plugin.logOf(urn),
    };
  }

  /** Like {@link create}, for a case that has to succeed. */
  async created(type: ResourceType, inputs: Properties): Promise<{ urn: string; state: ResourceState }> {
    const { urn, state, error } = await this.create(type, inputs);
    if (!state) throw new Error(`the resource was not created: ${error}`);
    return { urn, state };
  }

  /** The inputs as checked; the host's connection where none is given. */
  async checked(urn: string, inputs: Properties): Promise<Properties> {
    const answer = await this.plugin.check(urn, { connection: this.connection(), ...inputs });
    if (answer.failures.length > 0) throw new Error(`the check failed: ${JSON.stringify(answer.failures)}`);
    return answer.inputs;
  }

  /** Waits for a condition; fails when it does not come about. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + conditionDeadlineMs;
    while (!(await condition())) {
      if (performance.now() > deadline) throw new Error("what the case waits for did not happen");
      await delay(10);
    }
  }

  /** Runs a command on the host and gives back its outputs. */
  async output(command: string, inputs: Properties = {}): Promise<{ stdout: Json; stderr: Json }> {
    const { state } = await this.created("Command", { create: command, ...inputs });
    return { stdout: state.values.stdout ?? null, stderr: state.values.stderr ?? null };
  }
}

/** What became of a create. */
export interface Outcome {
  readonly urn: string;
  readonly error: string | undefined;
  readonly state: ResourceState | undefined;
  readonly elapsedMs: number;
  readonly dials: number;
  readonly log: LogMessage[];
}

/** The lines that a log shows while a resource is under way. */
export function statusLines(log: readonly LogMessage[]): string[] {
  return log
    .filter(({ severity, ephemeral }) => severity === "info" && ephemeral)
    .map(({ message }) => message);
}

const found = await findPrograms();
const { programs } = found;
if (programs.length === 1) {
  console.log(
    "command plugin: the official program 1.2.1 was not found on PATH, in Pulumi's plugin folders or beside the " +
      "checkout, so that only the stand-in is held against the recorded expectations",
  );
}
after(() => found.remove());

/**
 * Defines the same cases for the official program, where it can be had, and for the stand-in. Every case states what it
 * expects, so that the stand-in is held to it where there is nothing to compare with.
 */
export function onEachProgram(
  area: string,
  define: (scene: Scene) => void,
  options: {
    sshdConfiguration?: readonly string[];
    only?: PluginProgram["name"];
    /** Whether the cases may run at the same time: none of them counts what the host sees. */
    concurrent?: boolean;
  } = {},
): void {
  const chosen = programs.filter(({ name }) => (options.only ?? name) === name);
  const runSuite = (program: PluginProgram) => {
    describe(`${area}: ${program.name}`, { concurrency: options.concurrent ?? 1 }, () => {
      const scene = new Scene(program);
      before(async () => {
        scene.directory = await mkdtemp(join(tmpdir(), "command-case-"));
        scene.host = await startSshServer({
          directory: join(scene.directory, "sshd"),
          configuration: options.sshdConfiguration ?? [],
        });
        scene.plugin = await Plugin.start(program);
      });
      after(async () => {
        await scene.plugin?.stop();
        await scene.host?.close();
        await rm(scene.directory, { recursive: true, force: true });
      });
      define(scene);
    });
  };
  // Each program has a host of its own, so that they can take turns.
  describe(area, { concurrency: true }, () => chosen.forEach(runSuite));
}
