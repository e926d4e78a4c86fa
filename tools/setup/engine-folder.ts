import { constants, existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { writeFileAtomically } from "../../server/platform/atomic-file.ts";
import { step, type Log } from "../build/step.ts";
import { standInVersion } from "../language-host/version.ts";
import { withFileLock } from "./file-lock.ts";
import { buildGoCommand, type GoCommand } from "./go-build.ts";
import type { ProgramKind, ProgramVersions } from "./program-version.ts";
import { pythonStandIn } from "./python-language-host.ts";
import {
  describeStandIn,
  installStandIn,
  isStandInCurrent,
  type LanguageHostStandIn,
} from "./language-host.ts";
import { downloadRelease, engineRelease } from "./release.ts";
import { engineVersion, yamlLanguageVersion } from "./versions.ts";

/** A program that Pulumi wants in the same folder as the engine: there it is used without a warning. */
interface Program {
  readonly kind: ProgramKind;
  /** The version that is used. */
  readonly version: string;
  /** The way to build it; without it, the stand-in takes its place. */
  readonly build?: GoCommand;
  /** What is built tells another version than the official program: it is a stand-in. */
  readonly builtVersion?: string;
  /** A file without which it does not work, in the same folder. */
  readonly companion?: string;
}

const sdkVersion = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

const programs = {
  pulumi: {
    kind: "engine",
    version: engineVersion,
    build: {
      module: "engine",
      package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      variables: { [sdkVersion]: `v${engineVersion}` },
    },
  },
  "pulumi-language-nodejs": {
    kind: "language",
    version: engineVersion,
    // Of the Node.js language host the Go module proxies serve none that knows what the engine's programs ask for.
  },
  "pulumi-language-yaml": {
    kind: "language",
    version: yamlLanguageVersion,
    build: {
      module: "engine",
      package: "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
      variables: { "github.com/pulumi/pulumi-yaml/pkg/version.Version": `v${yamlLanguageVersion}` },
    },
  },
  "pulumi-language-python": {
    kind: "language",
    version: engineVersion,
    ...pythonStandIn,
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
  readonly origin: "copied" | "downloaded" | "built" | "stand-in";
  readonly bytes: number;
  /** Why it is the stand-in. */
  readonly reason?: string;
}
type Origins = Partial<Record<string, Origin>>;

export interface EngineFolder {
  readonly directory: string;
  /** What is in it and how it was had, for a person. */
  readonly description: string;
  readonly languageHost: LanguageHost;
}

/** The program that runs programs in Node.js: the official one, or the one of this repository that stands in for it. */
export interface LanguageHost {
  readonly kind: "official" | "stand-in";
  /** What it is, and why it is the stand-in, for a person. */
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
  /** @default the one of this checkout */
  readonly standIn?: LanguageHostStandIn;
}

/** The folder that set-up fills, and what it knows of it. */
interface OwnFolder {
  readonly directory: string;
  readonly origins: Origins;
  readonly standIn: LanguageHostStandIn;
}

/**
 * Provides a folder with the engine and the wanted language hosts: one that is installed already, else our own in the
 * user's cache, filled with what is installed, from the official download or built from Go modules, in this order. The
 * language host of Node.js, which cannot be built, has a stand-in.
 *
 * @throws Error that names what could not be had, each way that was tried, and the way out
 */
export async function provideEngineFolder(options: EngineOptions): Promise<EngineFolder> {
  const directory = join(options.cacheDirectory, `pulumi-${engineVersion}-linux-x64`);
  const installed = await findInstalledFolder(options, directory);
  if (installed !== undefined) {
    return {
      directory: installed,
      description: `Pulumi ${engineVersion} in ${installed}`,
      languageHost: { kind: "official", description: `the official ${engineVersion} in ${installed}` },
    };
  }
  const standIn = options.standIn ?? (await describeStandIn());
  const read = async (): Promise<OwnFolder> => ({
    directory,
    standIn,
    origins: await readOrigins(directory),
  });
  let own = await read();
  if (!(await isComplete(own, options.wanted))) {
    await mkdir(directory, { recursive: true });
    const onWait = () => options.log("another set-up is at work, waiting for it");
    await withFileLock(`${directory}.lock`, { timeoutMs: lockTimeoutMs, onWait }, async () => {
      own = await read();
      await fill(own, options);
    });
  }
  const { origins } = own;
  return {
    directory,
    description: options.wanted
      .filter((name) => name !== "pulumi-language-nodejs")
      .map((name) => `${name} ${origins[name]?.version} (${origins[name]?.origin})`)
      .join(", "),
    languageHost: describeLanguageHost(origins["pulumi-language-nodejs"]),
  };
}

function describeLanguageHost(origin: Origin | undefined): LanguageHost {
  if (origin?.origin !== "stand-in") {
    return { kind: "official", description: `the official ${origin?.version}, ${origin?.origin}` };
  }
  return { kind: "stand-in", description: `the stand-in of this repository, because ${origin.reason}` };
}

/**
 * The programs of an engine's own folder fit together, as whoever installed it saw to. That the language host is the
 * engine's own is looked at all the same: the folder may be one of an earlier set-up, which built an old one.
 */
async function findInstalledFolder(options: EngineOptions, own: string): Promise<string | undefined> {
  const folders = searchFolders(options.environment);
  folders.push(join(options.environment["HOME"] ?? homedir(), ".pulumi", "bin"));
  const companions = options.wanted.flatMap((name) => companionOf(name) ?? []);
  const needed = [...options.wanted, ...companions, dynamicProviderLauncher.name];
  const isRight = async (directory: string, name: ProgramName) =>
    (await options.versions.of(join(directory, name), programs[name].kind)) === programs[name].version;
  for (const folder of folders) {
    const engine = join(folder, "pulumi");
    if (!existsSync(engine)) continue;
    const directory = join(await realpath(engine), "..");
    if (directory === own || !needed.every((name) => existsSync(join(directory, name)))) continue;
    if (!(await isRight(directory, "pulumi"))) continue;
    if (!options.wanted.includes("pulumi-language-nodejs")) return directory;
    if (await isRight(directory, "pulumi-language-nodejs")) return directory;
  }
  return undefined;
}

function searchFolders(environment: NodeJS.ProcessEnv): string[] {
  return (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
}

async function isComplete(own: OwnFolder, wanted: readonly ProgramName[]): Promise<boolean> {
  const missing = await findMissing(own, wanted);
  return missing.length === 0 && existsSync(join(own.directory, dynamicProviderLauncher.name));
}

async function findMissing(own: OwnFolder, wanted: readonly ProgramName[]): Promise<ProgramName[]> {
  const present = await Promise.all(wanted.map((name) => isPresent(own, name)));
  return wanted.filter((_name, index) => !present[index]);
}

/** Whether a program is there as set-up put it there, and is what this set-up would put there. */
async function isPresent({ directory, origins, standIn }: OwnFolder, name: ProgramName): Promise<boolean> {
  const origin = origins[name];
  const entry = await stat(join(directory, name)).catch(() => undefined);
  if (origin === undefined || entry === undefined) return false;
  if (entry.size !== origin.bytes || (entry.mode & 0o100) === 0) return false;
  if (origin.origin === "stand-in") return isStandInCurrent(directory, standIn);
  const companion = companionOf(name);
  if (companion !== undefined && !existsSync(join(directory, companion))) return false;
  const { version, builtVersion = version }: Program = programs[name];
  return (
    origin.origin === "downloaded" || origin.version === (origin.origin === "built" ? builtVersion : version)
  );
}

/** Whether what is there, or was, takes the place of the official program. */
function isStandIn(name: ProgramName, origin: Origin | undefined): boolean {
  const { builtVersion }: Program = programs[name];
  return origin?.origin === "stand-in" || (origin?.origin === "built" && builtVersion !== undefined);
}

function companionOf(name: ProgramName): string | undefined {
  const { companion }: Program = programs[name];
  return companion;
}

async function fill(own: OwnFolder, options: EngineOptions): Promise<void> {
  const { log, download = downloadRelease, build: buildCommand = buildGoCommand } = options;
  const { directory, origins, standIn } = own;
  const work = await mkdtemp(join(directory, ".work-"));
  const reasons: string[] = [];
  const missing = () => findMissing(own, options.wanted);
  const record = async (name: string, origin: Origin) => {
    origins[name] = origin;
    const text = JSON.stringify(origins, undefined, 1);
    await writeFileAtomically(join(directory, "origins.json"), text, { mode: 0o644 });
  };
  const place = async (source: string, name: ProgramName, version: string, origin: Origin["origin"]) => {
    const companion = companionOf(name);
    if (companion !== undefined) {
      const beside = join(source, "..", companion);
      await chmod(beside, 0o755);
      await rename(beside, join(directory, companion));
    }
    await chmod(source, 0o755);
    const { size: bytes } = await stat(source);
    await rename(source, join(directory, name));
    await record(name, { version, origin, bytes });
  };
  try {
    for (const name of await missing()) {
      const found = await findInstalledProgram(name, directory, options);
      if (found === undefined) continue;
      await step(`copy ${name} from ${found}`, log, async () => {
        await copyFile(found, join(work, name), constants.COPYFILE_FICLONE);
        const companion = companionOf(name);
        if (companion !== undefined) await copyFile(join(found, "..", companion), join(work, companion));
        await place(join(work, name), name, programs[name].version, "copied");
      });
    }
    // For a stand-in that has only become old, what was in the way of the official program is not tried again.
    if ((await missing()).some((name) => !isStandIn(name, origins[name]))) {
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
      const { version, build, builtVersion = version }: Program = programs[name];
      if (build === undefined) {
        await step(`bundle the stand-in of ${name}`, log, async () => {
          const bytes = await installStandIn(directory, standIn);
          const reason = origins[name]?.reason ?? describeUnavailability(version, reasons);
          await record(name, { version: standInVersion, origin: "stand-in", bytes, reason });
        });
        continue;
      }
      try {
        if (name === "pulumi") log("building the engine from its Go modules; this takes some minutes, once");
        await step(`build ${name} ${builtVersion}`, log, () => buildCommand(build, join(work, name), log));
        await place(join(work, name), name, builtVersion, "built");
      } catch (error) {
        reasons.push((error as Error).message);
        throw new Error(describeFailure(name, reasons), { cause: error });
      }
    }
    await writeFileAtomically(join(directory, dynamicProviderLauncher.name), dynamicProviderLauncher.text, {
      mode: 0o755,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function describeUnavailability(version: string, reasons: readonly string[]): string {
  const reason = reasons.map((text) => text.replace(/^download [^:]*: /, "")).join("; ");
  return `the official ${version} is not installed and could not be downloaded (${reason || "it is not in the archive"})`;
}

/** On PATH, or left in our own folder by somebody else. */
async function findInstalledProgram(
  name: ProgramName,
  own: string,
  options: EngineOptions,
): Promise<string | undefined> {
  const { kind, version } = programs[name];
  for (const folder of [...searchFolders(options.environment), own]) {
    const path = join(folder, name);
    if (!existsSync(path) || (await options.versions.of(path, kind)) !== version) continue;
    const program = await realpath(path);
    const companion = companionOf(name);
    if (companion === undefined || existsSync(join(program, "..", companion))) return program;
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
