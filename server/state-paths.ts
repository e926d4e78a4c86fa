import { mkdir } from "node:fs/promises";
import { join, resolve, win32 } from "node:path";
import { fileProblemOf, isAboutRights } from "./error-words.ts";
import { ServerError } from "./errors.ts";
import { readOwnFileSync, setFolderMode } from "./platform/own-file.ts";
import { checkTrustedFolder } from "./platform/trusted-folder.ts";
import { makeClosedFolder } from "./platform/windows-folder.ts";

/** Where a server keeps everything that outlives it, and what others need to find it while it runs. Absolute paths. */
export interface StatePaths {
  /** Mode 700, or an access list as strict. */
  readonly stateDirectory: string;
  /** `vpn_server.config`, in SoftEther's text format, mode 600. */
  readonly configFile: string;
  /** `adminip.txt`: from where administrators may come. */
  readonly adminAddressFile: string;
  /** `applied.json`: names of what `apply` made, mode 600. */
  readonly appliedFile: string;
  /** `leases.json`: addresses that clients of SecureNAT have, mode 600. */
  readonly leasesFile: string;
  /** What the host was like before its kernel translated for hubs. */
  readonly forwardingFile: string;
  readonly certificateFile: string;
  /** Mode 600. */
  readonly keyFile: string;
  readonly logDirectory: string;
  readonly logFile: string;
  /** Mode 700: holds the files of the running server. What is left there by a crash does not matter. */
  readonly runDirectory: string;
  /** Locked by the supervisor while it runs; its content means nothing. */
  readonly lockFile: string;
  /** On Windows a file that tells of a named pipe. */
  readonly controlSocket: string;
  /** The supervisor's process id and a line break, for init systems. */
  readonly pidFile: string;
  /** Both processes with what tells them from later ones of the same process id. */
  readonly processesFile: string;
}

export interface StatePathOptions {
  /** From `--state-dir`. */
  readonly stateDirectory?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** 0 for root, and for an administrator of Windows. */
  readonly uid: number;
  readonly home: string;
  /** Path of the running executable with links resolved; found in `<prefix>/releases/<sha256>/` when installed. */
  readonly executable?: string | undefined;
}

/** Name of the file of {@link StatePaths.adminAddressFile}, which lies beside the configuration, as the official server's does. */
export const adminAddressFileName = "adminip.txt";

/** Environment variable that names the state directory. */
export const stateDirectoryVariable = "VPNSERVER_STATE_DIR";

/** State directory of service mode, and of root. */
export const serviceStateDirectory = "/var/lib/vpnserver";

/**
 * Finds the state directory: `--state-dir`, else `VPNSERVER_STATE_DIR`, else that of the installation which the
 * executable belongs to (`install.json` beside its `releases/`), else that of {@link defaultStateDirectory}.
 *
 * @throws {ServerError} STATE_INVALID when the installation's record is there and cannot be read
 */
export function resolveStatePaths(options: StatePathOptions): StatePaths {
  const stateDirectory = resolve(
    options.stateDirectory ||
      options.env[stateDirectoryVariable] ||
      installedStateDirectory(options.executable) ||
      defaultStateDirectory(options),
  );
  const logDirectory = join(stateDirectory, "log");
  const runDirectory = join(stateDirectory, "run");
  return {
    stateDirectory,
    configFile: join(stateDirectory, "vpn_server.config"),
    adminAddressFile: join(stateDirectory, adminAddressFileName),
    appliedFile: join(stateDirectory, "applied.json"),
    leasesFile: join(stateDirectory, "leases.json"),
    forwardingFile: join(runDirectory, "forwarding.json"),
    certificateFile: join(stateDirectory, "server.crt"),
    keyFile: join(stateDirectory, "server.key"),
    logDirectory,
    logFile: join(logDirectory, "server.log"),
    runDirectory,
    lockFile: join(runDirectory, "lock"),
    controlSocket: join(runDirectory, "control.sock"),
    pidFile: join(runDirectory, "vpnserver.pid"),
    processesFile: join(runDirectory, "processes.json"),
  };
}

/**
 * `/var/lib/vpnserver` for root and `~/vpnserver/state` for others. On Windows `vpnserver` below ProgramData for an administrator, whose
 * services find it there whoever they run as, and in the local part of their own profile for others, whom nothing else belongs to for sure.
 */
