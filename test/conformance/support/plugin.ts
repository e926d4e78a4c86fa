import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import grpc from "@grpc/grpc-js";
import providerServices from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import structMessages from "google-protobuf/google/protobuf/struct_pb.js";
import { FakeEngine, type LogMessage } from "./engine.ts";
import type { PluginProgram } from "./programs.ts";
import { canonical, type Json, type Properties } from "./values.ts";

/** An answer of a plugin that is an error. */
export class PluginError extends Error {
  override readonly name = "PluginError";
  /** Name of the gRPC status, such as `UNKNOWN`. */
  readonly status: string;

  constructor(error: grpc.ServiceError) {
    super(error.details);
    this.status = grpc.status[error.code];
  }
}

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

export interface DiffAnswer {
  readonly changes: "none" | "some" | "unknown";
  /** Kind of change by property path, such as `update` or `add-replace`. */
  readonly detailed: Record<string, string>;
  readonly replaces: string[];
  readonly diffs: string[];
  readonly deleteBeforeReplace: boolean;
  readonly hasDetails: boolean;
}

/** What one resource has in the engine's state: given back to the plugin on the next operation. */
export interface ResourceState {
  readonly id: string;
  /** As checked, in the form of the wire. */
  readonly inputs: Properties;
  /** As answered, in the form of the wire. */
  readonly outputs: Properties;
  /** The outputs in the form that tests compare. */
  readonly values: Properties;
}

const startDeadlineMs = 20_000;

/** A running plugin, spoken to as the engine does. */
export class Plugin {
  readonly program: PluginProgram;
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #client: providerServices.ResourceProviderClient;
  readonly #engine: FakeEngine;

  private constructor(
    program: PluginProgram,
    child: ChildProcessByStdio<null, Readable, Readable>,
    client: providerServices.ResourceProviderClient,
    engine: FakeEngine,
  ) {
    this.program = program;
    this.#process = child;
    this.#client = client;
    this.#engine = engine;
  }

