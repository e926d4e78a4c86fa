import { parseArgs } from "node:util";
import { ensureToolchain } from "./toolchain.ts";

const usage = `usage: npm run setup [-- --env]

Provides what quickstart and tests run Pulumi with. They do it themselves; this does nothing else.
With --env the settings are printed in a form for the shell: eval "$(npm run --silent setup -- --env)"`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { env: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const toolchain = await ensureToolchain({ yaml: true });
  if (!values.env) return;
  for (const [name, value] of Object.entries(toolchain.env)) {
    console.log(`export ${name}='${value.replaceAll("'", `'\\''`)}'`);
  }
}

main().catch((error: unknown) => {
  console.error(`setup: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
