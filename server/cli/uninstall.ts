import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { releaseOf } from "../config/paths.ts";
import { ServerError } from "../errors.ts";
import type { CliContext } from "./context.ts";

interface UninstallFlags {
  readonly prefix?: string;
  readonly purge?: true;
  readonly json?: true;
}

/** `uninstall`: takes away exactly what `install` put there. */
export function addUninstallCommand(program: Command, context: CliContext): void {
  program
    .command("uninstall")
    .description("stop the server and take away what `install` put on this host")
    .option("--prefix <directory>", "where it is (default: the installation that this executable belongs to)")
    .option("--purge", "take configuration, keys and logs away too")
    .option("--json", "print the result as one line of JSON")
    .action(async (flags: UninstallFlags) => {
      const { installedMode } = await import("../modes/manifest.ts");
      const { layoutOf } = await import("../modes/layout.ts");
      const { runProgram } = await import("../run-program.ts");
      const prefix = await prefixOf(flags, context);
      if (context.uid !== 0 && (await installedMode(layoutOf(prefix))) === "service") {
        await uninstallAsRoot(prefix, flags, context);
        return;
      }
      // The end of a terminal or an SSH connection is no reason to leave half of it.
      process.on("SIGHUP", () => {});
      const { uninstall } = await import("../modes/uninstall.ts");
      const result = await uninstall({
        prefix,
        purge: flags.purge ?? false,
        run: runProgram,
        note: (message) => context.note(message),
      });
      if (flags.json) context.print(JSON.stringify(result));
      else {
        const kept = result.kept.map((folder) => `; ${folder} stays`).join("");
        context.print(`The server of ${result.mode} mode was taken away from ${prefix}${kept}`);
      }
    });
}

/** The folder that was named, that of this executable, or the one where an installation would be. */
async function prefixOf(
  flags: UninstallFlags,
  { executable, uid }: Pick<CliContext, "executable" | "uid">,
): Promise<string> {
  if (flags.prefix !== undefined) return resolve(flags.prefix);
  if (executable !== undefined && releaseOf(executable) !== null) {
    return dirname(dirname(dirname(executable)));
  }
  const { defaultPrefix, layoutOf } = await import("../modes/layout.ts");
  const { installedMode } = await import("../modes/manifest.ts");
  const [own, service] = [defaultPrefix("user"), defaultPrefix("service")];
  const isOwn = (await installedMode(layoutOf(own))) !== undefined;
  return isOwn || uid !== 0 ? own : service;
}

async function uninstallAsRoot(prefix: string, flags: UninstallFlags, context: CliContext): Promise<void> {
  const { executable, env } = context;
  const { probeHost } = await import("../modes/host-facts.ts");
  const { runProgram } = await import("../run-program.ts");
  const sudo = executable && (await probeHost({ run: runProgram, env, executable })).sudo;
  if (!executable || !sudo || !sudo.works) {
    const why = sudo && !sudo.works ? ` (${sudo.reason})` : "";
    throw new ServerError(
      "NOT_PERMITTED",
      `the server in ${prefix} is a service, which only root can take away${why}: run this as root`,
    );
  }
  const { runAsRoot } = await import("./sudo.ts");
  process.exitCode = await runAsRoot(executable, [
    "uninstall",
    `--prefix=${prefix}`,
    ...(flags.purge ? ["--purge"] : []),
    ...(flags.json ? ["--json"] : []),
  ]);
}
