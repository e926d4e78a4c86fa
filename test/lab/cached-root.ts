import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { withFileLock } from "../../tools/setup/file-lock.ts";

/** Longest time that a root may take. */
export const rootTimeoutMs = 15 * 60_000;

export interface CachedRoot {
  /** What is being made, for people: "the image of the test hosts". */
  readonly what: string;
  /** Folder of all roots of this kind. */
  readonly directory: string;
  /** All that decides about the content. */
  readonly recipe: readonly string[];
  /** Fills the empty folder. */
  readonly make: (root: string) => Promise<void>;
  readonly log: (line: string) => void;
}

/** Resolves to a root folder that is made once and kept, and that nobody may write to. */
export async function ensureRoot({ what, directory, recipe, make, log }: CachedRoot): Promise<string> {
  const digest = createHash("sha256").update(recipe.join("\n")).digest("hex");
  const target = join(directory, digest.slice(0, 16));
  if (existsSync(target)) return target;
  const lock = {
    timeoutMs: rootTimeoutMs,
    onWait: () => log(`another run makes ${what}: waiting for it`),
  };
  await withFileLock(join(directory, ".lock"), lock, async () => {
    if (existsSync(target)) return;
    for (const entry of await readdir(directory)) {
      // Whoever began this did not live to end it: the lock is ours.
      if (entry.startsWith(".building-")) await rm(join(directory, entry), { recursive: true });
    }
    const begin = performance.now();
    log(`making ${what} (once, a minute or so)`);
    const work = await mkdtemp(join(directory, ".building-"));
    try {
      const root = join(work, "root");
      await mkdir(root);
      await make(root);
      await rename(root, target);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    log(`made ${what} (${((performance.now() - begin) / 1000).toFixed(0)} s)`);
  });
  return target;
}
