import type { Command } from "commander";
import { jsonLine } from "../contract/json-format.ts";
import type { VersionResult } from "../contract/version-result.ts";
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
      const result: VersionResult = { version, release };
      context.print(options.json ? jsonLine(version, result) : version);
    });
}
