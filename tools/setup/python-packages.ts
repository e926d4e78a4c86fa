import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../build/run-tool.ts";
import { step, type Log } from "../build/step.ts";
import { ensureDebianPackages } from "./debian-packages.ts";
import { withFileLock } from "./file-lock.ts";

/** Packages of the Python Package Index that are kept in a folder of the user's cache. */
export interface PythonPackages {
  /** Begins the name of the folder. */
  readonly name: string;
  /** What they are needed for, for a person. */
  readonly purpose: string;
  /** File with a pinned version of each. */
  readonly requirements: string;
  /** A virtual environment in which they are installed, or the files that `pip install` takes. */
  readonly as: "environment" | "files";
}

const installTimeoutMs = 15 * 60_000;

/**
 * Provides packages in the versions of their requirements, in a folder whose name has a hash of these; folders of other versions are
 * removed.
 *
 * @returns the folder
 * @throws Error with pip's own words when the packages cannot be had
 */
export async function ensurePythonPackages(
  { name, purpose, requirements, as }: PythonPackages,
  cacheDirectory: string,
  log: Log,
): Promise<string> {
  const pinned = await readFile(requirements);
  const directory = join(
    cacheDirectory,
    `${name}-${createHash("sha256").update(pinned).digest("hex").slice(0, 16)}`,
  );
  // Programs of an environment name the folder that they were installed to, so it is made in place, and this says that it is whole.
  const whole = join(directory, ".whole");
  if (existsSync(whole)) return directory;
  await ensureDebianPackages(["python3-venv"], { purpose, log });
  const lock = {
    timeoutMs: installTimeoutMs,
    onWait: () => log(`another run installs ${name}: waiting for it`),
  };
  await withFileLock(join(cacheDirectory, `${name}.lock`), lock, async () => {
    if (existsSync(whole)) return;
    for (const entry of await readdir(cacheDirectory)) {
      if (entry.startsWith(`${name}-`) && /^[0-9a-f]{16}$/.test(entry.slice(name.length + 1))) {
        await rm(join(cacheDirectory, entry), { recursive: true });
      }
    }
    await step(`install ${name}, once`, log, async () => {
      const environment = as === "environment" ? directory : join(directory, "pip");
      const run = (command: string, args: readonly string[]) =>
        runTool(command, args, { cwd: cacheDirectory, timeoutMs: installTimeoutMs });
      await run("python3", ["-m", "venv", environment]);
      const quietly = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "--requirement",
        requirements,
      ];
      const words = as === "environment" ? ["install"] : ["download", "--dest", directory];
      await run(join(environment, "bin", "pip"), [...words, ...quietly]);
      if (as === "files") await rm(environment, { recursive: true });
    });
    await writeFile(whole, "");
  });
  return directory;
}
