import type { Command } from "commander";
import type { ApplyResult } from "../contract/apply-result.ts";
import { jsonLine } from "../contract/json-format.ts";
import { ServerError } from "../errors.ts";
import { isDeeperThan } from "../json/json-depth.ts";
import { rpcLimits } from "../limits.ts";
import { controlLimits } from "../supervisor/control-protocol.ts";
import { version } from "../version.ts";
import type { CliContext } from "./context.ts";

/** `apply`: makes hubs, users and groups what the JSON on standard input says. */
export function addApplyCommand(program: Command, context: CliContext): void {
  program
    .command("apply")
    .description("make hubs, users and groups what the JSON on standard input says, changing what differs")
    .option("--dry-run", "tell what would change, and change nothing")
    .option("--json", "print the result as one line of JSON")
    .action(async (options: { dryRun?: true; json?: true }) => {
      const paths = context.statePaths();
      if (process.stdin.isTTY) context.note("reading the desired state from standard input, up to Ctrl+D");
      const desired = parseJson(await readAll(process.stdin));
      const { applyToServer } = await import("./apply-to-server.ts");
      const result = await applyToServer(paths, { desired, dryRun: options.dryRun === true });
      if (options.json) {
        // For the log of whoever reads the result by program.
        for (const change of linesOf(result)) context.note(change);
        context.print(jsonLine(version, result));
      } else context.print(describe(result, options.dryRun === true));
      for (const warning of result.warnings ?? []) context.note(`warning: ${warning}`);
    });
}

function describe(result: ApplyResult, dryRun: boolean): string {
  if (result.changes.length === 0) return "Nothing differs.";
  const title = dryRun ? "This would change:" : "Changed:";
  return [title, ...linesOf(result).map((line) => `  ${line}`)].join("\n");
}

function linesOf({ changes, endedSessions }: ApplyResult): string[] {
  return [...changes, ...endedSessions.map((name) => `session ${name} ended`)];
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Room for what the request has besides.
    if (bytes > controlLimits.requestBytes - 1024) {
      throw new ServerError("USAGE", `the desired state is larger than ${controlLimits.requestBytes} bytes`);
    }
  }
  return Buffer.concat(chunks);
}

/** The error of JSON.parse repeats some of the text, which may be a password: only the place is told. */
function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) {
    throw new ServerError(
      "USAGE",
      'standard input is empty: give the desired state in JSON, such as {"hubs":[]}',
    );
  }
  if (isDeeperThan(bytes, rpcLimits.jsonDepth)) {
    throw new ServerError(
      "USAGE",
      `standard input nests lists and objects more than ${rpcLimits.jsonDepth} deep: no desired state does`,
    );
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const place = /at position \d+( \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0];
    throw new ServerError(
      "USAGE",
      `standard input is not JSON in UTF-8${place === undefined ? "" : `: look ${place}`}`,
    );
  }
}
