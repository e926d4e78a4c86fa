import { ServerError } from "../errors.ts";
import type { StatePaths } from "../state-paths.ts";
import { stopServer } from "../supervisor/control.ts";
import { readLastLogLines } from "../supervisor/log-file.ts";

/** Lines of a log in an error message. */
export const logLines = 15;

/** Stops the server of a state directory, whoever started it. */
export async function stopIfRunning(paths: StatePaths): Promise<void> {
  try {
    await stopServer(paths);
  } catch (error) {
    if (!(error instanceof ServerError && error.code === "NOT_RUNNING")) throw error;
  }
}

/** The end of what the server wrote down. */
export function lastLogLinesOf({ logFile }: StatePaths): string[] {
  return readLastLogLines(logFile, logLines);
}
