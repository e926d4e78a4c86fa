import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { jsonLine } from "../contract/json-format.ts";
import type { UninstallResult } from "../contract/uninstall-result.ts";
import { installationOf } from "../state-paths.ts";
import { ServerError } from "../errors.ts";
import { describeStay } from "../install/owner.ts";
import { version } from "../version.ts";
import type { CliContext } from "./context.ts";
import { parseOwnerId } from "./owner-id.ts";

interface UninstallFlags {
  readonly prefix?: string;
  readonly purge?: true;
  readonly ownerId?: string;
  readonly json?: true;
}

/** `uninstall`: takes away exactly what `install` put there. */
export function addUninstallCommand(program: Command, context: CliContext): void {
  program
    .command("uninstall")
    .description("stop the server and take away what `install` put on this host")
    .option("--prefix <directory>", "where it is (default: the installation that this executable belongs to)")
    .option("--purge", "take configuration, keys and logs away too, also those that a former uninstall kept")
    .option(
      "--owner-id <id>",
      "leave the server alone if it belongs to another deployment by now",
      parseOwnerId,
    )
    .option("--json", "print the result as one line of JSON")
    .action(async (flags: UninstallFlags) => {
      const { runProgram } = await import("../platform/run-program.ts");
      const prefix = await prefixOf(flags, context);
      const stateOption = context.stateDirectoryOption();
      const stateDirectory = stateOption === undefined ? undefined : resolve(stateOption);
      if (context.uid !== 0 && (await isRoots(prefix, stateDirectory, flags))) {
        await uninstallAsRoot(prefix, stateDirectory, flags, context);
        return;
      }
      // The end of a terminal or an SSH connection is no reason to leave half of it.
      process.on("SIGHUP", () => {});
      const { uninstall } = await import("../install/uninstall.ts");
      const result = await uninstall({
        prefix,
        stateDirectory,
        purge: flags.purge ?? false,
        ownerId: flags.ownerId,
        run: runProgram,
        note: (message) => context.note(message),
      });
      // For the log of whoever reads the result by program.
      if (flags.json && !result.removed) context.note(describe(result));
      context.print(flags.json ? jsonLine(version, result) : describe(result));
    });
}

function describe({ removed, mode, prefix, stateDirectory, owner, kept }: UninstallResult): string {
  if (!removed && owner !== undefined) return describeStay(prefix, owner);
  const stays = kept.map((folder) => `; ${folder} stays`).join("");
  if (mode === undefined) return `The state in ${stateDirectory} was taken away${stays}`;
  const purge = kept.includes(stateDirectory)
    ? `\nTo take the state away too: vpnserver uninstall --purge --state-dir ${quoted(stateDirectory)}, by any copy of the program`
    : "";
  return `The server of ${mode} mode was taken away from ${prefix}${stays}${purge}`;
}

/** As a shell reads it; a path of Windows has no quotation marks. */
function quoted(path: string): string {
  if (process.platform === "win32") return `"${path}"`;
  return /^[\w/.,:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Whether what would be taken away is root's: a service, or the state that one left. */
async function isRoots(
  prefix: string,
  stateDirectory: string | undefined,
  { purge, ownerId }: UninstallFlags,
): Promise<boolean> {
  const { installedMode } = await import("../install/manifest.ts");
  const { layoutOf } = await import("../install/layout.ts");
  const mode = await installedMode(layoutOf(prefix));
  if (mode !== undefined || !purge || ownerId !== undefined) return mode === "service";
  // On Windows a folder of an administrator's does not open to who is none.
  if (process.platform === "win32") return false;
  const { defaultStateDirectories } = await import("../install/state-directory.ts");
  const places = stateDirectory === undefined ? defaultStateDirectories(prefix) : [stateDirectory];
  return places.some((place) => statSync(place, { throwIfNoEntry: false })?.uid === 0);
}

/** The folder that was named, that of this executable, or the one where an installation would be. */
async function prefixOf(
  flags: UninstallFlags,
  { executable, uid }: Pick<CliContext, "executable" | "uid">,
): Promise<string> {
  if (flags.prefix !== undefined) return resolve(flags.prefix);
  const installation = executable === undefined ? undefined : installationOf(executable);
  if (installation !== undefined) return installation.prefix;
  const { defaultPrefix, layoutOf } = await import("../install/layout.ts");
  const { installedMode } = await import("../install/manifest.ts");
  const [own, service] = [defaultPrefix("user"), defaultPrefix("service")];
  if (uid !== 0 || (await installedMode(layoutOf(own))) !== undefined) return own;
  if (!flags.purge || (await installedMode(layoutOf(service))) !== undefined) return service;
  // Nothing is installed: whichever has left its state.
  const { hasLeftState } = await import("../install/state-directory.ts");
  return !(await hasLeftState(service)) && (await hasLeftState(own)) ? own : service;
}

async function uninstallAsRoot(
  prefix: string,
  stateDirectory: string | undefined,
  flags: UninstallFlags,
  context: CliContext,
): Promise<void> {
  if (process.platform === "win32") {
    throw new ServerError(
      "NOT_PERMITTED",
      `the server of ${prefix} is a service, which only an administrator can take away: open a console by "Run as administrator", and run this there`,
    );
  }
  const { executable, env } = context;
  const { probeHost } = await import("../install/host-facts.ts");
  const { runProgram } = await import("../platform/run-program.ts");
  const sudo = executable && (await probeHost({ run: runProgram, env, executable })).sudo;
  if (!executable || !sudo || !sudo.works) {
    const why = sudo && !sudo.works ? ` (${sudo.reason})` : "";
    throw new ServerError(
      "NOT_PERMITTED",
      `the server of ${prefix} is a service, which only root can take away${why}: run this as root`,
    );
  }
  const { runAsRoot } = await import("./sudo.ts");
  process.exitCode = await runAsRoot(executable, [
    "uninstall",
    `--prefix=${prefix}`,
    ...(stateDirectory === undefined ? [] : [`--state-dir=${stateDirectory}`]),
    ...(flags.purge ? ["--purge"] : []),
    ...(flags.ownerId === undefined ? [] : [`--owner-id=${flags.ownerId}`]),
    ...(flags.json ? ["--json"] : []),
  ]);
}
