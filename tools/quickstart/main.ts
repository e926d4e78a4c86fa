import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { withFileLock } from "../setup/file-lock.ts";
import { shellWord } from "../setup/shell-word.ts";
import { down } from "./down.ts";
import { up } from "./up.ts";
import { defaultDirectory, lockFile, root, Workspace } from "./workspace.ts";

const usage = `usage: npm run quickstart [-- COMMAND] [OPTIONS]

  up      (what is done without a command) fetch and build what is needed, start an SSH server of the current user on
          a loopback port, and deploy a VPN server in user mode to this machine with "pulumi up"; again: update it
  down    destroy all of it: no process and no file stays of the deployment

  --public         the VPN server listens on every address of this machine, and not on loopback alone
  --directory DIR  keep everything in this folder, and not in ${defaultDirectory}`;

const lockTimeoutMs = 60 * 60_000;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      public: { type: "boolean", default: false },
      directory: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
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
  // npm changes to the checkout's root first, and tells where it was called.
  const calledIn = process.env["INIT_CWD"] ?? process.cwd();
  const workspace = new Workspace(resolve(calledIn, values.directory ?? defaultDirectory));
  const log = (line: string) => console.log(`quickstart: ${line}`);
  const onWait = () => log("another quickstart of this checkout is at work, waiting for it");
  await withFileLock(lockFile, { timeoutMs: lockTimeoutMs, onWait }, () =>
    command === "up"
      ? up({ workspace, everyAddress: values.public, npmRun: npmRunFrom(calledIn), log })
      : down(workspace, log),
  );
  log(`done in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}

/** In the checkout and below npm finds it by itself. */
function npmRunFrom(directory: string): string {
  return `${directory}/`.startsWith(`${root}/`) ? "npm run" : `npm --prefix ${shellWord(root)} run`;
}

main().catch((error: unknown) => {
  console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
