import { constants, existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { writeFileAtomically } from "../../server/atomic-file.ts";
import { step, type Log } from "../build/step.ts";
import { withFileLock } from "./file-lock.ts";
import { buildGoCommand, type GoCommand } from "./go-build.ts";
import type { ProgramKind, ProgramVersions } from "./program-version.ts";
import { downloadRelease, engineRelease } from "./release.ts";
import { builtLanguageHostVersion, engineVersion, yamlLanguageVersion } from "./versions.ts";

/** A program that Pulumi wants in the same folder as the engine: there it is used without a warning. */
interface Program {
  readonly kind: ProgramKind;
  /** Version that is used where somebody else installed it. */
  readonly version: string;
  /** The way to build it, and the version that this gives. */
  readonly build: GoCommand & { readonly version: string };
}

const sdkVersion = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

const programs = {
  pulumi: {
    kind: "engine",
    version: engineVersion,
    build: {
      version: engineVersion,
      module: "engine",
      package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      variables: { [sdkVersion]: `v${engineVersion}` },
    },
  },
  "pulumi-language-nodejs": {
    kind: "language",
    version: engineVersion,
    build: {
      version: builtLanguageHostVersion,
      module: "language-nodejs",
      package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
      variables: { [sdkVersion]: `v${builtLanguageHostVersion}` },
    },
  },
  "pulumi-language-yaml": {
    kind: "language",
    version: yamlLanguageVersion,
    build: {
      version: yamlLanguageVersion,
      module: "engine",
      package: "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
      variables: { "github.com/pulumi/pulumi-yaml/pkg/version.Version": `v${yamlLanguageVersion}` },
    },
  },
} as const satisfies Record<string, Program>;

/** Programs of the engine's folder that set-up can provide. */
export type ProgramName = keyof typeof programs;

/** Starts what dynamic providers need, from the node modules of the program that Pulumi runs. */
const dynamicProviderLauncher = {
  name: "pulumi-resource-pulumi-nodejs",
  text: `#!/bin/sh\nexec node "$(node -p "require.resolve('@pulumi/pulumi/cmd/dynamic-provider')")" "$@"\n`,
};

const lockTimeoutMs = 45 * 60_000;

/** Where a program of our own folder came from; what it was then is what it must be now. */
interface Origin {
  readonly version: string;
  readonly origin: "copied" | "downloaded" | "built";
  readonly bytes: number;
}
type Origins = Partial<Record<string, Origin>>;

export interface EngineFolder {
  readonly directory: string;
  /** What is in it and how it was had, for a person. */
  readonly description: string;
}

export interface EngineOptions {
  readonly wanted: readonly ProgramName[];
  readonly cacheDirectory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly versions: ProgramVersions;
  readonly log: Log;
  /** @default {@link downloadRelease} */
  readonly download?: typeof downloadRelease;
  /** @default {@link buildGoCommand} */
  readonly build?: typeof buildGoCommand;
}

/**
 * Provides a folder with the engine and the wanted language hosts: one that is installed already, else our own in the
 * user's cache, filled with what is installed, from the official download or built from Go modules, in this order.
 *
 * @throws Error that names what could not be had, each way that was tried, and the way out
 */
export async function provideEngineFolder(options: EngineOptions): Promise<EngineFolder> {
  const own = join(options.cacheDirectory, `pulumi-${engineVersion}-linux-x64`);
  const installed = await findInstalledFolder(options, own);
  if (installed !== undefined) {
    return { directory: installed, description: `Pulumi ${engineVersion} in ${installed}` };
  }
  let origins = await readOrigins(own);
  if (!(await isComplete(own, origins, options.wanted))) {
    await mkdir(own, { recursive: true });
    const onWait = () => options.log("another set-up is at work, waiting for it");
    await withFileLock(`${own}.lock`, { timeoutMs: lockTimeoutMs, onWait }, async () => {
      origins = await readOrigins(own);
      await fill(own, origins, options);
    });
  }
  const description = ["pulumi", ...options.wanted.filter((name) => name !== "pulumi")]
    .map((name) => `${name} ${origins[name]?.version} (${origins[name]?.origin})`)
    .join(", ");
  return { directory: own, description };
}

/** An engine's own folder counts as a whole, as it does for the engine: whoever installed it, installed what fits. */
async function findInstalledFolder(options: EngineOptions, own: string): Promise<string | undefined> {
  const folders = searchFolders(options.environment);
  folders.push(join(options.environment["HOME"] ?? homedir(), ".pulumi", "bin"));
  const needed = [...options.wanted, dynamicProviderLauncher.name];
  for (const folder of folders) {
    const engine = join(folder, "pulumi");
    if (!existsSync(engine)) continue;
    const directory = join(await realpath(engine), "..");
    if (directory === own || !needed.every((name) => existsSync(join(directory, name)))) continue;
    if ((await options.versions.of(join(directory, "pulumi"), "engine")) === engineVersion) return directory;
  }
  return undefined;
}

function searchFolders(environment: NodeJS.ProcessEnv): string[] {
  return (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
}

async function isComplete(own: string, origins: Origins, wanted: readonly string[]): Promise<boolean> {
  const missing = await findMissing(own, origins, wanted);
  return missing.length === 0 && existsSync(join(own, dynamicProviderLauncher.name));
}

async function findMissing<Name extends string>(
  own: string,
  origins: Origins,
  wanted: readonly Name[],
): Promise<Name[]> {
  const present = await Promise.all(
    wanted.map((name) =>
      stat(join(own, name)).then(
        (entry) => entry.size === origins[name]?.bytes && (entry.mode & 0o100) !== 0,
        () => false,
      ),
    ),
  );
  return wanted.filter((_name, index) => !present[index]);
}

async function fill(own: string, origins: Origins, options: EngineOptions): Promise<void> {
  const { log, download = downloadRelease, build: buildCommand = buildGoCommand } = options;
  const work = await mkdtemp(join(own, ".work-"));
  const reasons: string[] = [];
  const missing = () => findMissing(own, origins, options.wanted);
  const place = async (source: string, name: string, version: string, origin: Origin["origin"]) => {
    await chmod(source, 0o755);
    const { size: bytes } = await stat(source);
    await rename(source, join(own, name));
    origins[name] = { version, origin, bytes };
    await writeFileAtomically(join(own, "origins.json"), JSON.stringify(origins, undefined, 1), {
      mode: 0o644,
    });
  };
  try {
    for (const name of await missing()) {
      const found = await findInstalledProgram(name, options);
      if (found === undefined) continue;
      await step(`copy ${name} from ${found}`, log, async () => {
        await copyFile(found, join(work, name), constants.COPYFILE_FICLONE);
        await place(join(work, name), name, programs[name].version, "copied");
      });
    }
    if ((await missing()).length > 0) {
      try {
        await step(`download ${engineRelease.title}`, log, () => download(engineRelease, work));
        for (const name of Object.keys(programs) as ProgramName[]) {
          const file = join(work, "pulumi", name);
          if (existsSync(file)) await place(file, name, engineVersion, "downloaded");
        }
      } catch (error) {
        log((error as Error).message);
        reasons.push((error as Error).message);
      }
    }
    for (const name of await missing()) {
      const { build } = programs[name];
      try {
        if (name === "pulumi") log("building the engine from its Go modules; this takes some minutes, once");
        await step(`build ${name} ${build.version}`, log, () => buildCommand(build, join(work, name), log));
        await place(join(work, name), name, build.version, "built");
      } catch (error) {
        reasons.push((error as Error).message);
        throw new Error(describeFailure(name, reasons), { cause: error });
      }
    }
    await writeFileAtomically(join(own, dynamicProviderLauncher.name), dynamicProviderLauncher.text, {
      mode: 0o755,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function findInstalledProgram(name: ProgramName, options: EngineOptions): Promise<string | undefined> {
  const { kind, version } = programs[name];
  for (const folder of searchFolders(options.environment)) {
    const path = join(folder, name);
    if (existsSync(path) && (await options.versions.of(path, kind)) === version) return realpath(path);
  }
  return undefined;
}

function describeFailure(name: ProgramName, reasons: readonly string[]): string {
  return (
    `${name} ${programs[name].version} is not on PATH, and there was no other way to get it:\n` +
    reasons.map((reason) => `  - ${reason.replaceAll("\n", "\n    ")}\n`).join("") +
    `Way out: install Pulumi ${engineVersion} so that "pulumi" is on PATH ` +
    `(https://www.pulumi.com/docs/install/versions/), or Go 1.25 or later with access to Go modules, ` +
    `then run the same command again; what was done already is kept`
  );
}

async function readOrigins(own: string): Promise<Origins> {
  try {
    return JSON.parse(await readFile(join(own, "origins.json"), "utf8")) as Origins;
  } catch {
    return {};
  }
}
