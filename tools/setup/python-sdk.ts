import { join } from "node:path";
import type { Log } from "../build/step.ts";
import { defaultCacheDirectory } from "../cache-directory.ts";
import { ensurePythonPackages } from "./python-packages.ts";

/**
 * Provides what `pulumi install` installs for the example in Python, as files in the user's cache: Pulumi's SDK, what an SDK made by
 * `pulumi package add` needs beside it, and pip's own tools. Their versions are in `python-sdk/requirements.txt`.
 *
 * @returns variables of the environment by which pip takes nothing from elsewhere
 * @throws Error with pip's own words when the packages cannot be had
 */
export async function ensurePythonSdk(
  log: Log,
  cacheDirectory = defaultCacheDirectory(),
): Promise<Readonly<Record<string, string>>> {
  const requirements = join(import.meta.dirname, "python-sdk", "requirements.txt");
  const purpose = "programs in Python";
  const files = await ensurePythonPackages(
    { name: "python-sdk", purpose, requirements, as: "files" },
    cacheDirectory,
    log,
  );
  return { PIP_NO_INDEX: "1", PIP_FIND_LINKS: files, PIP_DISABLE_PIP_VERSION_CHECK: "1" };
}
