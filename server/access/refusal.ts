import type { ProtocolError } from "../wire/protocol-error.ts";

/** Why a client does not get what it asked for. */
export interface Refusal {
  readonly type: "refused";
  /** What the client is told. */
  readonly error: ProtocolError;
  /** What the security log is told: a clause in English that names the cause. */
  readonly reason: string;
  /** The policy of the user that was named forbids the client to keep the password; told with every answer to it. */
  readonly noSavePassword: boolean;
}

export function refuse(error: ProtocolError, reason: string, noSavePassword = false): Refusal {
  return { type: "refused", error, reason, noSavePassword };
}
