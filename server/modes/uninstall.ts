import { readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeServerConfig } from "../config/config-file.ts";
import { ServerError } from "../errors.ts";
import { closeFirewall } from "../firewall/firewall.ts";
import type { RunProgram } from "../run-program.ts";
import { removeIfEmpty } from "./folders.ts";
import { removeLock, whileLocked } from "./install-lock.ts";
import { defaultPrefix, defaultStateDirectory, layoutOf, type Layout } from "./layout.ts";
import { readManifest, writeManifest, type Manifest } from "./manifest.ts";
import type { Mode } from "./mode-choice.ts";
import type { ModeRunner } from "./mode-runner.ts";
import { ReleaseStore } from "./releases.ts";
import { runnerOf, statePathsOf } from "./runner.ts";
import { removeImportRecord } from "./takeover/record.ts";

export interface UninstallOptions {
  readonly prefix: string;
  /** Take the state directory away too. */
  readonly purge: boolean;
  readonly run: RunProgram;
  /** Told what is being done. */
  readonly note: (message: string) => void;
}

export interface UninstallResult {
  readonly mode: Mode;
  readonly prefix: string;
  readonly stateDirectory: string;
  /** Places that still hold something, such as the state directory. */
  readonly kept: readonly string[];
}

/**
 * Takes away exactly what was put on this host, also if a part of that is gone already.
 *
 * @throws {ServerError} NOT_INSTALLED when nothing was put there, or what could not be taken away
 */
export async function uninstall(options: UninstallOptions): Promise<UninstallResult> {
  const layout = layoutOf(options.prefix);
  if ((await readManifest(layout)) === undefined) throw notInstalled(layout);
  return whileLocked(layout, async () => {
    const manifest = await readManifest(layout);
    if (manifest === undefined) throw notInstalled(layout);
    const runner = runnerOf({ layout, manifest, run: options.run });
    return removeInstallation({ ...options, layout, manifest, runner });
  });
}

export interface RemovalOptions extends Omit<UninstallOptions, "prefix"> {
  readonly layout: Layout;
  readonly manifest: Manifest;
  readonly runner: ModeRunner;
}

/** {@link uninstall} for the holder of the lock. */
export async function removeInstallation(options: RemovalOptions): Promise<UninstallResult> {
  const { layout, manifest, runner, run, note, purge } = options;
  const { mode, stateDirectory } = manifest;
  note(`taking the server away from ${layout.prefix}`);
  await runner.stop();
  await runner.unregister();
  if (manifest.firewall.ports.length > 0) {
    await closeFirewall(manifest.firewall.ports, run);
    await writeManifest(layout, { ...manifest, firewall: { open: manifest.firewall.open, ports: [] } });
  }
  for (const link of manifest.links) {
    if ((await readlink(link).catch(() => undefined)) === layout.executable) await rm(link, { force: true });
  }
  await new ReleaseStore(layout, { mode: 0o700 }).remove();
  if (purge) await removeState(layout, manifest);
  // Last, so that a removal that broke off can be taken up again.
  await rm(layout.manifest, { force: true });
  await removeLock(layout);
  const folders = [...manifest.folders].reverse();
  // Left by a former removal that kept the state in it.
  if (layout.prefix === defaultPrefix(mode)) folders.push(layout.prefix);
  for (const folder of folders) await removeIfEmpty(folder);
  const kept = await placesThatStay(layout.prefix, stateDirectory);
  return { mode, prefix: layout.prefix, stateDirectory, kept };
}

/** The state directory as a whole where it was made for the server, else what the server puts into one. */
async function removeState(layout: Layout, { mode, stateDirectory, folders }: Manifest): Promise<void> {
  const isOwn =
    folders.includes(stateDirectory) || stateDirectory === defaultStateDirectory(mode, layout.prefix);
  if (isOwn) {
    await rm(stateDirectory, { recursive: true, force: true });
    return;
  }
  const { configFile, ...paths } = statePathsOf(stateDirectory);
  const { adminAddressFile, certificateFile, keyFile, logDirectory, runDirectory } = paths;
  await removeServerConfig({ configFile });
  await removeImportRecord({ stateDirectory });
  for (const path of [adminAddressFile, certificateFile, keyFile, logDirectory, runDirectory]) {
    await rm(path, { recursive: true, force: true });
  }
}

/** The state directory, and the installation's folder where it holds something else. */
async function placesThatStay(prefix: string, stateDirectory: string): Promise<string[]> {
  const state = (await names(stateDirectory)) === undefined ? [] : [stateDirectory];
  const others = (await names(prefix))?.filter((name) => !isIn(stateDirectory, join(prefix, name))) ?? [];
  return others.length === 0 ? state : [...state, prefix];
}

async function names(folder: string): Promise<string[] | undefined> {
  return readdir(folder).catch(() => undefined);
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function notInstalled({ prefix, manifest }: Layout): ServerError {
  return new ServerError(
    "NOT_INSTALLED",
    `nothing is installed in ${prefix} (there is no ${manifest}); name the folder of the installation with --prefix`,
  );
}
