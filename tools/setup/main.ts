import { parseArgs } from "node:util";
import { shellSettings, shellSettingsLine } from "./shell-settings.ts";
import { ensureToolchain } from "./toolchain.ts";

const usage = `usage: npm run setup [-- --env]

Provides Pulumi with the language hosts for TypeScript, YAML and Python, in the versions that this project is tested with.
With --env it prints the settings that make "pulumi" a command of the shell:

  ${shellSettingsLine()}        (sh, bash, zsh)
  ${shellSettingsLine("npm run", "fish")}    (fish)`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { env: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const toolchain = await ensureToolchain({ yaml: true, python: true });
  if (values.env) console.log(shellSettings(toolchain, process.env));
  else console.error(`setup: to have "pulumi" in this shell: ${shellSettingsLine()}`);
}

main().catch((error: unknown) => {
  console.error(`setup: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
