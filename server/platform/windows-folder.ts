import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { judgeAccess, privateAccessList, sharedAccessList } from "./access-list.ts";
import { whyNoWindowsHost, windowsHost, type WindowsHost } from "./windows-host.ts";

/**
 * `checkTrustedFolder` on Windows: an administrator uses no folder in which somebody else could put other files, or which somebody else
 * could replace. What is missing is to be made by who asks, and asked for again.
 *
 * @throws {ServerError} NOT_PERMITTED that names the folder, whoever could, and the way out
 */
export function checkWindowsFolder(
  path: string,
  what: string,
  option: "--prefix" | "--state-dir",
  host: WindowsHost | undefined = windowsHost(),
): void {
  // Without it nobody is known to be an administrator, and the state directory is one of the user's own.
  if (host?.isAdministrator !== true) return;
  let target = resolve(path);
  while (!isThere(target)) target = dirname(target);
  const isWhole = target === resolve(path);
  target = realpathSync.native(target);
  for (let folder = target; ; folder = dirname(folder)) {
    const { foreignOwner, replacer, writer } = judgeAccess(host.accessOf(folder), host.userSid);
    const other = foreignOwner ?? (isWhole && folder === target ? writer : replacer);
    if (other !== undefined) {
      const where = folder === target && isWhole ? "it" : `${folder}, on the way to it,`;
      throw new ServerError(
        "NOT_PERMITTED",
        `an administrator does not use the ${what} ${resolve(path)}: ${where} ${foreignOwner === undefined ? "can be written by" : "belongs to"} somebody else (${other}); run this as that user, give it to Administrators alone (icacls "${folder}" /setowner *S-1-5-32-544, then icacls "${folder}" /inheritance:r /grant *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F), or name another with ${option}`,
      );
    }
    if (dirname(folder) === folder) return;
  }
}

/**
 * On Windows: makes a folder, and those on the way that are missing, and keeps all other users out of them and of what will be made in
 * them, as mode 700 does elsewhere: from the first moment on, since a folder in ProgramData lets every user put files into it otherwise. One
 * that is there is closed as well, unless it takes nothing from the folder above: then somebody has thought about it.
 *
 * @throws {ServerError} when that cannot be, unless the folder is in the user's own profile, which is closed anyway
 */
export function makeClosedFolder(
  path: string,
  host: WindowsHost | undefined = windowsHost(),
  profile = process.env["USERPROFILE"],
): void {
  if (host === undefined) {
    if (profile === undefined || !isBelow(path, profile)) {
      throw new ServerError(
        "STATE_INVALID",
        `other users cannot be kept out of ${path} without native calls (${whyNoWindowsHost()}): put that right, or name a folder of your own profile with --state-dir`,
      );
    }
    mkdirSync(path, { recursive: true });
    return;
  }
  try {
    if (isThere(path)) {
      if (!judgeAccess(host.accessOf(path), host.userSid).isProtected) {
        host.setAccess(path, privateAccessList(host));
      }
      return;
    }
    const missing = [resolve(path)];
    for (let above = dirname(missing[0] as string); !isThere(above); above = dirname(above))
      missing.unshift(above);
    for (const folder of missing) host.makeFolder(folder, privateAccessList(host));
  } catch (error) {
    throw new ServerError("NOT_PERMITTED", `cannot keep other users out of ${path}: ${wordsOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * On Windows: makes one folder that only its user and administrators may change, from the first moment on.
 *
 * @param isShared whether other users may read it and run what is in it; only where `host` is there
 * @throws the error of Windows, or that of the system without native calls
 */
export function makeProgramFolder(
  path: string,
  isShared: boolean,
  host: WindowsHost | undefined = windowsHost(),
): void {
  if (host === undefined) mkdirSync(path);
  else host.makeFolder(path, isShared ? sharedAccessList() : privateAccessList(host));
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined || dirname(path) === path;
}

function isBelow(path: string, folder: string): boolean {
  const [inner, outer] = [resolve(path), resolve(folder)].map((each) => each.toLowerCase());
  return inner?.startsWith(`${outer}\\`) === true;
}
