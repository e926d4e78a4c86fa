import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../build/run-tool.ts";
import { step, type Log } from "../build/step.ts";
import { defaultCacheDirectory } from "../cache-directory.ts";
import { ensureDebianPackages } from "./debian-packages.ts";
import { withFileLock } from "./file-lock.ts";

const requirements = join(import.meta.dirname, "moto", "requirements.txt");
const installTimeoutMs = 15 * 60_000;

/**
 * Provides moto, which answers the API of AWS from its memory, in a virtual environment of the user's cache. Its version
 * and those of all that it needs are in `moto/requirements.txt`.
 *
 * @returns path of `moto_server`
 * @throws Error with pip's own words when the packages cannot be had
 */
export async function ensureMoto(log: Log, cacheDirectory = defaultCacheDirectory()): Promise<string> {
  const pinned = await readFile(requirements);
  const folder = `moto-${createHash("sha256").update(pinned).digest("hex").slice(0, 16)}`;
  const directory = join(cacheDirectory, folder);
  const server = join(directory, "bin", "moto_server");
  // Its programs name the folder that they were installed to, so it is made in place, and this says that it is whole.
  const whole = join(directory, ".whole");
  if (existsSync(whole)) return server;
  await ensureDebianPackages(["python3-venv"], { purpose: "the AWS of the test lab", log });
  const lock = {
    timeoutMs: installTimeoutMs,
    onWait: () => log("another run installs moto: waiting for it"),
  };
  await withFileLock(join(cacheDirectory, "moto.lock"), lock, async () => {
    if (existsSync(whole)) return;
    for (const entry of await readdir(cacheDirectory)) {
      if (/^moto-[0-9a-f]{16}$/.test(entry)) await rm(join(cacheDirectory, entry), { recursive: true });
    }
    await step("install moto, once", log, async () => {
      const options = { cwd: cacheDirectory, timeoutMs: installTimeoutMs };
      await runTool("python3", ["-m", "venv", directory], options);
      const arguments_ = ["install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"];
      await runTool(join(directory, "bin", "pip"), [...arguments_, "--requirement", requirements], options);
    });
    await writeFile(whole, "");
  });
  return server;
}
