import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hashFile } from "./hash.ts";
import { runTool } from "./run-tool.ts";
import { step, type Log } from "./step.ts";

/** A package of the registry that holds binaries for one platform, which npm installs on no other. */
export interface RegistryPackage {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of its archive: `npm view NAME@VERSION dist.integrity`. */
  readonly integrity: string;
  /** What is taken out of it: path, and its SHA-256 where the executable's own hash rests on it. */
  readonly files: Readonly<Record<string, string | undefined>>;
}

export interface ProvideOptions {
  /** Root of the project, whose `node_modules` may hold the package. */
  readonly root: string;
  readonly cacheDirectory: string;
  readonly log: Log;
}

/**
 * Resolves to a folder with the package's files: the one in `node_modules`, else the one in the user's cache, else a fresh one from
 * the package registry. Their bytes are checked against the pinned hashes each time.
 *
 * @throws Error that says what is wrong and what to do
 */
export async function provideRegistryPackage(
  wanted: RegistryPackage,
  { root, cacheDirectory, log }: ProvideOptions,
): Promise<string> {
  const installed = join(root, "node_modules", wanted.name);
  if (await holds(installed, wanted)) return installed;
  const cached = join(cacheDirectory, `${wanted.name}-${wanted.version}`);
  if (await holds(cached, wanted)) return cached;
  await step(`fetch ${specifierOf(wanted)}`, log, () => fetchPackage(wanted, cached, cacheDirectory));
  return cached;
}

async function holds(directory: string, { files }: RegistryPackage): Promise<boolean> {
  for (const [file, sha256] of Object.entries(files)) {
    const path = join(directory, file);
    if ((await stat(path).catch(() => undefined)) === undefined) return false;
    if (sha256 !== undefined && (await hashFile(path, "sha256", "hex")) !== sha256) return false;
  }
  return true;
}

async function fetchPackage(wanted: RegistryPackage, target: string, cacheDirectory: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(cacheDirectory, ".fetch-"));
  try {
    const specifier = specifierOf(wanted);
    // npm names the archive of `@scope/name` so.
    const archiveName = `${wanted.name.replace(/^@/, "").replace("/", "-")}-${wanted.version}.tgz`;
    const archive = join(work, archiveName);
    try {
      await runTool("npm", ["pack", specifier, "--silent", "--pack-destination", work], {
        cwd: work,
        timeoutMs: 5 * 60_000,
      });
    } catch (error) {
      throw new Error(
        `${specifier} cannot be fetched from the package registry. ` +
          `Check the network and npm's registry setting; on a machine without one, unpack the archive that ` +
          `"npm pack ${specifier}" makes elsewhere, and put the contents of its folder "package" into ${target}.\n` +
          (error as Error).message,
        { cause: error },
      );
    }
    const integrity = `sha512-${await hashFile(archive, "sha512", "base64")}`;
    if (integrity !== wanted.integrity) {
      throw new Error(
        `the archive of ${specifier} that the package registry gave is not the expected one: ${integrity} instead of ` +
          `${wanted.integrity}. Nothing was built with it; look into npm's registry setting and its cache ("npm cache verify")`,
      );
    }
    const members = Object.keys(wanted.files).map((file) => `package/${file}`);
    await runTool("tar", ["-xzf", archive, ...members], { cwd: work, timeoutMs: 60_000 });
    await rm(target, { recursive: true, force: true });
    try {
      await rename(join(work, "package"), target);
    } catch (error) {
      // Another build may have been faster.
      if (!(await holds(target, wanted))) throw error;
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function specifierOf({ name, version }: RegistryPackage): string {
  return `${name}@${version}`;
}
