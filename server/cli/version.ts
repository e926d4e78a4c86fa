import type { Command } from "commander";
import { releaseOf } from "../state-paths.ts";
import { version } from "../version.ts";
import type { CliContext } from "./context.ts";

/** `version`: of this executable, not of a server that runs. */
export function addVersionCommand(program: Command, context: CliContext): void {
  program
    .command("version")
    .description("print the version of this executable")
    .option("--json", "print JSON")
    .action((options: { json?: true }) => {
      const release = context.executable === undefined ? null : releaseOf(context.executable);
      context.print(options.json ? JSON.stringify({ version, release }) : version);
    });
}
