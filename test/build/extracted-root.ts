import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../../tools/build/run-tool.ts";

/** What the executable needs besides itself: the libraries of a minimal Debian 12 host. */
export const librariesOfServer = ["libc6", "libstdc++6", "libgcc-s1"] as const;

/**
 * Resolves to a folder with the files of packages of Debian 12, and of those that they depend on. It is made once, from the Debian mirror
 * that this machine itself uses, and kept in the cache.
 *
 * @param name of the folder
 * @throws Error that names the program or the step that failed
 */
export async function extractedRoot(
  cacheDirectory: string,
  name: string,
  options: { readonly architecture: string; readonly packages: readonly string[] },
): Promise<string> {
  const target = join(cacheDirectory, name);
  if (existsSync(target)) return target;
  await mkdir(cacheDirectory, { recursive: true });
  const work = await mkdtemp(join(cacheDirectory, ".debian-"));
  try {
    const made = join(work, "root");
    const { architecture, packages } = options;
    await runTool(
      "mmdebstrap",
      [
        ...["--variant=extract", `--architectures=${architecture}`, `--include=${packages.join(",")}`],
        ...["bookworm", made],
      ],
      { cwd: work, timeoutMs: 5 * 60_000 },
    );
    try {
      await rename(made, target);
    } catch (error) {
      // Another test run may have been faster.
      if (!existsSync(target)) throw error;
    }
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
