import { randomInt } from "node:crypto";
import type grpc from "@grpc/grpc-js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import structMessages from "google-protobuf/google/protobuf/struct_pb.js";
import { StatusError } from "../../../../tools/plugin/status-error.ts";
import { unary } from "../../../../tools/plugin/unary.ts";
import { AwsApi } from "../api/aws-api.ts";
import { findFailures, type Failure, type Values } from "../types/type-check.ts";
import type { TypeTable } from "../types/property-types.ts";
import { loadTypeTable } from "../types/type-table.ts";
import { balancerKinds } from "./balancer-kinds.ts";
import { iamKinds } from "./iam-kinds.ts";
import { instanceKinds } from "./instance-kinds.ts";
import { lookUps } from "./look-ups.ts";
import { networkKinds } from "./network-kinds.ts";
import type { ResourceKind } from "./resource-kind.ts";
import { scalingKinds } from "./scaling-kinds.ts";
import { storageKinds } from "./storage-kinds.ts";

const kinds: Readonly<Record<string, ResourceKind>> = {
  ...networkKinds,
  ...instanceKinds,
  ...iamKinds,
  ...storageKinds,
  ...balancerKinds,
  ...scalingKinds,
};
const providerToken = "aws:provider:Provider";
/** Of the whole set: carried out for every resource that has them. */
const everywhere = ["region", "tags"];
const stateOnly = "tagsAll";

/** The tokens whose types are needed. */
const tokens = [...Object.keys(kinds), ...Object.keys(lookUps)];

/** The resource provider of the lab's AWS: what the engine calls, by the names of the service. */
export class AwsProvider {
  readonly #types: TypeTable;
  readonly #version: string;
  #api: AwsApi;
  #defaultTags: Values = {};

  private constructor(types: TypeTable, version: string, api: AwsApi) {
    this.#types = types;
    this.#version = version;
    this.#api = api;
  }

  /** @param socket of the lab's AWS */
  static async create(socket: string, version: string): Promise<AwsProvider> {
    return new AwsProvider(await loadTypeTable(tokens), version, new AwsApi(socket, ""));
  }

