import { Pack } from "../wire/pack.ts";
import { protocolErrors, type ProtocolError } from "../wire/protocol-error.ts";
import { findRpc, type RpcHandlers, type RpcName } from "./definitions.ts";
import type { Fields, MessageOf } from "./fields.ts";
import { decodeMessage, encodeMessage } from "./pack-messages.ts";
import { isJsonObject, messageFromJson, messageToJson } from "./json-messages.ts";
import { RpcError, type Administrator, type Call, type RpcDefinition } from "./rpc.ts";
import { zeroMessage, zeroOf } from "./zero-value.ts";

export interface RpcDispatcherOptions {
  readonly handlers: RpcHandlers;
  /** Told of each call that may change something, when it is done; `hubName` is empty where it concerns no hub. */
  readonly onChange?: (call: Call, change: RpcChange) => void;
  /** Told of a fault of the server itself. */
  readonly onFault: (method: RpcName, fault: unknown) => void;
}

export interface RpcChange {
  readonly method: RpcName;
  readonly hubName: string;
  readonly error: ProtocolError | undefined;
}

/** What a method was answered with. */
export type RpcResult<Value> =
  | { readonly type: "reply"; readonly reply: Value }
  | { readonly type: "error"; readonly error: ProtocolError; readonly message: string };

type AnyMessage = MessageOf<Fields>;
type AnyHandler = (request: AnyMessage, call: Call) => Partial<AnyMessage> | Promise<Partial<AnyMessage>>;

/** Methods that change nothing, by the beginning of their names. */
const readingNames = /^(Get|Enum|Test|Read|Make)/;

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
    const result = await this.#call(request.str("function_name"), call, ({ fields }) =>
      decodeMessage(request, fields),
    );
    if (result.type === "error") return new Pack().addInt("error", protocolErrors[result.error]);
    const { definition, message } = result.reply;
    const pack = encodeMessage(new Pack(), definition.fields, message);
    definition.addToPack?.(pack, message);
    return pack;
  }

  /** Answers a request that came as JSON. */
  async callJson(method: string, params: unknown, call: Call): Promise<RpcResult<unknown>> {
    const result = await this.#call(method, call, ({ fields }) => {
      if (!isJsonObject(params)) throw new RpcError("invalidParameter", "JSON-RPC parameter is empty");
      return messageFromJson(fields, params);
    });
    if (result.type === "error") return result;
    const { definition, message } = result.reply;
    return { type: "reply", reply: messageToJson(definition.fields, message) };
  }

  async #call(
    method: string,
    call: Call,
    read: (definition: RpcDefinition) => AnyMessage,
  ): Promise<RpcResult<{ definition: RpcDefinition; message: AnyMessage }>> {
    const found = findRpc(method);
    if (found === undefined) return failed(new RpcError("notSupported", `there is no method ${method}`));
    const { name, definition } = found;
    let hubName = "";
    try {
      const request = read(definition);
      hubName = hubOf(definition, request);
      if (!isAllowed(call.administrator, definition, hubName)) throw new RpcError("notEnoughRights");
      const handler = this.#options.handlers[name] as AnyHandler | undefined;
      if (handler === undefined) throw new RpcError("notSupported");
      const message: AnyMessage = {
        ...zeroMessage(definition.fields),
        ...withoutSecrets(definition.fields, request),
        ...((await handler(request, call)) as AnyMessage),
      };
      this.#tellChange(call, { method: name, hubName, error: undefined });
      return { type: "reply", reply: { definition, message } };
    } catch (fault) {
      const error = fault instanceof RpcError ? fault : new RpcError("internal");
      if (error !== fault) this.#options.onFault(name, fault);
      this.#tellChange(call, { method: name, hubName, error: error.error });
      return failed(error);
    }
  }

  #tellChange(call: Call, change: RpcChange): void {
    if (!readingNames.test(change.method)) this.#options.onChange?.(call, change);
  }
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

/** The request as it may come back in the reply. */
function withoutSecrets(fields: Fields, request: AnyMessage): AnyMessage {
  const echo = { ...request };
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === "scalar" && field.secret === true) echo[name] = zeroOf(field.kind);
  }
  return echo;
}
