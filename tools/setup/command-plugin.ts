import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, open, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { writeFileAtomically } from "../../server/platform/atomic-file.ts";
import { step, type Log } from "../build/step.ts";
import type { ProgramVersions } from "./program-version.ts";
import { commandPluginRelease, downloadRelease } from "./release.ts";
import { quoteForShell } from "./shell-word.ts";
import { commandPluginVersion } from "./versions.ts";

/** The program behind `@pulumi/command`: the official one, or the one of this repository that keeps its contract. */
export interface CommandPlugin {
  readonly kind: "official" | "stand-in";
  readonly path: string;
  /** What it is, and why it is the stand-in, for a person. */
  readonly description: string;
}

export interface CommandPluginOptions {
  /** Root of this checkout. */
  readonly root: string;
  /** Pulumi's home that the plugin is put into. */
  readonly pulumiHome: string;
  readonly cacheDirectory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly versions: ProgramVersions;
  readonly log: Log;
  /** @default {@link downloadRelease} */
  readonly download?: typeof downloadRelease;
}

const program = "pulumi-resource-command";
const folder = `resource-command-v${commandPluginVersion}`;
/** A machine that could not download it is not made to wait on each run. */
const retryDownloadAfterMs = 24 * 60 * 60_000;
const standInEntry = "tools/command-plugin/main.ts";

/** Finds or downloads the plugin, else takes the stand-in, and puts it where the engine looks. */
export async function provideCommandPlugin(options: CommandPluginOptions): Promise<CommandPlugin> {
  const plugin = await choose(options);
  await install(plugin, options);
  return plugin;
}

async function choose(options: CommandPluginOptions): Promise<CommandPlugin> {
  const found = await findOfficial(options);
  if (found !== undefined) {
    return { kind: "official", path: found, description: `the official ${commandPluginVersion} in ${found}` };
  }
  const own = join(options.cacheDirectory, `command-plugin-${commandPluginVersion}-linux-x64`);
  const path = join(own, program);
  const official = {
    kind: "official",
    path,
    description: `the official ${commandPluginVersion}, downloaded`,
  } as const;
  if (existsSync(path)) return official;
  const problem = await tryDownload(own, options);
  if (problem === undefined) return official;
  return {
    kind: "stand-in",
    path: join(options.root, standInEntry),
    description:
      `the stand-in of this repository, because the official ${commandPluginVersion} is not installed and could not ` +
      `be downloaded (${problem})`,
  };
}

/** In Pulumi's plugin folders by the folder's name, as the engine judges; on PATH by the version that it tells. */
async function findOfficial(options: CommandPluginOptions): Promise<string | undefined> {
  const { environment } = options;
  for (const home of [environment["PULUMI_HOME"], join(environment["HOME"] ?? homedir(), ".pulumi")]) {
    const path = home && join(home, "plugins", folder, program);
    if (path && existsSync(path) && !(await isStandIn(path))) return path;
  }
  for (const directory of (environment["PATH"] ?? "").split(delimiter)) {
    const path = join(directory, program);
    if (!directory.startsWith("/") || !existsSync(path) || (await isStandIn(path))) continue;
    if ((await options.versions.of(path, "resource")) === commandPluginVersion) return path;
  }
  return undefined;
}

/** The launcher of a checkout's stand-in must not pass for the official program in another set-up. */
async function isStandIn(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.toString("latin1", 0, bytesRead).includes(standInEntry);
  } finally {
    await file.close();
  }
}

/** Resolves to what was in the way, or to `undefined` when the program is there now. */
async function tryDownload(own: string, options: CommandPluginOptions): Promise<string | undefined> {
  const { download = downloadRelease } = options;
  const failureFile = `${own}.unavailable.json`;
  const failure = await readFailure(failureFile);
  if (failure !== undefined && Date.now() - Date.parse(failure.at) < retryDownloadAfterMs)
    return failure.reason;
  await mkdir(own, { recursive: true });
  const work = await mkdtemp(join(own, ".work-"));
  try {
    await step(`download ${commandPluginRelease.title}`, options.log, () =>
      download(commandPluginRelease, work),
    );
    await chmod(join(work, program), 0o755);
    await rename(join(work, program), join(own, program));
    await rm(failureFile, { force: true });
    return undefined;
  } catch (error) {
    const reason = (error as Error).message.replace(/^download [^:]*: /, "");
    const text = JSON.stringify({ at: new Date().toISOString(), reason });
    await writeFileAtomically(failureFile, text, { mode: 0o644 });
    return reason;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function readFailure(file: string): Promise<{ at: string; reason: string } | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as { at: string; reason: string };
  } catch {
    return undefined;
  }
}

async function install(plugin: CommandPlugin, options: CommandPluginOptions): Promise<void> {
  const directory = join(options.pulumiHome, "plugins", folder);
  await mkdir(directory, { recursive: true });
  const target = join(directory, program);
  if (plugin.kind === "stand-in") {
    const node = join(options.root, "node_modules", ".bin", "node");
    const text = `#!/bin/sh\nexec ${quoteForShell(node)} ${quoteForShell(plugin.path)} "$@"\n`;
    const current = await readFile(target, "utf8").catch(() => undefined);
    if (current !== text) await writeFileAtomically(target, text, { mode: 0o755 });
    return;
  }
  if ((await readlink(target).catch(() => undefined)) === plugin.path) return;
  const temporary = `${target}.${process.pid}.new`;
  await rm(temporary, { force: true });
  await symlink(plugin.path, temporary);
  await rename(temporary, target);
}
