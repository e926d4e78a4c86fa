// Runs a script of this repository on the Node.js that package-lock.json pins, whatever the machine has:
//
//   node tools/bootstrap.mjs SCRIPT [ARGUMENTS...]
//
// Installs the node modules first when they are not those of package-lock.json. Plain JavaScript with built-in modules only,
// because at this point nothing else is there, and without what is new in the language, because whoever has an older Node.js
// than is supported may well begin with it.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node = join(root, "node_modules", ".bin", "node");
const installDeadlineMs = 15 * 60_000;
const oldestToBeginWith = 18;

class SetupError extends Error {}

async function main() {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) throw new SetupError("usage: node tools/bootstrap.mjs SCRIPT [ARGUMENTS...]");
  if (Number(process.versions.node.split(".")[0]) < oldestToBeginWith) {
    throw new SetupError(
      `Node.js ${process.versions.node} is too old to begin with: install Node.js 22 or later from nodejs.org ` +
        "or your distribution (the scripts then run on a Node.js of their own)",
    );
  }
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new SetupError(
      `development runs on Linux on x86-64 only, and this is ${process.platform} on ${process.arch}: ` +
        "use a container or a virtual machine, for example with Debian 12",
    );
  }
  const installMs = await installModules();
  run(script, args, installMs);
}

/** Resolves to how long the installation took: 0 where nothing was to be done. */
async function installModules() {
  if (modulesAreCurrent()) return 0;
  const release = await lock();
  try {
    // Another run may have done it while this one waited.
    if (modulesAreCurrent()) return 0;
    const begin = Date.now();
    console.error("setup: installing the node modules (npm ci)");
    const result = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd: root,
      // Below `npm run` the folder that is about to be replaced comes first.
      env: { ...process.env, PATH: pathWithout(join(root, "node_modules", ".bin")) },
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
      timeout: installDeadlineMs,
    });
    if (result.error?.code === "ENOENT") {
      throw new SetupError("npm is missing: it comes with Node.js, on Debian in the package npm");
    }
    if (result.status !== 0 || !modulesAreCurrent()) {
      const words = (result.stderr ?? "")
        .split("\n")
        .filter((line) => /^npm err/i.test(line))
        .slice(0, 15);
      throw new SetupError(
        `the node modules could not be installed: "npm ci --ignore-scripts" ` +
          `${result.error ? `ended early (${result.error.message})` : `ended with ${result.status ?? result.signal}`}\n` +
          `${words.join("\n")}\nCheck the network and npm's registry setting ("npm ping"), then run the same command again`,
      );
    }
    const elapsedMs = Date.now() - begin;
    console.error(`setup: node modules installed in ${(elapsedMs / 1000).toFixed(1)} s`);
    return elapsedMs;
  } finally {
    release();
  }
}

/**
 * Compares what npm says it installed with the lock file. npm writes its own list last, so an installation that was
 * broken off has none.
 */
function modulesAreCurrent() {
  const wanted = readPackages(join(root, "package-lock.json"));
  if (wanted === undefined) {
    throw new SetupError(
      `${join(root, "package-lock.json")} is missing or no JSON: this is no complete checkout`,
    );
  }
  const installed = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (installed === undefined || !existsSync(node)) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue;
    const present = installed[path];
    if (present === undefined) {
      // Optional packages are those of other platforms.
      if (entry.optional || entry.devOptional) continue;
      return false;
    }
    if (present.version !== entry.version || present.integrity !== entry.integrity) return false;
  }
  return Object.keys(installed).every((path) => path in wanted);
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** Two installations into one folder would spoil each other. The lock lies outside, since the folder is replaced. */
async function lock() {
  const id = createHash("sha256").update(root).digest("hex").slice(0, 16);
  const directory = join(tmpdir(), `pulumi-vpnserver-${process.getuid()}-${id}.lock`);
  const holderFile = join(directory, "pid");
  const deadline = Date.now() + installDeadlineMs;
  let told = false;
  for (;;) {
    try {
      mkdirSync(directory);
      writeFileSync(holderFile, String(process.pid));
      return () => rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== "EEXIST") {
        throw new SetupError(`the lock ${directory} cannot be made: ${error.message}`);
      }
    }
    // A holder that has no number yet has just begun, or was killed at once.
    const holder = await readHolder(holderFile);
    if (holder === undefined || !isAlive(holder)) {
      rmSync(directory, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > deadline) {
      throw new SetupError(
        `process ${holder} has been installing node modules for too long: end it and run this again`,
      );
    }
    if (!told) console.error(`setup: process ${holder} is installing the node modules, waiting for it`);
    told = true;
    await sleep(200);
  }
}

async function readHolder(file) {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      const holder = Number(readFileSync(file, "utf8"));
      if (Number.isInteger(holder) && holder > 0) return holder;
    } catch {
      // Not written yet.
    }
    await sleep(50);
  }
  return undefined;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function pathWithout(directory) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter((entry) => entry !== directory)
    .join(delimiter);
}

/** Runs the script in this process's place: same terminal, same signals, same exit code. */
function run(script, args, installMs) {
  const child = spawn(node, [script, ...args], {
    stdio: "inherit",
    // The tests tell how much of their time was set-up.
    env: installMs > 0 ? { ...process.env, VPNSERVER_BOOTSTRAP_MS: String(installMs) } : process.env,
  });
  const signals = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"];
  for (const signal of signals) {
    // A terminal sends its own to the child too, who would take a second one for impatience.
    const fromTerminal = process.stdin.isTTY && signal !== "SIGTERM";
    process.on(signal, () => fromTerminal || child.kill(signal));
  }
  child.on("error", (error) => fail(new SetupError(`${node} does not start: ${error.message}`)));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

function fail(error) {
  console.error(error instanceof SetupError ? `setup: ${error.message}` : error);
  process.exit(1);
}

main().catch(fail);