  /** Starts the program, reads its port and configures it the way the engine does. */
  static async start(
    program: PluginProgram,
    environment: NodeJS.ProcessEnv = {},
    configuration: Properties = {},
  ): Promise<Plugin> {
    const engine = await FakeEngine.start();
    const { SSH_AUTH_SOCK: _agent, ...inherited } = process.env;
    const child = spawn(program.command, [...program.arguments, engine.address], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...inherited, ...environment },
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-10_000)));
    try {
      const port = await readPort(child);
      const client = new providerServices.ResourceProviderClient(
        `127.0.0.1:${port}`,
        grpc.credentials.createInsecure(),
        {
          "grpc.max_receive_message_length": 400 * 1024 * 1024,
          "grpc.max_send_message_length": -1,
          // An error carries all that a command printed.
          "grpc.max_metadata_size": 16 * 1024 * 1024,
        },
      );
      const plugin = new Plugin(program, child, client, engine);
      await plugin.#configure(configuration);
      return plugin;
    } catch (error) {
      child.kill("SIGKILL");
      engine.close();
      throw new Error(`${program.name} does not start: ${(error as Error).message} ${stderr}`, {
        cause: error,
      });
    }
  }

  async #configure(configuration: Properties): Promise<void> {
    const request = new messages.ConfigureRequest();
    request.setAcceptsecrets(true);
    request.setAcceptresources(true);
    request.setSendsOldInputs(true);
    request.setSendsOldInputsToDelete(true);
    request.setArgs(struct(configuration));
    const answer = await unary<messages.ConfigureResponse>((done) => this.#client.configure(request, done));
    this.capabilities = {
      secrets: answer.getAcceptsecrets(),
      preview: answer.getSupportspreview(),
      resources: answer.getAcceptresources(),
      outputs: answer.getAcceptoutputs(),
    };
  }

  /** What the plugin says it understands. */
  capabilities = { secrets: false, preview: false, resources: false, outputs: false };

  async version(): Promise<string> {
    const answer = await unary<{ getVersion(): string }>((done) =>
      this.#client.getPluginInfo(new emptyMessages.Empty(), done),
    );
    return answer.getVersion();
  }

  async schema(): Promise<Json> {
    const answer = await unary<messages.GetSchemaResponse>((done) =>
      this.#client.getSchema(new messages.GetSchemaRequest(), done),
    );
    return JSON.parse(answer.getSchema()) as Json;
  }

  /** Checks inputs, and gives back those of the wire, to be handed on to the other operations. */
  async check(urn: string, inputs: Properties): Promise<{ inputs: Properties; failures: CheckFailure[] }> {
    const request = new messages.CheckRequest();
    request.setUrn(urn);
    request.setNews(struct(inputs));
    const answer = await unary<messages.CheckResponse>((done) => this.#client.check(request, done));
    const failures = answer
      .getFailuresList()
      .map((failure) => ({ property: failure.getProperty(), reason: failure.getReason() }))
      .sort((a, b) => a.reason.localeCompare(b.reason));
    return { inputs: properties(answer.getInputs()), failures };
  }

  async diff(
    urn: string,
    state: ResourceState,
    newInputs: Properties,
    ignoreChanges: string[] = [],
  ): Promise<DiffAnswer> {
    const request = new messages.DiffRequest();
    request.setId(state.id);
    request.setUrn(urn);
    request.setOlds(struct(state.outputs));
    request.setOldInputs(struct(state.inputs));
    request.setNews(struct(newInputs));
    request.setIgnorechangesList(ignoreChanges);
    const answer = await unary<messages.DiffResponse>((done) => this.#client.diff(request, done));
    const kinds = ["add", "add-replace", "delete", "delete-replace", "update", "update-replace"];
    const detailed: Record<string, string> = {};
    for (const [path, kind] of answer.getDetaileddiffMap().entries()) {
      detailed[path] = `${kinds[kind.getKind()]}${kind.getInputdiff() ? " of an input" : ""}`;
    }
    return {
      changes: (["unknown", "none", "some"] as const)[answer.getChanges()],
      detailed,
      replaces: answer.getReplacesList().sort(),
      diffs: answer.getDiffsList().sort(),
      deleteBeforeReplace: answer.getDeletebeforereplace(),
      hasDetails: answer.getHasdetaileddiff(),
    };
  }

  async create(
    urn: string,
    inputs: Properties,
    options: { preview?: boolean; timeoutSeconds?: number } = {},
  ): Promise<ResourceState> {
    const request = new messages.CreateRequest();
    request.setUrn(urn);
    request.setProperties(struct(inputs));
    request.setPreview(options.preview ?? false);
    request.setTimeout(options.timeoutSeconds ?? 0);
    const answer = await unary<messages.CreateResponse>((done) => this.#client.create(request, done));
    return state(answer.getId(), inputs, properties(answer.getProperties()));
  }

  async update(
    urn: string,
    old: ResourceState,
    inputs: Properties,
    options: { preview?: boolean; timeoutSeconds?: number } = {},
  ): Promise<ResourceState> {
    const request = new messages.UpdateRequest();
    request.setId(old.id);
    request.setUrn(urn);
    request.setOlds(struct(old.outputs));
    request.setOldInputs(struct(old.inputs));
    request.setNews(struct(inputs));
    request.setPreview(options.preview ?? false);
    request.setTimeout(options.timeoutSeconds ?? 0);
    const answer = await unary<messages.UpdateResponse>((done) => this.#client.update(request, done));
    return state(old.id, inputs, properties(answer.getProperties()));
  }

  async read(
    urn: string,
    old: ResourceState,
  ): Promise<{ id: string; inputs: Properties; outputs: Properties }> {
    const request = new messages.ReadRequest();
    request.setId(old.id);
    request.setUrn(urn);
    request.setInputs(struct(old.inputs));
    request.setProperties(struct(old.outputs));
    const answer = await unary<messages.ReadResponse>((done) => this.#client.read(request, done));
    return {
      id: answer.getId(),
      inputs: canonical(properties(answer.getInputs())) as Properties,
      outputs: canonical(properties(answer.getProperties())) as Properties,
    };
  }

  async delete(urn: string, old: ResourceState, options: { timeoutSeconds?: number } = {}): Promise<void> {
    const request = new messages.DeleteRequest();
    request.setId(old.id);
    request.setUrn(urn);
    request.setProperties(struct(old.outputs));
    request.setOldInputs(struct(old.inputs));
    request.setTimeout(options.timeoutSeconds ?? 0);
    await unary((done) => this.#client.delete(request, done));
  }

  /** Calls a function of the package. */
  async invoke(token: string, args: Properties): Promise<Properties> {
    const request = new messages.InvokeRequest();
    request.setTok(token);
    request.setArgs(struct(args));
    const answer = await unary<messages.InvokeResponse>((done) => this.#client.invoke(request, done));
    return properties(answer.getReturn());
  }

  async cancel(): Promise<void> {
    await unary((done) => this.#client.cancel(new emptyMessages.Empty(), done));
  }

  /** What the plugin logged about a resource so far. */
  logOf(urn: string): LogMessage[] {
    return this.#engine.messagesOf(urn);
  }

  async stop(): Promise<void> {
    this.#client.close();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill("SIGKILL");
      await ended;
    }
    this.#engine.close();
  }
}

function state(id: string, inputs: Properties, outputs: Properties): ResourceState {
  return { id, inputs, outputs, values: canonical(outputs) as Properties };
}

function struct(value: Properties): structMessages.Struct {
  return structMessages.Struct.fromJavaScript(value);
}

function properties(value: structMessages.Struct | undefined): Properties {
  return value?.toJavaScript() ?? {};
}

function unary<T>(call: (done: (error: grpc.ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error) reject(new PluginError(error));
      else resolve(answer);
    });
  });
}

/** The first line that a plugin prints is its port. */
async function readPort(child: ChildProcessByStdio<null, Readable, Readable>): Promise<number> {
  let text = "";
  const timer = setTimeout(() => child.kill("SIGKILL"), startDeadlineMs);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => reject(new Error(`it ended with ${signal ?? code}`)));
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        const line = /^(\d+)\n/.exec(text);
        if (line) resolve(Number(line[1]));
      });
    });
  } finally {
    clearTimeout(timer);
    child.removeAllListeners("exit");
  }
}
