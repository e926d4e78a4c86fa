import { ServerError } from "../errors.ts";
import type { Failure } from "./messages.ts";

/** An error as it goes to another process. */
export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof ServerError ? error.code : "FAILED", message };
}

/** The error that came from another process. */
export function errorOf({ code, message }: Failure): ServerError {
  return new ServerError(code, message);
}
