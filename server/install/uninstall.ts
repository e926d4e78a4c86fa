import { readdir, readlink, rm } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { closeFirewall } from "../firewall/firewall.ts";
import { Forwarding } from "../host-nat/forwarding.ts";
import { kernelNetworks } from "../platform/ipv4-forwarding.ts";
import { checkTrustedFolder } from "../platform/trusted-folder.ts";
import type { RunProgram } from "../platform/run-program.ts";
import { removeIfEmpty } from "./folders.ts";
import { removeLock, whileLocked } from "./install-lock.ts";
import { defaultPrefix, defaultStateDirectory, layoutOf, type Layout } from "./layout.ts";
import { removeWhenEnded } from "./left-programs.ts";
import { readManifest, type Manifest } from "./manifest.ts";
import type { InitSystem } from "../init/init-system.ts";
import type { UninstallResult } from "../contract/uninstall-result.ts";
import { ReleaseStore } from "./releases.ts";
import { allInitSystemsOf, initSystemOf } from "../init/init-systems.ts";
import { statePathsOf } from "../state-paths.ts";
import { defaultStateDirectories, isStateDirectory, removeState, whileUnused } from "./state-directory.ts";

export interface UninstallOptions {
  readonly prefix: string;
  /** Where the state is, for the removal of one that a former uninstall kept; the mode's own place when left out. */
  readonly stateDirectory?: string | undefined;
  /** Take the state directory away too. */
  readonly purge: boolean;
  /** Id of the deployment that takes it away: what is another's by now stays. */
  readonly ownerId?: string | undefined;
  readonly run: RunProgram;
  /** Told what is being done. */
  readonly note: (message: string) => void;
}

/**
 * Takes away exactly what was put on this host, also if a part of that is gone already. Where nothing is installed, `purge`
 * takes away the state that a former removal kept.
 *
 * @throws {ServerError} NOT_INSTALLED when nothing is there, or what could not be taken away
 */
export async function uninstall(options: UninstallOptions): Promise<UninstallResult> {
  const layout = layoutOf(options.prefix);
  // What stands there says what is removed.
  checkTrustedFolder(options.prefix, "folder of the installation", "--prefix");
  const found = await readManifest(layout);
  if (found === undefined) return purgeLeftState(options, layout);
  const result = await whileLocked(layout, async () => {
    const manifest = await readManifest(layout);
    if (manifest === undefined) throw notInstalled(layout);
    const { owner, mode, stateDirectory } = manifest;
    if (options.ownerId !== undefined && owner !== undefined && owner.id !== options.ownerId) {
      return { removed: false, mode, prefix: layout.prefix, stateDirectory, owner, kept: [] };
    }
    if (options.stateDirectory !== undefined && options.stateDirectory !== stateDirectory) {
      throw new ServerError(
        "USAGE",
        `the state of the installation in ${layout.prefix} is in ${stateDirectory}, and not in ${options.stateDirectory}: leave --state-dir out`,
      );
    }
    const initSystem = initSystemOf(
      { paths: statePathsOf(stateDirectory), executable: layout.executable, run: options.run },
      { atBoot: mode === "service" },
    );
    return removeInstallation({ ...options, layout, manifest, initSystem });
  });
  if (process.platform === "win32" && result.removed) await removeRest(layout, found);
  return result;
}

/** What Windows keeps while the lock is held, and while this very program runs. */
async function removeRest(layout: Layout, manifest: Manifest): Promise<void> {
  const folders = foldersOf(layout, manifest);
  const left = await new ReleaseStore(layout, { mode: 0o700 }).leftovers();
  if (left.length > 0) removeWhenEnded(left, [layout.releases, ...folders]);
  else for (const folder of folders) await removeIfEmpty(folder);
}

export interface RemovalOptions extends Pick<UninstallOptions, "purge" | "run" | "note"> {
  readonly layout: Layout;
  readonly manifest: Manifest;
  readonly initSystem: InitSystem;
}

