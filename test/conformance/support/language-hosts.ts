import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { defaultCacheDirectory } from "../../../tools/cache-directory.ts";
import { describeStandIn, installStandIn } from "../../../tools/setup/language-host.ts";
import { askPluginVersion } from "../../../tools/setup/plugin-version.ts";
import { engineVersion } from "../../../tools/setup/versions.ts";
import { isNativeExecutable, unpackOfficialProgram } from "./programs.ts";

/** A program that keeps the contract of `pulumi-language-nodejs`. */
export interface LanguageHostProgram {
  readonly name: "stand-in" | "official program";
  readonly path: string;
}

const executable = "pulumi-language-nodejs";
const answerTimeoutMs = 20_000;

/** Both programs, or the stand-in alone where the official one cannot be had. */
export interface LanguageHosts {
  readonly programs: readonly LanguageHostProgram[];
  remove(): Promise<void>;
}

/**
 * Installs the stand-in as set-up does, and looks for the official program of the engine's version. That comes first, so
 * that expectations are seen to be its own.
 */
export async function findLanguageHosts(): Promise<LanguageHosts> {
  const directory = await mkdtemp(join(tmpdir(), "language-host-conformance-"));
  const folder = join(directory, "stand-in");
  await mkdir(folder);
  await installStandIn(folder, await describeStandIn());
  const standIn: LanguageHostProgram = { name: "stand-in", path: join(folder, executable) };
  const official = await findOfficialHost(directory);
  return {
    programs: official === undefined ? [standIn] : [{ name: "official program", path: official }, standIn],
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** In the folder of the engine that set-up fills, on PATH, or packed in the `shared` folder beside the checkout. */
async function findOfficialHost(directory: string): Promise<string | undefined> {
  const candidates = [
    join(defaultCacheDirectory(), `pulumi-${engineVersion}-linux-x64`, executable),
    ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, executable)),
  ];
  for (const path of candidates) {
    if ((await isNativeExecutable(path)) && (await isOfEngine(path))) return path;
  }
  return unpackOfficialProgram(executable, directory);
}

async function isOfEngine(path: string): Promise<boolean> {
  const version = await askPluginVersion(path, "language", answerTimeoutMs).catch(() => "");
  return version.replace(/^v/, "") === engineVersion;
}
