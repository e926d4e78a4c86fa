import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { defaultCacheDirectory } from "../cache-directory.ts";
import type { Log } from "../build/step.ts";
import { provideCommandPlugin, type CommandPlugin } from "./command-plugin.ts";
import { provideEngineFolder, type LanguageHost } from "./engine-folder.ts";
import { ProgramVersions } from "./program-version.ts";

/** What is needed to run Pulumi, in the versions that work together. */
export interface Toolchain {
  /** Path of the engine's executable. */
  readonly pulumi: string;
  /** Folders that come first in PATH. */
  readonly folders: readonly string[];
  /** Variables to add to the environment of every run of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly languageHost: LanguageHost;
  readonly commandPlugin: CommandPlugin;
}

export interface ToolchainOptions {
  /**
   * Whether programs in YAML are to run too.
   * @default false
   */
  readonly yaml?: boolean;
  /**
   * Whether programs in Python are to run too.
   * @default false
   */
  readonly python?: boolean;
  /**
   * Pulumi's home: plugins, and what Pulumi remembers of its projects.
   * @default a folder of this checkout's node_modules
   */
  readonly pulumiHome?: string;
  /** @default the user's cache, `pulumi-vpnserver` in XDG_CACHE_HOME or ~/.cache */
  readonly cacheDirectory?: string;
  /** @default that of this process */
  readonly environment?: NodeJS.ProcessEnv;
  /**
   * Takes the lines about progress.
   * @default to standard error
   */
  readonly log?: Log;
}

const root = join(import.meta.dirname, "..", "..");

/**
 * Provides engine, language hosts and command plugin: what is there in the right version is used, what is missing is
 * downloaded, or built. Safe to call again, and from several processes at once; takes some milliseconds when all is there.
 *
 * @throws Error that names what could not be had and the way out
 */
export async function ensureToolchain(options: ToolchainOptions = {}): Promise<Toolchain> {
  const {
    yaml = false,
    python = false,
    pulumiHome = join(root, "node_modules", ".cache", "pulumi-vpnserver", "pulumi-home"),
    environment = process.env,
    cacheDirectory = defaultCacheDirectory(environment),
    log = (line) => console.error(`setup: ${line}`),
  } = options;
  const begin = performance.now();
  await makeCache(cacheDirectory);
  const versions = new ProgramVersions(cacheDirectory);
  const shared = { cacheDirectory, environment, versions, log };
  const engine = await provideEngineFolder({
    ...shared,
    wanted: [
      "pulumi",
      "pulumi-language-nodejs",
      ...(yaml ? (["pulumi-language-yaml"] as const) : []),
      ...(python ? (["pulumi-language-python"] as const) : []),
    ],
  });
  const commandPlugin = await provideCommandPlugin({ ...shared, root, pulumiHome });
  log(engine.description);
  log(`language host: ${engine.languageHost.description}`);
  log(`command plugin: ${commandPlugin.description}`);
  log(`toolchain ready after ${((performance.now() - begin) / 1000).toFixed(2)} s`);
  const folders = [engine.directory, join(root, "node_modules", ".bin")];
  return {
    pulumi: join(engine.directory, "pulumi"),
    folders,
    env: {
      PATH: [...folders, environment["PATH"] ?? ""].join(":"),
      PULUMI_HOME: pulumiHome,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      // Plugins come from the folders above: another one that happens to be on PATH would win, with a warning.
      PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    },
    languageHost: engine.languageHost,
    commandPlugin,
  };
}

async function makeCache(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK);
  } catch (error) {
    throw new Error(
      `programs are kept in ${directory}, which cannot be written to: ${(error as Error).message}. ` +
        "Way out: set XDG_CACHE_HOME to a folder that you may write to",
      { cause: error },
    );
  }
}
