import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readAdminAddresses } from "../../access/admin-addresses.ts";
import { adminAddressFileName } from "../../state-paths.ts";
import { backupDirectoryOf } from "../../config/disk/config-backups.ts";
import { readStoredConfig } from "../../config/disk/config-reader.ts";
import type { ConfigDocument } from "../../config/text/config-node.ts";
import type { ServerSettings } from "../../settings/server-settings.ts";
import {
  readServerSettingsInSteps,
  readServerSettings,
} from "../../config/sections/server-settings-config.ts";
import { unenforceableSettings } from "../../config/sections/unenforceable-settings.ts";
import { unservedSettings } from "../../config/sections/unserved-settings.ts";
import { wordsOf } from "../../error-words.ts";
import { ServerError } from "../../errors.ts";

const configName = "vpn_server.config";

/** Where the official server, or another of ours, keeps its configuration. Absolute paths without links. */
export interface Source {
  readonly folder: string;
  readonly file: string;
}

/** Where the configuration is in a folder of the official server. */
export function configIn(folder: string): string {
  return join(folder, configName);
}

/** What a source holds. */
export interface SourceConfiguration {
  readonly document: ConfigDocument;
  readonly settings: ServerSettings;
  /** What is switched on there and is not served here. */
  readonly notServed: readonly string[];
  /** What `adminip.txt` beside it says, from where administrators may come; undefined where there is none. */
  readonly adminAddresses: string | undefined;
}

/**
 * Finds the configuration that `--import` names: the file itself, or the folder that holds `vpn_server.config`.
 *
 * @throws {ServerError} USAGE when there is none, NOT_PERMITTED when it cannot be looked at
 */
export async function locateSource(path: string): Promise<Source> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    const file = await realpath(isFolder ? configIn(path) : path);
    if (!(await stat(file)).isFile()) throw new ServerError("USAGE", `cannot import ${file}: it is no file`);
    return { folder: dirname(file), file };
  } catch (error) {
    if (error instanceof ServerError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM") throw notPermitted(path);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new ServerError(
        "USAGE",
        `cannot import ${path}: there is no ${basename(path) === configName ? "such file" : `${configName} there`}, and nothing was changed; name the folder where the SoftEther VPN Server keeps its ${configName}: the one of its program, such as /usr/local/vpnserver, or /var/lib/softether with Debian's package`,
      );
    }
    throw new ServerError("FAILED", `cannot import ${path}: ${wordsOf(error)}; nothing was changed`, {
      cause: error,
    });
  }
}

/**
 * Reads a source and changes nothing of it.
 *
 * @throws {ServerError} with file, cause and way out when it cannot be used
 */
export async function readSource(source: Source): Promise<SourceConfiguration> {
  const { document, settings } = await readConfiguration(source);
  return {
    document,
    settings,
    notServed: [...unservedSettings(document), ...(await unservedFiles(source))],
    adminAddresses: readAdminAddressesOf(source),
  };
}

async function readConfiguration({
  file,
}: Source): Promise<Pick<SourceConfiguration, "document" | "settings">> {
  try {
    const stored = await readStoredConfig(file, readServerSettingsInSteps);
    // A backup in its place would be older than what people have in mind.
    if (stored?.file === undefined) throw new Error(stored?.problems[0] ?? "it is gone");
    const { document } = stored;
    const [problem, ...others] = unenforceableSettings(document);
    if (problem !== undefined) {
      const more = others.length === 0 ? "" : ` (and ${others.length} more like this)`;
      throw new Error(`it restricts what this server cannot restrict: ${problem}${more}`);
    }
    return { document, settings: readServerSettings(document) };
  } catch (error) {
    const reason = (error as { cause?: unknown }).cause ?? error;
    if ((reason as NodeJS.ErrnoException).code === "EACCES") throw notPermitted(file);
    throw new ServerError(
      "FAILED",
      `cannot import ${file}: ${wordsOf(reason)}; it was left as it is: correct it, or name another with --import, such as the newest one in ${backupDirectoryOf(file)}`,
      { cause: error },
    );
  }
}

/**
 * Beside the file, or above the folder of backups.
 *
 * @throws {ServerError} when there is one that cannot be read: without it more people would get at the server than before
 */
function readAdminAddressesOf({ folder }: Source): string | undefined {
  const isBackup = basename(folder) === basename(backupDirectoryOf(configName));
  const path = join(isBackup ? dirname(folder) : folder, adminAddressFileName);
  try {
    return readAdminAddresses(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "EACCES") throw notPermitted(path);
    throw new ServerError(
      "FAILED",
      `cannot import ${path}, which says from where administrators may come: ${message}; nothing was changed: correct the file, or remove it`,
      { cause: error },
    );
  }
}

/** The official server sends the certificates of this folder after its own; here they belong into the configuration. */
const chainFolderName = "chain_certs";

async function unservedFiles({ folder }: Source): Promise<string[]> {
  const files = await readdir(join(folder, chainFolderName)).catch(() => []);
  const certificates = files.filter((name) => /\.(cer|crt|pem)$/i.test(name));
  return certificates.length === 0 ? [] : [`certificates of ${chainFolderName} (${certificates.length})`];
}

function notPermitted(path: string): ServerError {
  return new ServerError(
    "NOT_PERMITTED",
    `cannot import ${path}: this user may not read it; nothing was changed: run this as root, or name a copy that the user may read`,
  );
}