/** {@link uninstall} for the holder of the lock. */
export async function removeInstallation(options: RemovalOptions): Promise<UninstallResult> {
  const { layout, manifest, initSystem, run, note, purge } = options;
  const { mode, stateDirectory, owner } = manifest;
  note(`taking the server away from ${layout.prefix}`);
  await initSystem.stop();
  const server = { paths: statePathsOf(stateDirectory), executable: layout.executable, run };
  for (const each of allInitSystemsOf(server, { atBoot: mode === "service" })) await each.unregister();
  if (manifest.firewall.ports.length > 0) await closeFirewall(manifest.firewall.ports, run);
  await putForwardingBack(stateDirectory, options);
  for (const link of manifest.links) {
    if ((await readlink(link).catch(() => undefined)) === layout.executable) await rm(link, { force: true });
  }
  await new ReleaseStore(layout, { mode: 0o700 }).remove();
  if (purge) {
    const whole =
      manifest.folders.includes(stateDirectory) ||
      stateDirectory === defaultStateDirectory(mode, layout.prefix);
    await removeState(stateDirectory, { whole });
  }
  // Last, so that a removal that broke off can be taken up again.
  await rm(layout.manifest, { force: true });
  await removeLock(layout);
  for (const folder of foldersOf(layout, manifest)) await removeIfEmpty(folder);
  return {
    removed: true,
    mode,
    prefix: layout.prefix,
    stateDirectory,
    ...(owner && { owner }),
    kept: await placesThatStay(layout, stateDirectory),
  };
}

/** Folders that go where they are empty, those below others first. */
function foldersOf(layout: Layout, { folders, mode }: Manifest): string[] {
  // Left by a former removal that kept the state in it.
  const own = layout.prefix === defaultPrefix(mode) ? [layout.prefix] : [];
  return [...new Set([...[...folders].reverse(), ...own])];
}

/** A server that ended in order has done that itself. */
async function putForwardingBack(
  stateDirectory: string,
  { run, note }: Pick<RemovalOptions, "run" | "note">,
): Promise<void> {
  const { forwardingFile: recordFile } = statePathsOf(stateDirectory);
  try {
    const left = await new Forwarding({ run, kernel: kernelNetworks, recordFile }).putBack();
    if (left !== undefined) note(left);
  } catch (error) {
    note(`the host's forwarding was not put back: ${wordsOf(error)}`);
  }
}

/** What is known about no deployment is not taken away for one. */
async function purgeLeftState(options: UninstallOptions, layout: Layout): Promise<UninstallResult> {
  const { prefix, stateDirectory: named, purge, ownerId, note } = options;
  const places = named === undefined ? defaultStateDirectories(prefix) : [named];
  if (!purge || ownerId !== undefined) throw notInstalled(layout);
  for (const stateDirectory of places) {
    if (!(await isStateDirectory(stateDirectory))) continue;
    note(`nothing is installed in ${prefix}: taking away the state that was left in ${stateDirectory}`);
    await whileUnused(stateDirectory, () => removeState(stateDirectory, { whole: named === undefined }));
    if ([defaultPrefix("user"), defaultPrefix("service")].includes(prefix)) await removeIfEmpty(prefix);
    return {
      removed: true,
      prefix,
      stateDirectory,
      kept: await placesThatStay(layout, stateDirectory),
    };
  }
  throw notInstalled(layout, places);
}

/** The state directory, and the installation's folder where it holds something else. */
async function placesThatStay(layout: Layout, stateDirectory: string): Promise<string[]> {
  const { prefix } = layout;
  const state = (await names(stateDirectory)) === undefined ? [] : [stateDirectory];
  const goes = await namesThatGo(layout);
  const others =
    (await names(prefix))?.filter(
      (name) => !isIn(stateDirectory, join(prefix, name)) && !goes.includes(name),
    ) ?? [];
  return others.length === 0 ? state : [...state, prefix];
}

/** See {@link removeRest}. */
async function namesThatGo(layout: Layout): Promise<string[]> {
  if (process.platform !== "win32") return [];
  const [releases, left] = [
    await names(layout.releases),
    await new ReleaseStore(layout, { mode: 0o700 }).leftovers(),
  ];
  const lock = basename(layout.lock);
  return [lock, `${lock}-journal`, ...(releases?.length === left.length ? [basename(layout.releases)] : [])];
}

async function names(folder: string): Promise<string[] | undefined> {
  return readdir(folder).catch(() => undefined);
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

function notInstalled({ prefix, manifest }: Layout, places: readonly string[] = []): ServerError {
  const state =
    places.length === 0
      ? "; name the folder of the installation with --prefix"
      : `, and no state of a former installation is in ${places.join(" or ")}; name the folder of the installation with --prefix, or that of its state with --state-dir`;
  return new ServerError(
    "NOT_INSTALLED",
    `nothing is installed in ${prefix} (there is no ${manifest})${state}`,
  );
}
