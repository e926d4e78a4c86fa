import { stat } from "node:fs/promises";
import { fileProblemOf, isAboutRights } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { exists, folderMode, makeFolders, removeIfEmpty } from "./folders.ts";
import { removeLock, whileLocked } from "./install-lock.ts";
import type { InstallResult } from "../contract/install-result.ts";
import type { InstallOptions } from "./install-options.ts";
import { InstallTransaction } from "./install-transaction.ts";
import { defaultStateDirectory, layoutOf, type Layout } from "./layout.ts";
import { readManifest, type Manifest } from "./manifest.ts";
import { decideOwner } from "./owner.ts";
import { checkProc } from "../platform/proc.ts";
import { checkTrustedFolder } from "../platform/trusted-folder.ts";
import { sha256OfFile } from "./releases.ts";

/**
 * Puts a release on this host and a healthy server with it, or leaves the host as it was: with the previous release
 * running, or, where there was none, with nothing.
 *
 * Safe to run at any time: what is as it should be is left alone, and a server that is well is not restarted.
 *
 * @throws {ServerError} ROLLED_BACK when the release was unhealthy and the previous one runs again
 */
export async function install(options: InstallOptions): Promise<InstallResult> {
  const { prefix, mode } = options;
  checkProc();
  const layout = layoutOf(prefix);
  const sha256 = await checkedSha256(options);
  checkTrustedFolder(prefix, "folder of the installation", "--prefix");
  const folders = await makePrefix(prefix, folderMode(mode));
  try {
    // Somebody may have been faster in a folder that others can write to.
    checkTrustedFolder(prefix, "folder of the installation", "--prefix");
    // Of another user: said before its lock cannot be had.
    await readManifest(layout);
    return await whileLocked(layout, async () => {
      const manifest = await readManifest(layout);
      const ownerChange = decideOwner({
        installed: manifest !== undefined,
        present: manifest?.owner,
        wanted: options.owner,
        adopt: options.adopt ?? false,
      });
      const stateDirectory = chooseStateDirectory(options, layout, manifest);
      await checkStateDirectory(stateDirectory);
      const draft: Manifest = {
        firewall: { open: mode === "service", ports: [] },
        links: [],
        ...manifest,
        format: 1,
        mode,
        stateDirectory,
        folders: [...(manifest?.folders ?? []), ...folders],
      };
      return new InstallTransaction({ options, layout, sha256, ownerChange, before: manifest, draft }).run();
    });
  } catch (error) {
    // Whatever comes of that, the error to tell is the first one.
    await removeTraces(layout, folders).catch(() => {});
    throw error;
  }
}

async function makePrefix(prefix: string, mode: number): Promise<string[]> {
  try {
    return await makeFolders(prefix, mode);
  } catch (error) {
    throw new ServerError(
      isAboutRights(error) ? "NOT_PERMITTED" : "FAILED",
      `cannot make the folder ${prefix}: ${fileProblemOf(error, prefix, "--prefix")}`,
      { cause: error },
    );
  }
}

function chooseStateDirectory(
  { mode, prefix, stateDirectory }: InstallOptions,
  layout: Layout,
  manifest: Manifest | undefined,
): string {
  if (manifest !== undefined && manifest.mode !== mode) {
    throw new ServerError(
      "USAGE",
      `the installation in ${prefix} is in ${manifest.mode} mode, and modes are not changed in place: take it away first (${layout.executable} uninstall; ${manifest.stateDirectory} stays), then install in ${mode} mode`,
    );
  }
  if (manifest !== undefined && stateDirectory !== undefined && manifest.stateDirectory !== stateDirectory) {
    throw new ServerError(
      "USAGE",
      `the state of the installation in ${prefix} is in ${manifest.stateDirectory}, and it is not moved: take the installation away first (${layout.executable} uninstall), move the folder to ${stateDirectory}, then install again`,
    );
  }
  return manifest?.stateDirectory ?? stateDirectory ?? defaultStateDirectory(mode, prefix);
}

/** @throws {ServerError} FAILED when the executable is not what was asked for */
async function checkedSha256({ executable, sha256: wanted }: InstallOptions): Promise<string> {
  const sha256 = await sha256OfFile(executable);
  if (wanted === undefined || wanted === sha256) return sha256;
  throw new ServerError(
    "FAILED",
    `${executable} is damaged, or another release than the one that was asked for: its SHA-256 is ${sha256}, and not ${wanted}; nothing was changed: bring it to this host again`,
  );
}

/** A service has no rights over the files of others, though it is root's. */
async function checkStateDirectory(stateDirectory: string): Promise<void> {
  const stats = await stat(stateDirectory).catch(() => undefined);
  if (stats === undefined) return checkTrustedFolder(stateDirectory, "state directory", "--state-dir");
  if (!stats.isDirectory()) {
    throw new ServerError(
      "USAGE",
      `the state directory ${stateDirectory} is a file: move it away, or name a folder with --state-dir`,
    );
  }
  const { uid } = stats;
  if (process.platform === "win32" || uid === process.geteuid?.()) {
    return checkTrustedFolder(stateDirectory, "state directory", "--state-dir");
  }
  throw new ServerError(
    "NOT_PERMITTED",
    `the state directory ${stateDirectory} belongs to another user (id ${uid}): change that (chown -R), or name another with --state-dir`,
  );
}

/** Takes away what an installation that never began has left. */
async function removeTraces(layout: Layout, folders: readonly string[]): Promise<void> {
  if (!(await exists(layout.manifest))) await removeLock(layout);
  for (const folder of [...folders].reverse()) await removeIfEmpty(folder);
}
