import { serverWork, type Steps, type WorkOwner } from "../turns.ts";
import type { ProtocolError } from "../wire/protocol-error.ts";
import { errorTexts } from "./error-texts.ts";
import type { Fields, MessageOf } from "./fields.ts";

/**
 * Who may call a method: `any` administrator, of the server or of a hub; the `server` administrator alone; or besides the
 * administrator of the `hub` that the request names.
 */
export type RpcRight = "any" | "server" | "hub";

/** One method of the administration, in the one place where all that is known of its form stands. */
export interface RpcDefinition<F extends Fields = Fields> {
  /** One sentence for the reference. */
  readonly summary: string;
  readonly right: RpcRight;
  /** The field that names the hub, where the right depends on it; `HubName` by default. */
  readonly hubField?: string;
  /** Errors that the method answers with, besides those that every method can. */
  readonly errors: readonly ProtocolError[];
  /** Of request and reply. */
  readonly fields: F;
  /** Numbers of a reply whose names depend on it, and which therefore are no fields. */
  extraNumbers?(this: void, reply: MessageOf<F>): readonly (readonly [name: string, value: number])[];
}

export function rpc<const F extends Fields>(definition: RpcDefinition<F>): RpcDefinition<F> {
  return definition;
}

export type RequestOf<D> = D extends RpcDefinition<infer F> ? Readonly<MessageOf<F>> : never;

/** What of the request does not simply come back. */
export type ReplyOf<D> = D extends RpcDefinition<infer F> ? Partial<MessageOf<F>> : never;

export type Administrator = { readonly type: "server" } | { readonly type: "hub"; readonly hubName: string };

/** Whose the work is that an administrator makes. */
export function ownerOf(administrator: Administrator): WorkOwner {
  return administrator.type === "server" ? serverWork : administrator.hubName.toLowerCase();
}

/** Who calls, and from where. */
export interface Call {
  readonly administrator: Administrator;
  readonly peerAddress: string;
  /** Name of the connection, such as `CID-7`. */
  readonly connectionName: string;
  /**
   * Told of the hash of a password that the caller sets: whoever sets it knows it, and goes on administering by it. The others who
   * logged in by the former one do not.
   */
  readonly setsPassword?: (hashedPassword: Uint8Array) => void;
}

/** Answers at once, later, or in steps where the answer may be long. */
export type RpcHandler<D> = (
  request: RequestOf<D>,
  call: Call,
) => ReplyOf<D> | Promise<ReplyOf<D>> | Steps<ReplyOf<D>>;

/** Refuses a call; the administrator learns the error's number, and with JSON the message. */
export class RpcError extends Error {
  readonly error: ProtocolError;

  constructor(error: ProtocolError, message: string = errorTexts[error]) {
    super(message);
    this.name = "RpcError";
    this.error = error;
  }
}
