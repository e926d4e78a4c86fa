import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { serviceStateDirectory } from "../state-paths.ts";
import { ServerError } from "../errors.ts";
import type { Mode } from "./mode-choice.ts";

/** Where an installation's parts are. Absolute paths. */
export interface Layout {
  readonly prefix: string;
  /** Holds a folder named by SHA-256 for each release. */
  readonly releases: string;
  /** Link to the release that is in use. */
  readonly current: string;
  /** The executable, by way of {@link current}. */
  readonly executable: string;
  /** What was put on this host. */
  readonly manifest: string;
  /** Locked while something is installed or taken away. */
  readonly lock: string;
}

export function layoutOf(prefix: string): Layout {
  return {
    prefix,
    releases: join(prefix, "releases"),
    current: join(prefix, "current"),
    executable: join(prefix, "current", "vpnserver"),
    manifest: join(prefix, "install.json"),
    lock: join(prefix, "install.lock"),
  };
}

/** Folder of the installation when none is named. */
export function defaultPrefix(mode: Mode): string {
  return mode === "service" ? "/opt/vpnserver" : join(homedir(), "vpnserver");
}

export function defaultStateDirectory(mode: Mode, prefix: string): string {
  return mode === "service" ? serviceStateDirectory : join(prefix, "state");
}

/**
 * Checks a folder that the user named.
 *
 * @throws {ServerError} USAGE when the server could not work there
 */
export function checkFolder(option: string, path: string, mode: Mode): string {
  const folder = resolve(path);
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(folder)) {
    throw new ServerError("USAGE", `${option} has a control character in its path`);
  }
  if (folder === "/") throw new ServerError("USAGE", `${option} is "/"; a folder of its own is needed`);
  const hidden = ["/home", "/root", "/run", "/tmp", "/var/tmp", "/dev", "/proc", "/sys"].find(
    (place) => folder === place || folder.startsWith(`${place}/`),
  );
  if (mode === "service" && hidden !== undefined) {
    throw new ServerError(
      "USAGE",
      `${option} is ${folder}: a service does not see ${hidden}, or loses it at the next boot; name a folder elsewhere, such as one in /opt or /var/lib, or install with --mode user`,
    );
  }
  return folder;
}
