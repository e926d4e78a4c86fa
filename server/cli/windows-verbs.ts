import { resolveStatePaths } from "../state-paths.ts";
import { parseWindowsCommand } from "../windows/verbs.ts";
import type { CliContext } from "./context.ts";

/**
 * Runs the arguments that only Windows has, such as `/install`, and no argument at all.
 *
 * @returns the exit code; `undefined` for a command that there is on every system
 */
export async function runWindowsVerb(
  words: readonly string[],
  context: CliContext,
  commandHelp: () => string,
): Promise<number | undefined> {
  const command = parseWindowsCommand(words);
  if (command === undefined) return undefined;
  const { runWindowsCommand } = await import("../windows/run-windows-command.ts");
  return runWindowsCommand(command, {
    env: context.env,
    executable: context.executable,
    paths: (mode, stateDirectory) =>
      resolveStatePaths({ ...context, uid: mode === "service" ? 0 : context.uid, stateDirectory }),
    commandHelp,
  });
}
