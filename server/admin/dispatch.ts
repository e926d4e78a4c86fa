import { isSteps, turns, type Steps } from "../turns.ts";
import { Pack } from "../wire/pack.ts";
import { errorPack, type ProtocolError } from "../wire/protocol-error.ts";
import { findRpc, type RpcHandlers, type RpcName } from "./definitions.ts";
import type { Fields, MessageOf } from "./fields.ts";
import { decodeMessageInSteps, encodeMessageInSteps } from "./pack-messages.ts";
import { isJsonObject, messageFromJsonInSteps, messageToJsonInSteps } from "./json-messages.ts";
import { ownerOf, RpcError, type Administrator, type Call, type RpcDefinition } from "./rpc.ts";
import { zeroMessage, zeroOf } from "./zero-value.ts";

export interface RpcDispatcherOptions {
  readonly handlers: RpcHandlers;
  /** Throws an RpcError where something besides the right forbids a call. */
  readonly restrict?: (method: RpcName, request: Readonly<Record<string, unknown>>, call: Call) => void;
  /** Told of each call that may change something, when it is done; `hubName` is empty where it concerns no hub. */
  readonly onChange?: (call: Call, change: RpcChange) => void;
  /** Told of a fault of the server itself. */
  readonly onFault: (method: RpcName, fault: unknown) => void;
}

export interface RpcChange {
  readonly method: RpcName;
  readonly hubName: string;
  /** The fields of the request that say what it is about, such as the name of a user; none of them is a secret. */
  readonly about: Readonly<Record<string, string | number>>;
  readonly error: ProtocolError | undefined;
}

/** What a method was answered with. */
export type RpcResult<Value> =
  | { readonly type: "reply"; readonly reply: Value }
  | { readonly type: "error"; readonly error: ProtocolError; readonly message: string };

type AnyMessage = MessageOf<Fields>;
type AnyReply = Partial<AnyMessage>;
type AnyHandler = (request: AnyMessage, call: Call) => AnyReply | Promise<AnyReply> | Steps<AnyReply>;

/** Characters of a name that is told. */
const longestName = 255;

/** Methods that change nothing, by the beginning of their names. */
const readingNames = /^(Get|Enum|Test|Read|Make)/;

/** Whether a method may change something, whatever the case of its letters; one that is not there changes nothing. */
export function isChange(method: string): boolean {
  const found = findRpc(method);
  return found !== undefined && !readingNames.test(found.name);
}

/**
 * Hands each call to what answers it: finds the method, reads the request, checks the right, and turns whatever comes of it into
 * a reply or an error's number. A call is always answered.
 */
export class RpcDispatcher {
  readonly #options: RpcDispatcherOptions;

  constructor(options: RpcDispatcherOptions) {
    this.#options = options;
  }

