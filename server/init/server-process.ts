import { ServerError } from "../errors.ts";
import type { StatePaths } from "../state-paths.ts";
import { readStatus, stopServer } from "../supervisor/control.ts";
import { readLastLogLines } from "../supervisor/log-file.ts";

/** What messages of ours begin with. */
const ourWords = "vpnserver: ";

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

/** Stops a server that was started by hand, outside of the service that was stopped before; whether there is one may be unknown. */
export async function stopStartedByHand(paths: StatePaths): Promise<void> {
  if ((await readStatus(paths).catch(() => "unknown")) !== undefined) await stopIfRunning(paths);
}

/** The end of what the server wrote down. */
export function lastLogLinesOf({ logFile }: StatePaths): string[] {
  return readLastLogLines(logFile, logLines);
}

/** The last message of ours in the lines of a journal or of standard error, with the lines that go on with it, which are indented. */
export function lastWordsIn(lines: readonly string[]): string | undefined {
  const begin = lines.findLastIndex((line) => line.startsWith(ourWords) && line.length > ourWords.length);
  if (begin === -1) return undefined;
  const [first = "", ...others] = lines.slice(begin);
  const end = others.findIndex((line) => !/^\s/.test(line));
  return [first.slice(ourWords.length), ...others.slice(0, end === -1 ? undefined : end)].join("\n");
}
