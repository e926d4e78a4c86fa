import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeServerConfig } from "../config/disk/config-file.ts";
import { ServerError } from "../errors.ts";
import { checkTrustedFolder } from "../platform/trusted-folder.ts";
import { InstanceLock } from "../platform/instance-lock.ts";
import { isKoffiFileName } from "../native/koffi-file.ts";
import { isInUse } from "../platform/rename-file.ts";
import { pendingFileOf } from "../identity/certificate.ts";
import { exists, removeIfEmpty } from "./folders.ts";
import { defaultPrefix, defaultStateDirectory } from "./layout.ts";
import { fileOfServerIn } from "../init/init-systems.ts";
import { statePathsOf } from "../state-paths.ts";
import { removeImportRecord } from "./takeover/record.ts";

/** Where an installation in `prefix` has kept its state when it was told no other place; the first is user mode's. */
export function defaultStateDirectories(prefix: string): string[] {
  const user = defaultStateDirectory("user", prefix);
  return prefix === defaultPrefix("service") ? [user, defaultStateDirectory("service", prefix)] : [user];
}

/**
 * Whether a folder is the state directory of a server of ours. The official server's has neither certificate nor key as files,
 * and another program's has no `vpn_server.config`.
 */
export async function isStateDirectory(path: string): Promise<boolean> {
  const { configFile, certificateFile, keyFile } = statePathsOf(path);
  const files = [configFile, certificateFile, keyFile].map((file) => kindOf(file));
  return (await kindOf(path)) === "folder" && (await Promise.all(files)).every((kind) => kind === "file");
}

/** Whether a former installation in `prefix` has left its state in its usual place. */
export async function hasLeftState(prefix: string): Promise<boolean> {
  const places = await Promise.all(defaultStateDirectories(prefix).map(isStateDirectory));
  return places.includes(true);
}

/**
 * Takes away what a server of ours puts into its state directory, and the folder if nothing else is in it.
 *
 * @param options.whole with everything that is in it: the folder was made for the server
 * @throws {ServerError} NOT_PERMITTED where another user could lead root astray
 */
export async function removeState(
  stateDirectory: string,
  options: { readonly whole: boolean },
): Promise<void> {
  checkTrustedFolder(stateDirectory, "state directory", "--state-dir");
  if (options.whole) return removeWhole(stateDirectory);
  const paths = statePathsOf(stateDirectory);
  await removeServerConfig(paths);
  await removeImportRecord(paths);
  const { adminAddressFile, appliedFile, certificateFile, keyFile, logDirectory, runDirectory } = paths;
  for (const path of [
    adminAddressFile,
    appliedFile,
    formerAppliedFile(paths),
    certificateFile,
    keyFile,
    pendingFileOf(paths),
    logDirectory,
    runDirectory,
  ]) {
    await rm(path, { recursive: true, force: true });
  }
  for (const name of await readdir(stateDirectory).catch(() => [])) {
    // Of a write that broke off.
    const isOurs =
      /^(vpn_server\.config|applied\.json|imported\.json|server\.(crt|key))\.[0-9a-f]{12}\.tmp$/.test(name);
    if (isOurs) await rm(join(stateDirectory, name), { force: true });
  }
  await removeIfEmpty(stateDirectory);
}

/** On Windows the folder may hold the library that this very process has loaded (see `placeKoffi`), which then stays in it. */
async function removeWhole(stateDirectory: string): Promise<void> {
  if (process.platform !== "win32") return rm(stateDirectory, { recursive: true, force: true });
  for (const name of await readdir(stateDirectory).catch(() => [])) {
    await rm(join(stateDirectory, name), { recursive: true, force: true, maxRetries: 3 }).catch(
      (error: unknown) => {
        if (!isKoffiFileName(name) || !isInUse(error)) throw error;
      },
    );
  }
  await removeIfEmpty(stateDirectory);
}

/** The record of what a former owner made by `apply`, while an installation adopts the server. */
export function formerAppliedFile({ appliedFile }: { readonly appliedFile: string }): string {
  return `${appliedFile}.former`;
}

/**
 * Does `work` while no server uses a state directory that no installation of ours is known to have.
 *
 * @throws {ServerError} FAILED when one does
 */
export async function whileUnused<T>(stateDirectory: string, work: () => Promise<T>): Promise<T> {
  const registered = await fileOfServerIn(stateDirectory);
  if (registered !== undefined) {
    throw new ServerError(
      "FAILED",
      `${stateDirectory} belongs to the service of ${registered}, and nothing was changed: take that one away with --purge (name its folder with --prefix)`,
    );
  }
  const { lockFile } = statePathsOf(stateDirectory);
  if (!(await exists(lockFile))) return work();
  const lock = InstanceLock.acquire(lockFile);
  if (lock === undefined) {
    throw new ServerError(
      "FAILED",
      `a server runs with the state in ${stateDirectory}, and nothing was changed: stop it first (vpnserver --state-dir ${stateDirectory} stop)`,
    );
  }
  // Windows takes no file away that is open, and a server that begins at this moment keeps its own.
  if (process.platform === "win32") lock.release();
  try {
    return await work();
  } finally {
    if (process.platform !== "win32") lock.release();
  }
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isFile()) return "file";
  return stats?.isDirectory() ? "folder" : undefined;
}
