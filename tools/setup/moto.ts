import { join } from "node:path";
import type { Log } from "../build/step.ts";
import { defaultCacheDirectory } from "../cache-directory.ts";
import { ensurePythonPackages } from "./python-packages.ts";

/**
 * Provides moto, which answers the API of AWS from its memory, in a virtual environment of the user's cache. Its version
 * and those of all that it needs are in `moto/requirements.txt`.
 *
 * @returns path of `moto_server`
 * @throws Error with pip's own words when the packages cannot be had
 */
export async function ensureMoto(log: Log, cacheDirectory = defaultCacheDirectory()): Promise<string> {
  const requirements = join(import.meta.dirname, "moto", "requirements.txt");
  const purpose = "the AWS of the test lab";
  const environment = await ensurePythonPackages(
    { name: "moto", purpose, requirements, as: "environment" },
    cacheDirectory,
    log,
  );
  return join(environment, "bin", "moto_server");
}
