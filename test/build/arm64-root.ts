import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../../tools/build/run-tool.ts";

/** What the executable needs besides itself: the libraries of a minimal Debian 12 host. */
const packages = ["libc6", "libstdc++6", "libgcc-s1"];

/**
 * Resolves to a folder with the shared libraries of Debian 12 for arm64, for `qemu-aarch64-static -L`. It is made once,
 * from the Debian mirror that this machine itself uses, and kept in the cache.
 *
 * @throws Error that names the program or the step that failed
 */
export async function arm64Root(cacheDirectory: string): Promise<string> {
  const target = join(cacheDirectory, "debian-12-arm64");
  if (existsSync(target)) return target;
  await mkdir(cacheDirectory, { recursive: true });
  const work = await mkdtemp(join(cacheDirectory, ".debian-"));
  try {
    const made = join(work, "root");
    await runTool(
      "mmdebstrap",
      ["--variant=extract", "--architectures=arm64", `--include=${packages.join(",")}`, "bookworm", made],
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
