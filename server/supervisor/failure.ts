import { wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import type { Failure } from "./messages.ts";

/** An error as it goes to another process. */
export function failureOf(error: unknown): Failure {
  return { code: error instanceof ServerError ? error.code : "FAILED", message: wordsOf(error) };
}

/** The error that came from another process. */
export function errorOf({ code, message }: Failure): ServerError {
  return new ServerError(code, message);
}
