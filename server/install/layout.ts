import { homedir } from "node:os";
import { join, parse, resolve } from "node:path";
import { defaultStateDirectory as stateDirectoryOf } from "../state-paths.ts";
import { ServerError } from "../errors.ts";
import type { Mode } from "./mode-choice.ts";

/** Where an installation's parts are. Absolute paths. */
export interface Layout {
  readonly prefix: string;
  /** Holds a folder named by SHA-256 for each release. */
  readonly releases: string;
  /** File name of the executable in the folder of a release. */
  readonly program: string;
  /** Link to the release that is in use; on Windows a command file that runs it. */
  readonly current: string;
  /** Whether {@link current} is a link. */
  readonly isLinked: boolean;
  /** The executable, by way of {@link current}; on Windows the command file itself. */
  readonly executable: string;
  /** What was put on this host. */
  readonly manifest: string;
  /** Locked while something is installed or taken away. */
  readonly lock: string;
}

export function layoutOf(prefix: string, platform: NodeJS.Platform = process.platform): Layout {
  const isLinked = platform !== "win32";
  const current = join(prefix, isLinked ? "current" : "vpnserver.cmd");
  return {
    prefix,
    releases: join(prefix, "releases"),
    program: isLinked ? "vpnserver" : "vpnserver.exe",
    current,
    isLinked,
    executable: isLinked ? join(current, "vpnserver") : current,
    manifest: join(prefix, "install.json"),
    lock: join(prefix, "install.lock"),
  };
}

/** Folder of the installation when none is named. On Windows where it has the programs of everybody, and those of one user. */
export function defaultPrefix(mode: Mode): string {
  if (process.platform === "win32") {
    const { ProgramFiles = "C:\\Program Files", LOCALAPPDATA } = process.env;
    const own = LOCALAPPDATA ?? join(homedir(), "AppData", "Local");
    return mode === "service" ? join(ProgramFiles, "vpnserver") : join(own, "Programs", "vpnserver");
  }
  return mode === "service" ? "/opt/vpnserver" : join(homedir(), "vpnserver");
}

export function defaultStateDirectory(mode: Mode, prefix: string): string {
  // On Windows where every copy of the program looks for it.
  if (mode === "user" && process.platform !== "win32") return join(prefix, "state");
  return stateDirectoryOf({ uid: mode === "service" ? 0 : 1, home: homedir(), env: process.env });
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
  if (folder === parse(folder).root) {
    throw new ServerError("USAGE", `${option} is "${folder}"; a folder of its own is needed`);
  }
  if (process.platform === "win32" && mode === "service" && folder.startsWith("\\\\")) {
    throw new ServerError(
      "USAGE",
      `${option} is ${folder}, on another computer: a service has no rights there; name a folder on a disk of this one`,
    );
  }
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
