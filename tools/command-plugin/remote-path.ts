import { posix } from "node:path";

/** A path without `.`, `..`, doubled and trailing slashes; `.` when it is empty. */
function clean(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

/** Joins a folder and a name; nothing of a trailing slash stays. */
export function joinPath(folder: string, name: string): string {
  return clean(posix.join(folder, name));
}

/** The folder of a path. A path that ends in a slash is a folder itself: that of `a/b/` is `a/b`. */
export function folderOf(path: string): string {
  return clean(path.slice(0, path.lastIndexOf("/") + 1));
}

/** The last name of a path; a trailing slash does not count. */
export function nameOf(path: string): string {
  return path === "" ? "." : posix.basename(path) || "/";
}
