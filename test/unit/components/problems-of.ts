import assert from "node:assert/strict";
import { ArgumentError } from "../../../components/arguments/argument-error.ts";

/** The problems of the ArgumentError that `action` throws. */
export function problemsOf(action: () => unknown): readonly string[] {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ArgumentError, String(error));
    return error.problems;
  }
  throw new Error("no ArgumentError was thrown");
}

/** The one problem of the ArgumentError that `action` throws. */
export function problemOf(action: () => unknown): string {
  const problems = problemsOf(action);
  assert.equal(problems.length, 1, problems.join("\n"));
  return problems.join();
}
