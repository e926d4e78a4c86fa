import type grpc from "@grpc/grpc-js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import structMessages from "google-protobuf/google/protobuf/struct_pb.js";
import { StatusError } from "../plugin/status-error.ts";
import { unary, type Cancellable } from "../plugin/unary.ts";
import { copyToRemote } from "./copy-to-remote.ts";
import { EngineLog } from "./engine-log.ts";
import type { Operation, OperationLog } from "./operation.ts";
import { markUnknowns } from "./preview.ts";
import { diffProperties, type DiffKind } from "./property-diff.ts";
import { decodeProperties, encodeProperties, type Value, type ValueMap } from "./property-values.ts";
import { remoteCommand } from "./remote-command.ts";
import type { Resource } from "./resource.ts";
import { pluginSchema, pluginVersion } from "./schema.ts";
import { completeProperties, describeFailures, findFailures, type StructShape } from "./shapes.ts";

const resources: Readonly<Record<string, Resource>> = {
  "remote:Command": remoteCommand,
  "remote:CopyToRemote": copyToRemote,
};

const silentLog: OperationLog = { message: async () => {}, status: async () => {} };

/** The resource provider: what the engine calls, by the names of the service. */
export class Provider {
  #engine: EngineLog | undefined;
  /** What ends each operation under way. */
  readonly #running = new Set<AbortController>();
  #cancelled = false;

  /** @param engineAddress `host:port` of the engine; it may also come later, with `attach` */
  constructor(engineAddress: string | undefined) {
    if (engineAddress !== undefined) this.#engine = new EngineLog(engineAddress);
  }

  /** The service for a gRPC server. Methods that are not there answer "unimplemented", as the engine expects. */
  service(): grpc.UntypedServiceImplementation {
    return {
      attach: unary((request: pluginMessages.PluginAttach) => {
        this.#engine = new EngineLog(request.getAddress());
        return new emptyMessages.Empty();
      }),
      getPluginInfo: unary(() => {
        const answer = new pluginMessages.PluginInfo();
        answer.setVersion(pluginVersion);
        return answer;
      }),
      getSchema: unary(() => {
        const answer = new messages.GetSchemaResponse();
        answer.setSchema(JSON.stringify(pluginSchema));
        return answer;
      }),
      configure: unary(() => {
        const answer = new messages.ConfigureResponse();
        answer.setAcceptsecrets(true);
        answer.setSupportspreview(true);
        answer.setAcceptresources(true);
        answer.setAcceptoutputs(true);
        return answer;
      }),
      cancel: unary(() => {
        this.#cancelled = true;
        for (const operation of this.#running) operation.abort(cancellation());
        return new emptyMessages.Empty();
      }),
      check: unary((request: messages.CheckRequest) => check(request)),
      diff: unary((request: messages.DiffRequest) => diff(request)),
      read: unary((request: messages.ReadRequest) => read(request)),
      create: unary((request: messages.CreateRequest, call) => this.#create(request, call)),
      update: unary((request: messages.UpdateRequest, call) => this.#update(request, call)),
      delete: unary((request: messages.DeleteRequest, call) => this.#delete(request, call)),
    };
  }

  async #create(request: messages.CreateRequest, call: Cancellable): Promise<messages.CreateResponse> {
    const { resource, name } = find(request.getUrn());
    const inputs = properties(request.getProperties());
    validate(inputs, resource.inputs, "invalid inputs: ");
    const answer = new messages.CreateResponse();
    if (request.getPreview()) {
      const outputs = resource.previewOutputs(inputs, undefined);
      answer.setId(resource.previewId(name));
      answer.setProperties(struct(markUnknowns(outputs, inputs, undefined, resource.inputs)));
    } else {
      const { id, outputs } = await this.#operate(request, call, (operation) =>
        resource.create(name, inputs, operation),
      );
      answer.setId(id);
      answer.setProperties(struct(outputs));
    }
    return answer;
  }

  async #update(request: messages.UpdateRequest, call: Cancellable): Promise<messages.UpdateResponse> {
    const { resource } = find(request.getUrn());
    const state = properties(request.getOlds());
    const inputs = withIgnored(properties(request.getNews()), state, request.getIgnorechangesList());
    validate(state, resource.outputs);
    validate(inputs, resource.inputs);
    const answer = new messages.UpdateResponse();
    if (request.getPreview()) {
      const outputs = resource.previewOutputs(inputs, state);
      answer.setProperties(struct(markUnknowns(outputs, inputs, state, resource.inputs)));
    } else {
      const outputs = await this.#operate(request, call, (operation) =>
        resource.update(state, inputs, operation),
      );
      answer.setProperties(struct(outputs));
    }
    return answer;
  }

  async #delete(request: messages.DeleteRequest, call: Cancellable): Promise<emptyMessages.Empty> {
    const { resource } = find(request.getUrn());
    const state = properties(request.getProperties());
    if (resource.deletes) validate(state, resource.outputs);
    await this.#operate(request, call, (operation) => resource.delete(state, operation));
    return new emptyMessages.Empty();
  }

  /** Runs an operation that ends early when the engine cancels it, goes away, or the resource's time is up. */
  async #operate<T>(
    request: { getUrn(): string; getTimeout(): number },
    call: Cancellable,
    act: (operation: Operation) => Promise<T>,
  ): Promise<T> {
    if (this.#cancelled) throw cancellation();
    const controller = new AbortController();
    const log = this.#engine?.about(request.getUrn()) ?? silentLog;
    const seconds = request.getTimeout();
    const timer =
      seconds > 0
        ? setTimeout(
            () => controller.abort(new StatusError("DEADLINE_EXCEEDED", "context deadline exceeded")),
            Math.trunc(seconds) * 1000,
          )
        : undefined;
    call.on("cancelled", () => controller.abort(cancellation()));
    this.#running.add(controller);
    try {
      return await act({ signal: controller.signal, log });
    } finally {
      clearTimeout(timer);
      this.#running.delete(controller);
    }
  }
}

