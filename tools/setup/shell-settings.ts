import { homedir } from "node:os";
import { join } from "node:path";
import { quoteForShell } from "./shell-word.ts";
import type { Toolchain } from "./toolchain.ts";

/**
 * What a user types to have `pulumi` in the shell.
 *
 * @param npmRun runs an npm script of this checkout
 */
export function shellSettingsLine(npmRun = "npm run", shell: "sh" | "fish" = "sh"): string {
  const settings = `${npmRun} --silent setup -- --env`;
  return shell === "fish" ? `${settings} | source` : `eval "$(${settings})"`;
}

/**
 * The toolchain's settings as commands that sh, bash, zsh and fish all understand.
 *
 * @param environment of the user, whose login to Pulumi stays what it is
 */
export function shellSettings(
  { folders, env }: Pick<Toolchain, "folders" | "env">,
  environment: NodeJS.ProcessEnv,
): string {
  const { HOME = homedir(), PULUMI_HOME = join(HOME, ".pulumi") } = environment;
  const { PULUMI_CREDENTIALS_PATH = PULUMI_HOME } = environment;
  const lines = [
    // PATH is the shell's own and not the one here: npm puts folders of its own first.
    `export PATH=${quoteForShell(folders.join(":"))}":$PATH"`,
    ...Object.entries({ ...env, PULUMI_CREDENTIALS_PATH })
      .filter(([name]) => name !== "PATH")
      .map(([name, value]) => `export ${name}=${quoteForShell(value)}`),
  ];
  return lines.join("\n");
}
