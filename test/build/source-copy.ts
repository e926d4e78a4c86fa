import { cp, mkdir, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";

/** What the build is made of, besides `node_modules`. */
const sources = [
  "components",
  "policy",
  "server",
  "tools/build",
  "tools/cache-directory.ts",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];

/** Puts a copy of the project's sources into a folder, as a checkout elsewhere and at another time would. */
export async function copySources(root: string, target: string): Promise<void> {
  for (const path of sources) {
    await mkdir(join(target, path, ".."), { recursive: true });
    await cp(join(root, path), join(target, path), { recursive: true });
    await utimes(join(target, path), 1_000_000_000, 1_000_000_000);
  }
  await symlink(join(root, "node_modules"), join(target, "node_modules"));
}