function cancellation(): StatusError {
  return new StatusError("CANCELLED", "context canceled");
}

function check(request: messages.CheckRequest): messages.CheckResponse {
  const { resource } = find(request.getUrn());
  const inputs = properties(request.getNews());
  const completed = completeProperties(inputs, resource.inputs);
  const failures = [...findFailures(inputs, resource.inputs), ...resource.check(completed)];
  const answer = new messages.CheckResponse();
  answer.setInputs(struct(completed));
  answer.setFailuresList(
    failures.map(({ property, reason }) => {
      const failure = new messages.CheckFailure();
      failure.setProperty(property);
      failure.setReason(reason);
      return failure;
    }),
  );
  return answer;
}

function diff(request: messages.DiffRequest): messages.DiffResponse {
  const { resource } = find(request.getUrn());
  const state = properties(request.getOlds());
  const news = withIgnored(properties(request.getNews()), state, request.getIgnorechangesList());
  for (const name of news.keys()) {
    if (name === "version" || name.startsWith("__")) news.delete(name);
  }
  const changes = diffProperties(properties(request.getOldInputs()), news);

  const answer = new messages.DiffResponse();
  const names = new Set<string>();
  const replaced = new Set<string>();
  for (const [path, kind] of changes) {
    // Only a property as a whole makes a new resource; the engine is told by the package to look at the elements.
    const replaces = resource.inputs.fields[path]?.replaces ?? false;
    const name = topLevelName(path);
    names.add(name);
    if (replaces) replaced.add(name);
    const change = new messages.PropertyDiff();
    change.setKind(diffKinds[kind][replaces ? "replaces" : "updates"]);
    answer.getDetaileddiffMap().set(path, change);
  }
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  answer.setChanges(changes.size > 0 ? DIFF_SOME : DIFF_NONE);
  answer.setDiffsList([...names]);
  answer.setReplacesList([...replaced]);
  answer.setHasdetaileddiff(true);
  return answer;
}

const { ADD, ADD_REPLACE, DELETE, DELETE_REPLACE, UPDATE, UPDATE_REPLACE } = messages.PropertyDiff.Kind;
const diffKinds = {
  add: { updates: ADD, replaces: ADD_REPLACE },
  delete: { updates: DELETE, replaces: DELETE_REPLACE },
  update: { updates: UPDATE, replaces: UPDATE_REPLACE },
} satisfies Record<DiffKind, unknown>;

function topLevelName(path: string): string {
  return /^\["(.*?)"\]/.exec(path)?.[1] ?? /^[^.[]*/.exec(path)?.[0] ?? path;
}

/** Nothing is asked of the host: the state is given back as it is. */
function read(request: messages.ReadRequest): messages.ReadResponse {
  const { resource } = find(request.getUrn());
  const present = (values: ValueMap, shape: StructShape) => {
    const failures = findFailures(values, shape).filter(
      ({ reason }) => !reason.startsWith("Missing required"),
    );
    if (failures.length > 0) throw new Error(describeFailures(failures));
    return struct(values);
  };
  const answer = new messages.ReadResponse();
  answer.setId(request.getId());
  answer.setInputs(present(properties(request.getInputs()), resource.inputs));
  answer.setProperties(present(properties(request.getProperties()), resource.outputs));
  return answer;
}

/** The kind of resource and the name in `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
function find(urn: string): { resource: Resource; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  const kind = types.slice(types.lastIndexOf("$") + 1).replace(/^[^:]*:/, "");
  const resource = Object.hasOwn(resources, kind) ? resources[kind] : undefined;
  if (!resource) {
    throw new StatusError(
      "NOT_FOUND",
      `Resource '${kind}' not found. This stand-in of the command plugin knows only ` +
        `${Object.keys(resources).join(" and ")}; the official one knows more: ` +
        `pulumi plugin install resource command ${pluginVersion}`,
    );
  }
  return { resource, name: name.join("::") };
}

function validate(values: ValueMap, shape: StructShape, prefix = ""): void {
  const failures = findFailures(values, shape);
  if (failures.length > 0) throw new Error(prefix + describeFailures(failures));
}

/** Properties whose changes are to be ignored keep the value that they have. */
function withIgnored(inputs: ValueMap, state: ValueMap, ignored: readonly string[]): Map<string, Value> {
  const merged = new Map(inputs);
  for (const name of ignored) {
    const value = state.get(name);
    if (value !== undefined) merged.set(name, value);
  }
  return merged;
}

function properties(wire: structMessages.Struct | undefined): ValueMap {
  return decodeProperties(wire?.toJavaScript() ?? {});
}

function struct(values: ValueMap): structMessages.Struct {
  return structMessages.Struct.fromJavaScript(
    encodeProperties(values) as Record<string, structMessages.JavaScriptValue>,
  );
}
