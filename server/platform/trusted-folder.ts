import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, join, parse, resolve, sep } from "node:path";
import { ServerError } from "../errors.ts";
import { checkWindowsFolder } from "./windows-folder.ts";

/** Links that a path may lead through, as for the kernel. */
const mostLinks = 40;
const sticky = 0o1000;
const writableByGroup = 0o020;
const writableByOthers = 0o002;

/** What is asked of the file system. A parameter, so that tests can stand in for other users' folders. */
export type LookAt = (path: string) => Pick<Stats, "uid" | "gid" | "mode" | "isSymbolicLink" | "isDirectory">;

/**
 * As root, refuses a folder in which somebody else could put links to other files: what root writes, removes or changes the mode of
 * there would be those. The folder and each one on the way to it have to be root's, and no one else may write to them, as `ssh` judges
 * with `StrictModes`. A sticky folder such as `/tmp` may be on the way, since nobody can take away in it what is root's. What is missing
 * is to be made by who asks, and asked for again.
 *
 * Other users have no more rights than their folders, and are asked nothing. On Windows the same holds for administrators, by access
 * lists.
 *
 * @param what such as "state directory"
 * @throws {ServerError} NOT_PERMITTED that names the folder, its owner and the way out
 */
export function checkTrustedFolder(
  path: string,
  what: string,
  option: "--prefix" | "--state-dir",
  { uid = process.geteuid?.(), lookAt = lstatSync }: { uid?: number | undefined; lookAt?: LookAt } = {},
): void {
  if (process.platform === "win32") return checkWindowsFolder(path, what, option);
  if (uid !== 0) return;
  const target = resolve(path);
  // In a container without privileges the host's root may appear under another id; whoever has the root folder has everything.
  const trusted = new Set([0, lookAt("/").uid]);
  const refuse = (folder: string, why: string): never => {
    const where = folder === target ? "it" : `${folder}, on the way to it,`;
    throw new ServerError(
      "NOT_PERMITTED",
      `root does not use the ${what} ${target}: ${where} ${why}, who could put links to files of root's there; run this as that user, make it root's (chown root:root ${folder}; chmod go-w ${folder}), or name another with ${option}`,
    );
  };
  let rest = target.split(sep).filter((part) => part !== "");
  let at = parse(target).root;
  let links = 0;
  while (rest.length > 0) {
    const name = rest[0] as string;
    rest = rest.slice(1);
    const folder = join(at, name);
    const stats = lookIfThere(lookAt, folder);
    if (stats === undefined) return;
    if (!trusted.has(stats.uid)) refuse(folder, `belongs to another user (id ${stats.uid})`);
    if (stats.isSymbolicLink()) {
      if (++links > mostLinks) refuse(folder, "is one of too many links");
      const to = resolve(dirname(folder), readlinkSync(folder));
      rest = [...to.split(sep).filter((part) => part !== ""), ...rest];
      at = parse(to).root;
      continue;
    }
    at = folder;
    if (!stats.isDirectory()) return;
    const ofOthers = (stats.mode & writableByOthers) !== 0;
    const ofGroup = (stats.mode & writableByGroup) !== 0 && stats.gid !== 0;
    if (!ofOthers && !ofGroup) continue;
    if (rest.length > 0 && (stats.mode & sticky) !== 0) continue;
    refuse(
      folder,
      ofOthers ? "can be written by every user" : `can be written by the group of id ${stats.gid}`,
    );
  }
}

function lookIfThere(lookAt: LookAt, path: string): ReturnType<LookAt> | undefined {
  try {
    return lookAt(path);
  } catch (error) {
    // What else is wrong, whoever makes the folder is told.
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}