  /** Answers a request that came as a PACK with an element `function_name`. */
  async callPack(request: Pack, call: Call): Promise<Pack> {
    const result = await this.#call(request.str("function_name"), call, {
      read: ({ fields }) => decodeMessageInSteps(request, fields),
      *write({ fields, extraNumbers }, message) {
        const pack = yield* encodeMessageInSteps(new Pack(), fields, message);
        for (const [name, value] of extraNumbers?.(message) ?? []) pack.addInt(name, value);
        return pack;
      },
    });
    return result.type === "reply" ? result.reply : errorPack(result.error);
  }

  /** Answers a request that came as JSON. */
  callJson(method: string, params: unknown, call: Call): Promise<RpcResult<unknown>> {
    return this.#call(method, call, {
      read: ({ fields }) => {
        if (!isJsonObject(params)) throw new RpcError("invalidParameter", "JSON-RPC parameter is empty");
        return messageFromJsonInSteps(fields, params);
      },
      write: ({ fields, extraNumbers }, message) =>
        messageToJsonInSteps(fields, message, extraNumbers?.(message)),
    });
  }

  async #call<Reply>(method: string, call: Call, form: MessageForm<Reply>): Promise<RpcResult<Reply>> {
    const found = findRpc(method);
    if (found === undefined) return failed(new RpcError("notSupported"));
    const { name, definition } = found;
    const { administrator } = call;
    let hubName = "";
    let about: RpcChange["about"] = {};
    let result: RpcResult<Reply>;
    try {
      // Before a byte of the request is looked at, where that can be said.
      if (definition.right === "server" && administrator.type !== "server") {
        throw new RpcError("notEnoughRights");
      }
      const request = await turns.run(form.read(definition), ownerOf(administrator));
      hubName = hubOf(definition, request);
      about = aboutOf(definition, request);
      if (!isAllowed(administrator, definition, hubName)) throw new RpcError("notEnoughRights");
      this.#options.restrict?.(name, request, call);
      const message = await this.#answer(name, definition, request, call);
      const reply = await turns.run(form.write(definition, message), ownerOf(administrator));
      result = { type: "reply", reply };
    } catch (fault) {
      result = failed(this.#refusal(name, fault));
    }
    const error = result.type === "error" ? result.error : undefined;
    try {
      if (!readingNames.test(name)) this.#options.onChange?.(call, { method: name, hubName, about, error });
    } catch (fault) {
      // The change is done; that it cannot be told makes it no failure.
      this.#options.onFault(name, fault);
    }
    return result;
  }

  async #answer(
    name: RpcName,
    { fields }: RpcDefinition,
    request: AnyMessage,
    call: Call,
  ): Promise<AnyMessage> {
    const handler = this.#options.handlers[name] as AnyHandler | undefined;
    if (handler === undefined) throw new RpcError("notSupported");
    const answer = handler(request, call);
    const reply = isSteps(answer) ? await turns.run(answer, ownerOf(call.administrator)) : await answer;
    return withItemCount(fields, {
      ...zeroMessage(fields),
      ...withoutSecrets(fields, request),
      ...(reply as AnyMessage),
    });
  }

  #refusal(name: RpcName, fault: unknown): RpcError {
    if (fault instanceof RpcError) return fault;
    this.#options.onFault(name, fault);
    return new RpcError("internal");
  }
}

/** How a message is read from a request, and written as a reply. */
interface MessageForm<Reply> {
  readonly read: (definition: RpcDefinition) => Steps<AnyMessage>;
  readonly write: (definition: RpcDefinition, message: AnyMessage) => Steps<Reply>;
}

function failed({ error, message }: RpcError): { type: "error"; error: ProtocolError; message: string } {
  return { type: "error", error, message };
}

/** The hub that a request names; empty where the method has nothing to do with one. */
function hubOf({ right, hubField = "HubName" }: RpcDefinition, request: AnyMessage): string {
  const name = right === "hub" ? request[hubField] : "";
  return typeof name === "string" ? name : "";
}

function isAllowed(administrator: Administrator, { right }: RpcDefinition, hubName: string): boolean {
  if (administrator.type === "server" || right === "any") return true;
  return right === "hub" && hubName.toLowerCase() === administrator.hubName.toLowerCase();
}

/** Fields that name what a request is about. */
const namingFields = [
  ...["HubName", "Name", "AccountName", "OldAccountName", "NewAccountName", "DeviceName"],
  ...["Port", "Key", "Id", "Online"],
];

function aboutOf({ fields, right, hubField = "HubName" }: RpcDefinition, request: AnyMessage) {
  const about: Record<string, string | number> = {};
  for (const name of namingFields) {
    const field = fields[name];
    if (field?.type !== "scalar" || field.secret === true || (right === "hub" && name === hubField)) continue;
    const value = request[name];
    if (typeof value === "boolean") about[name] = String(value);
    else if (typeof value === "number" && value !== 0) about[name] = value;
    else if (typeof value === "string" && value !== "") about[name] = value.slice(0, longestName);
  }
  return about;
}

/** The request as it may come back in the reply. */
function withoutSecrets(fields: Fields, request: AnyMessage): AnyMessage {
  const echo = { ...request };
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === "scalar" && field.secret === true) echo[name] = zeroOf(field.kind);
    // A list with secrets is set or told as a whole; nobody needs it back.
    else if (field.type === "list" && Object.values(field.fields).some(({ secret }) => secret === true)) {
      echo[name] = [];
    }
  }
  return echo;
}

/** Tells the number of items of a list; programs of the official server read it for some lists instead of counting. */
const itemCountField = "NumItem";

function withItemCount(fields: Fields, message: AnyMessage): AnyMessage {
  const list = Object.entries(fields).find(([, { type }]) => type === "list");
  if (list === undefined || fields[itemCountField] === undefined) return message;
  return { ...message, [itemCountField]: (message[list[0]] as readonly unknown[]).length };
}
