import { homedir } from "node:os";
import { isSea } from "node:sea";
import { Command, CommanderError } from "commander";
import { effectiveUid } from "../platform/current-user.ts";
import { defaultStateDirectoryWords, resolveStatePaths } from "../state-paths.ts";
import { wordsOf } from "../error-words.ts";
import { errorCodes, ServerError } from "../errors.ts";
import { addApplyCommand } from "./apply.ts";
import { addCheckCommand } from "./check.ts";
import type { CliContext } from "./context.ts";
import { addExecsvcCommand } from "./execsvc.ts";
import { addFirewallCommand } from "./firewall.ts";
import { addInstallCommand } from "./install.ts";
import { addStartCommand } from "./start.ts";
import { addStatusCommand } from "./status.ts";
import { addStopCommand } from "./stop.ts";
import { addUninstallCommand } from "./uninstall.ts";
import { addVersionCommand } from "./version.ts";

/** Set to 1 to see where an error comes from. */
const debugVariable = "VPNSERVER_DEBUG";

/**
 * Runs one command line; sets the exit code of the process.
 *
 * @param words the command line without the program
 */
export async function runCommandLine(words: readonly string[]): Promise<void> {
  if (process.platform === "win32") {
    const { prepareWindows } = await import("./windows.ts");
    await prepareWindows(process.env);
  }
  const program = new Command("vpnserver");
  const context = createContext(program);
  describeProgram(program);
  addStartCommand(program, context);
  addStopCommand(program, context);
  addStatusCommand(program, context);
  addCheckCommand(program, context);
  addApplyCommand(program, context);
  addInstallCommand(program, context);
  addUninstallCommand(program, context);
  addFirewallCommand(program, context);
  addVersionCommand(program, context);
  addExecsvcCommand(program, context);
  if (process.platform === "win32") {
    const { runWindowsVerb } = await import("./windows-verbs.ts");
    const exitCode = await runWindowsVerb(words, context, () => program.helpInformation());
    // Nothing that is still open may keep a server alive that has ended.
    if (exitCode !== undefined) process.exit(exitCode);
  }
  try {
    if (words.length === 0) program.help({ error: true });
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    process.exitCode = fail(error, context);
  }
}

function createContext(program: Command): CliContext {
  const { env } = process;
  // Whoever reads may have enough: `vpnserver status | head -1`.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const stateDirectoryOption = () => program.opts<{ stateDir?: string }>().stateDir;
  const base = {
    env,
    uid: effectiveUid(),
    home: homedir(),
    executable: isSea() ? process.execPath : undefined,
  };
  return {
    ...base,
    stateDirectoryOption,
    statePaths: () => resolveStatePaths({ ...base, stateDirectory: stateDirectoryOption() }),
    print: (line) => void process.stdout.write(`${line}\n`),
    note: (message) => void process.stderr.write(`vpnserver: ${message}\n`),
  };
}

function describeProgram(program: Command): void {
  program
    .description("A VPN server that speaks the SoftEther SSL-VPN protocol.")
    .usage("[options] <command>")
    .option("--state-dir <directory>", "where the server keeps its configuration, keys and logs")
    .helpCommand(false)
    .showHelpAfterError("\nTo see the commands: vpnserver --help")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "vpnserver: ")) })
    .addHelpText("after", helpText());
}

function helpText(): string {
  const codes = Object.values(errorCodes).map(
    ({ exitCode, meaning }) => `  ${String(exitCode).padStart(2)}  ${meaning}`,
  );
  return `
Examples:
  vpnserver start                      start it in the background
  vpnserver status                     see its processes and listeners
  vpnserver check                      see whether each listener answers a VPN client
  vpnserver stop                       stop it
  vpnserver apply < hubs.json          make hubs and users what the file says
  vpnserver --state-dir ./try start    a second server with files of its own

State directory, the first of these:
  --state-dir, the environment variable VPNSERVER_STATE_DIR, that of the installation which this executable belongs to,
  ${defaultStateDirectoryWords()}.

Exit codes:
   0  done
${codes.join("\n")}

VPNSERVER_DEBUG=1 adds to an error where it comes from.`;
}

/** Prints an error as one line and gives the exit code. */
function fail(error: unknown, context: CliContext): number {
  if (error instanceof CommanderError) {
    // It has printed its message, or the help that was asked for.
    return error.exitCode === 0 ? 0 : errorCodes.USAGE.exitCode;
  }
  const debug = context.env[debugVariable] === "1";
  context.note((debug && error instanceof Error && error.stack) || wordsOf(error));
  return error instanceof ServerError ? error.exitCode : errorCodes.FAILED.exitCode;
}
