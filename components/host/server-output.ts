import { parseApplyResult, type ApplyResult } from "../../server/contract/apply-result.ts";
import { parseCheckResult, type CheckResult } from "../../server/contract/check-result.ts";
import { parseInstallResult, type InstallResult } from "../../server/contract/install-result.ts";
import { MalformedJsonError } from "../../server/contract/json-reader.ts";
import {
  parseServerStatus,
  type RunningStatus,
  type StoppedStatus,
} from "../../server/contract/server-status.ts";
import { resultMark } from "./host-script.ts";

/**
 * What `install` of the host's script reported.
 *
 * @throws Error when the output holds nothing of the kind, or that of a later release
 */
export function installResultIn(stdout: string): InstallResult {
  const marked = stdout.split("\n").findLast((line) => line.startsWith(resultMark));
  return required("install", marked?.slice(resultMark.length) ?? stdout, parseInstallResult);
}

/** What `vpnserver apply --json` printed. @throws Error as {@link installResultIn} */
export function applyResultIn(stdout: string): ApplyResult {
  return required("apply", stdout, parseApplyResult);
}

/** What `vpnserver status --json` printed, if it did. @throws Error as {@link installResultIn} */
export function serverStatusIn(stdout: string): RunningStatus | StoppedStatus | undefined {
  return read("status", stdout, parseServerStatus);
}

/** What `vpnserver check --json` printed, if it did. @throws Error as {@link installResultIn} */
export function checkResultIn(stdout: string): CheckResult | undefined {
  return read("check", stdout, parseCheckResult);
}

/** A command reported something, and it cannot be understood. */
export class UnreadableReportError extends Error {
  override readonly name = "UnreadableReportError";
}

function required<T>(command: string, stdout: string, parse: (value: unknown) => T): T {
  const result = read(command, stdout, parse);
  if (result !== undefined) return result;
  throw new Error(`the ${command} command did not report its result; it printed: ${stdout.slice(0, 500)}`);
}

function read<T>(command: string, stdout: string, parse: (value: unknown) => T): T | undefined {
  const value = finalObject(stdout);
  if (value === undefined) return undefined;
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof MalformedJsonError)) throw error;
    throw new UnreadableReportError(`the ${command} command reported what cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}

/** The last line that is a JSON object; what a login shell prints may stand before and after it. */
function finalObject(stdout: string): object | undefined {
  for (const line of stdout.split("\n").reverse()) {
    if (!line.startsWith("{")) continue;
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === "object" && value !== null) return value;
    } catch {
      // Another line may be the one.
    }
  }
  return undefined;
}
