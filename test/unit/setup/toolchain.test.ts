import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensureToolchain } from "../../../tools/setup/toolchain.ts";

test("a cache that cannot be written to is named first, with the way out", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "toolchain-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "file"), "");
  const cacheDirectory = join(folder, "file", "cache");
  await assert.rejects(
    ensureToolchain({ cacheDirectory, pulumiHome: join(folder, "home"), log: () => {} }),
    new RegExp(`kept in ${cacheDirectory}, which cannot be written to: ENOTDIR.*set XDG_CACHE_HOME`),
  );
});
