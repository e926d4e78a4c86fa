import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { withFileLock } from "../setup/file-lock.ts";
import { down } from "./down.ts";
import { up } from "./up.ts";
import { defaultDirectory, lockFile, Workspace } from "./workspace.ts";

const usage = `usage: npm run quickstart [-- COMMAND] [--directory DIR]

  up      (what is done without a command) fetch and build what is needed, start an SSH server of the current user on
          a loopback port, and deploy a VPN server in user mode to this machine by "pulumi up"; again: update it
  down    destroy all of it: no process and no file stays

Everything is kept in .quickstart in this checkout, or in the folder given by --directory.`;

const lockTimeoutMs = 60 * 60_000;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { directory: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  const [command = "up", ...others] = positionals;
  if (values.help) {
    console.log(usage);
    return;
  }
  if ((command !== "up" && command !== "down") || others.length > 0) {
    throw new Error(`there is no command "${positionals.join(" ")}"\n\n${usage}`);
  }
  const begin = performance.now();
  const workspace = new Workspace(resolve(values.directory ?? defaultDirectory));
  const log = (line: string) => console.log(`quickstart: ${line}`);
  const onWait = () => log("another quickstart of this checkout is at work, waiting for it");
  await withFileLock(lockFile, { timeoutMs: lockTimeoutMs, onWait }, () =>
    (command === "up" ? up : down)(workspace, log),
  );
  log(`done in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}

main().catch((error: unknown) => {
  console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