  /**
   * The service for a gRPC server. It asks for plain values: the engine remembers which were secrets, and what a preview cannot
   * know.
   */
  service(): grpc.UntypedServiceImplementation {
    return {
      attach: unary(() => new emptyMessages.Empty()),
      getPluginInfo: unary(() => {
        const answer = new pluginMessages.PluginInfo();
        answer.setVersion(this.#version);
        return answer;
      }),
      checkConfig: unary((request: messages.CheckRequest) => {
        const inputs = plain(request.getNews());
        const answer = new messages.CheckResponse();
        answer.setInputs(request.getNews());
        answer.setFailuresList(typeof inputs["region"] === "string" ? [] : [noRegion()]);
        return answer;
      }),
      diffConfig: unary((request: messages.DiffRequest) => {
        const [olds, news] = [plain(request.getOlds()), plain(request.getNews())];
        return diffOf(changedNames(olds, news), olds["region"] === news["region"] ? [] : ["region"]);
      }),
      configure: unary((request: messages.ConfigureRequest) => {
        const args = plain(request.getArgs());
        const region = args["region"];
        if (typeof region !== "string" || region === "") throw new Error(noRegion().getReason());
        this.#api = this.#api.in(region);
        const defaults = args["defaultTags"];
        const parsed = (typeof defaults === "string" ? JSON.parse(defaults) : (defaults ?? {})) as Values;
        this.#defaultTags = (parsed["tags"] ?? {}) as Values;
        return new messages.ConfigureResponse();
      }),
      cancel: unary(() => new emptyMessages.Empty()),
      check: unary((request: messages.CheckRequest) => this.#check(request)),
      diff: unary((request: messages.DiffRequest) => this.#diff(request)),
      create: unary((request: messages.CreateRequest) => this.#create(request)),
      read: unary((request: messages.ReadRequest) => this.#read(request)),
      update: unary((request: messages.UpdateRequest) => this.#update(request)),
      delete: unary((request: messages.DeleteRequest) => this.#delete(request)),
      invoke: unary((request: messages.InvokeRequest) => this.#invoke(request)),
    };
  }

  async #check(request: messages.CheckRequest): Promise<messages.CheckResponse> {
    const { kind, token, name } = find(request.getUrn());
    const inputs = plain(request.getNews());
    const types = this.#types.members[token]?.inputs ?? {};
    const failures: Failure[] = findFailures(inputs, types, token, this.#types);
    for (const property of Object.keys(inputs)) {
      const known = [...kind.carriesOut, ...everywhere].includes(property);
      if (known || !Object.hasOwn(types, property)) continue;
      const reason = `the AWS of the lab does not carry out "${property}" of ${token}: teach it, or do without`;
      failures.push({ property, reason });
    }
    const { autoNamed } = kind;
    const hasPrefix = autoNamed !== undefined && inputs[`${autoNamed}Prefix`] !== undefined;
    if (autoNamed !== undefined && inputs[autoNamed] === undefined && !hasPrefix) {
      const former = plain(request.getOlds())[autoNamed];
      inputs[autoNamed] = former ?? `${name}-${sevenDigits()}`;
    }
    if (failures.length === 0 && kind.refusals !== undefined) {
      failures.push(...(await kind.refusals(inputs, this.#apiFor(inputs))));
    }
    const answer = new messages.CheckResponse();
    answer.setInputs(struct(inputs));
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

  #diff(request: messages.DiffRequest): messages.DiffResponse {
    const { kind } = find(request.getUrn());
    const [olds, news] = [plain(request.getOldInputs()), plain(request.getNews())];
    const ignored = request.getIgnorechangesList();
    const changed = changedNames(olds, news).filter((name) => !ignored.includes(name));
    const replaces = (name: string) =>
      name === "region" || kind.replaces.includes(name) || kind.replacesAlso?.(name, news) === true;
    return diffOf(changed, changed.filter(replaces));
  }

  async #create(request: messages.CreateRequest): Promise<messages.CreateResponse> {
    const { kind, token } = find(request.getUrn());
    const inputs = plain(request.getProperties());
    const tagged: Record<string, unknown> = { ...this.#tagged(token, inputs) };
    // With a prefix the name is no input: who makes the resource makes up the rest.
    const { autoNamed } = kind;
    const prefix = autoNamed === undefined ? undefined : inputs[`${autoNamed}Prefix`];
    if (autoNamed !== undefined && typeof prefix === "string") tagged[autoNamed] ??= prefix + sevenDigits();
    const api = this.#apiFor(inputs);
    const id = await kind.create(tagged, api);
    const state = await this.#state(request.getUrn(), id, inputs, api);
    if (state === undefined) throw new Error(`${token} is gone as soon as it was made: ${id}`);
    const answer = new messages.CreateResponse();
    answer.setId(id);
    answer.setProperties(struct(state));
    return answer;
  }

  async #read(request: messages.ReadRequest): Promise<messages.ReadResponse> {
    const { kind } = find(request.getUrn());
    const inputs = plain(request.getInputs());
    const api = this.#apiFor(inputs);
    const answer = new messages.ReadResponse();
    const found = await kind.read(request.getId(), inputs, api);
    if (found === undefined) return answer;
    // What somebody else has changed is a difference from what the program wants.
    for (const name of Object.keys(inputs)) {
      if (name === "tags" || !(name in found)) continue;
      if (!isSame(inputs[name], found[name])) inputs[name] = found[name];
    }
    answer.setId(request.getId());
    answer.setInputs(struct(inputs));
    answer.setProperties(
      struct((await this.#state(request.getUrn(), request.getId(), inputs, api)) ?? inputs),
    );
    return answer;
  }

  async #update(request: messages.UpdateRequest): Promise<messages.UpdateResponse> {
    const { kind, token } = find(request.getUrn());
    const [inputs, former] = [plain(request.getNews()), plain(request.getOldInputs())];
    const api = this.#apiFor(inputs);
    await kind.update?.(request.getId(), inputs, former, api);
    if (this.#hasTagMap(token)) {
      const [olds, news] = [this.#tagged(token, former)["tags"], this.#tagged(token, inputs)["tags"]];
      await this.#changeTags(request.getId(), olds, news, api);
    }
    const answer = new messages.UpdateResponse();
    answer.setProperties(
      struct((await this.#state(request.getUrn(), request.getId(), inputs, api)) ?? inputs),
    );
    return answer;
  }

  async #delete(request: messages.DeleteRequest): Promise<emptyMessages.Empty> {
    const { kind } = find(request.getUrn());
    const inputs = plain(request.getOldInputs() ?? request.getProperties());
    await kind.delete(request.getId(), inputs, this.#apiFor(inputs));
    return new emptyMessages.Empty();
  }

  async #invoke(request: messages.InvokeRequest): Promise<messages.InvokeResponse> {
    const token = request.getTok();
    const lookUp = Object.hasOwn(lookUps, token) ? lookUps[token] : undefined;
    const types = this.#types.members[token];
    if (lookUp === undefined || types === undefined) throw unknownToken(token, lookUps);
    const args = plain(request.getArgs());
    const failures = findFailures(args, types.inputs, token, this.#types);
    const answer = new messages.InvokeResponse();
    if (failures.length > 0) {
      throw new Error(failures.map(({ reason }) => reason).join("\n"));
    }
    const given = Object.fromEntries(Object.entries(args).filter(([name]) => name in types.outputs));
    const result = { ...given, ...(await lookUp(args, this.#apiFor(args))) };
    answer.setReturn(struct(this.#held(result, token)));
    return answer;
  }

  /** What the engine keeps of a resource; `undefined` when it is gone. */
  async #state(urn: string, id: string, inputs: Values, api: AwsApi): Promise<Values | undefined> {
    const { kind, token } = find(urn);
    const found = await kind.read(id, inputs, api);
    if (found === undefined) return undefined;
    const outputs = this.#types.members[token]?.outputs ?? {};
    const common: Record<string, unknown> = {};
    if ("region" in outputs) common["region"] = api.region;
    if (stateOnly in outputs) common[stateOnly] = this.#tagged(token, inputs)["tags"] ?? {};
    // Tags as AWS has them include the provider's; the program's own stay as it wrote them.
    const { tags, ...rest } = found;
    const own = inputs["tags"] === undefined || tags === undefined ? {} : { tags: inputs["tags"] };
    return this.#held({ ...inputs, ...rest, ...own, ...common }, token);
  }

  /** A stand-in that gives what the package does not declare would be wrong itself. */
  #held(values: Values, token: string): Values {
    const optional = Object.fromEntries(
      Object.entries(this.#types.members[token]?.outputs ?? {}).map(([name, { type }]) => [
        name,
        { type, required: false },
      ]),
    );
    const [failure] = findFailures(values, optional, token, this.#types);
    if (failure !== undefined) throw new Error(`the AWS of the lab answers wrongly: ${failure.reason}`);
    return values;
  }

  #tagged(token: string, inputs: Values): Values {
    if (!this.#hasTagMap(token)) return inputs;
    return { ...inputs, tags: { ...this.#defaultTags, ...((inputs["tags"] ?? {}) as Values) } };
  }

  /** A group of Auto Scaling has a list instead, which is its own kind's to carry out. */
  #hasTagMap(token: string): boolean {
    return JSON.stringify(this.#types.members[token]?.inputs["tags"]?.type ?? "").includes('"map"');
  }

  async #changeTags(id: string, former: unknown, wanted: unknown, api: AwsApi): Promise<void> {
    const [olds, news] = [(former ?? {}) as Values, (wanted ?? {}) as Values];
    const gone = Object.keys(olds).filter((key) => !(key in news));
    const changed = Object.entries(news).filter(([key, value]) => olds[key] !== value);
    if (gone.length === 0 && changed.length === 0) return;
    // What is not of EC2 has calls of its own for this, and no test of the lab changes its tags.
    if (!/^(sg|sgr|eipalloc|vol|i|key|lt)-/.test(id))
      throw new Error(`the AWS of the lab cannot change tags of ${id}`);
    const resource = { ResourceId: [id] };
    if (gone.length > 0) await api.ec2("DeleteTags", { ...resource, Tag: gone.map((Key) => ({ Key })) });
    if (changed.length === 0) return;
    const tags = changed.map(([Key, value]) => ({ Key, Value: String(value) }));
    await api.ec2("CreateTags", { ...resource, Tag: tags });
  }

  #apiFor(inputs: Values): AwsApi {
    const region = inputs["region"];
    return typeof region === "string" && region !== "" ? this.#api.in(region) : this.#api;
  }
}

/** The kind of resource and the name in `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
function find(urn: string): { kind: ResourceKind; token: string; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  const token = types.slice(types.lastIndexOf("$") + 1);
  const kind = Object.hasOwn(kinds, token) ? kinds[token] : undefined;
  if (kind === undefined) throw unknownToken(token, kinds);
  return { kind, token, name: name.join("::") };
}

/** What tells apart the names of resources that have none of their own. */
function sevenDigits(): string {
  return randomInt(0x1000_0000).toString(16).padStart(7, "0");
}

function unknownToken(token: string, known: Readonly<Record<string, unknown>>): StatusError {
  const list = Object.keys(known).join(", ");
  return new StatusError("NOT_FOUND", `the AWS of the lab does not know ${token}; it knows ${list}`);
}

function noRegion(): messages.CheckFailure {
  const failure = new messages.CheckFailure();
  failure.setProperty("region");
  failure.setReason(
    `${providerToken} needs a region: set aws:region in the stack's configuration, or AWS_REGION`,
  );
  return failure;
}

function changedNames(olds: Values, news: Values): string[] {
  const names = new Set([...Object.keys(olds), ...Object.keys(news)]);
  return [...names].filter((name) => !name.startsWith("__") && !isSame(olds[name], news[name]));
}

function diffOf(changed: readonly string[], replaces: readonly string[]): messages.DiffResponse {
  const answer = new messages.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  answer.setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE);
  answer.setDiffsList([...changed]);
  answer.setReplacesList([...replaces]);
  return answer;
}

/** Whether two values are the same, whatever the order of an object's properties. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}

/** The values without what the SDK adds for itself. */
function plain(wire: structMessages.Struct | undefined): Record<string, unknown> {
  const values = (wire?.toJavaScript() ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => !name.startsWith("__") && value !== null),
  );
}

function struct(values: Values): structMessages.Struct {
  return structMessages.Struct.fromJavaScript(values as Record<string, structMessages.JavaScriptValue>);
}