export function defaultStateDirectory(
  { uid, home, env }: Pick<StatePathOptions, "uid" | "home" | "env">,
  platform: NodeJS.Platform = process.platform,
): string {
  if (platform !== "win32") return uid === 0 ? serviceStateDirectory : join(home, "vpnserver", "state");
  const folder =
    uid === 0
      ? (env["ProgramData"] ?? "C:\\ProgramData")
      : (env["LOCALAPPDATA"] ?? win32.join(home, "AppData", "Local"));
  return win32.join(folder, "vpnserver");
}

/** {@link defaultStateDirectory} for people. */
export function defaultStateDirectoryWords(platform: NodeJS.Platform = process.platform): string {
  return platform === "win32"
    ? "%ProgramData%\\vpnserver for administrators, %LOCALAPPDATA%\\vpnserver for other users"
    : "/var/lib/vpnserver for root, ~/vpnserver/state for other users";
}

/** The paths below a state directory that is known. */
export function statePathsOf(stateDirectory: string): StatePaths {
  return resolveStatePaths({ stateDirectory, env: {}, uid: 0, home: "/" });
}

/**
 * Makes the directories that are missing, private to the user.
 *
 * @throws {ServerError} STATE_INVALID, or NOT_PERMITTED when the place belongs to another user, or could be another's
 */
export async function makeStateDirectories(paths: StatePaths): Promise<void> {
  checkTrustedFolder(paths.stateDirectory, "state directory", "--state-dir");
  for (const directory of [paths.stateDirectory, paths.logDirectory, paths.runDirectory]) {
    try {
      if (process.platform === "win32" && directory === paths.stateDirectory) makeClosedFolder(directory);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      // Somebody may have been faster in a folder that everybody can write to.
      if (directory === paths.stateDirectory) {
        checkTrustedFolder(directory, "state directory", "--state-dir");
        continue;
      }
      await setFolderMode(directory, 0o700);
    } catch (error) {
      if (error instanceof ServerError) throw error;
      throw new ServerError(
        isAboutRights(error) ? "NOT_PERMITTED" : "STATE_INVALID",
        `cannot use ${paths.stateDirectory} as state directory: ${fileProblemOf(error, directory, "--state-dir")}`,
        { cause: error },
      );
    }
  }
}

/** Match the path of an installed executable: the prefix, and the SHA-256 of the release. Windows keeps whichever case was typed. */
const installedExecutable = /^(.*)\/releases\/([0-9a-f]{64})\/vpnserver$/;
const installedWindowsExecutable = /^(.*)[\\/]releases[\\/]([0-9a-f]{64})[\\/]vpnserver\.exe$/i;

/** Release and installation that `executable` belongs to; `undefined` when it is not an installed one. */
export function installationOf(
  executable: string,
  platform: NodeJS.Platform = process.platform,
): { readonly prefix: string; readonly sha256: string } | undefined {
  const pattern = platform === "win32" ? installedWindowsExecutable : installedExecutable;
  const [, prefix, sha256] = pattern.exec(executable) ?? [];
  return prefix === undefined || sha256 === undefined ? undefined : { prefix, sha256: sha256.toLowerCase() };
}

/** SHA-256 of the release that `executable` belongs to, or `null` when it is not an installed one. */
export function releaseOf(executable: string): string | null {
  return installationOf(executable)?.sha256 ?? null;
}

function installedStateDirectory(executable: string | undefined): string | undefined {
  const prefix = executable === undefined ? undefined : installationOf(executable)?.prefix;
  if (prefix === undefined) return undefined;
  const record = join(prefix, "install.json");
  try {
    const { stateDirectory } = JSON.parse(readOwnFileSync(record).toString()) as { stateDirectory?: unknown };
    if (typeof stateDirectory === "string" && stateDirectory !== "") return stateDirectory;
    throw new Error("it names no stateDirectory");
  } catch (error) {
    // An executable at such a place without a record: an installation that is just being made.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ServerError(
      "STATE_INVALID",
      `cannot tell the state directory from ${record}: ${(error as Error).message}; name it with --state-dir, or repair the installation with \`vpnserver install\``,
      { cause: error },
    );
  }
}
