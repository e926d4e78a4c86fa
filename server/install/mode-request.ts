import { ServerError } from "../errors.ts";
import { defaultPrefix, layoutOf } from "./layout.ts";
import { installedMode } from "./manifest.ts";
import { chooseMode, type HostFacts, type ModeChoice, type RequestedMode } from "./mode-choice.ts";

/**
 * {@link chooseMode} on a host where something may be installed already: `auto` keeps that mode, so that a server does not
 * leave its state behind because its user was given sudo.
 *
 * @throws {ServerError} USAGE when the other mode is asked for than the one of the user's installation, and see chooseMode
 */
export async function requestMode(
  requested: RequestedMode,
  options: { readonly prefix: string | undefined; readonly facts: HostFacts },
): Promise<ModeChoice> {
  const { facts } = options;
  const prefix = options.prefix ?? defaultPrefix("user");
  const installed = await installedMode(layoutOf(prefix));
  if (installed === undefined || installed === requested) return chooseMode(requested, facts);
  if (requested === "auto") {
    const choice = chooseMode("auto", facts);
    if (choice.mode === installed) return choice;
    return { ...chooseMode(installed, facts), reason: `it is installed so already, in ${prefix}` };
  }
  throw new ServerError(
    "USAGE",
    `a server is installed in ${installed} mode, in ${prefix}; modes are not changed in place: take it away first (${layoutOf(prefix).executable} uninstall), which leaves its state there, then install in ${requested} mode`,
  );
}
