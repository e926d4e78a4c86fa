import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../server/platform/atomic-file.ts";
import { defaultCacheDirectory } from "../cache-directory.ts";

export const root = join(import.meta.dirname, "..", "..");

/**
 * Where quickstart works unless it is told otherwise: in the checkout, where git ignores it, or in the user's cache for a
 * checkout whose path OpenSSH's configuration cannot carry.
 */
export function defaultDirectoryOf(checkout: string, cacheDirectory: string): string {
  const inside = join(checkout, ".quickstart");
  if (isCarriedByOpenSsh(inside)) return inside;
  const id = createHash("sha256").update(checkout).digest("hex").slice(0, 12);
  return join(cacheDirectory, `quickstart-${id}`);
}

export const defaultDirectory = defaultDirectoryOf(root, defaultCacheDirectory());

/** sshd_config(5) ends words at spaces, knows quotes, comments and tokens, and SFTP's start folder has no quoting at all. */
function isCarriedByOpenSsh(path: string): boolean {
  return /^[\p{L}\p{N}/._+=@,~-]+$/u.test(path);
}

/** Held by the one quickstart of this checkout that is at work; outside of the folder, which `down` removes. */
export const lockFile = join(root, "node_modules", ".cache", "pulumi-vpnserver", "quickstart.lock");

/** What quickstart keeps from run to run. */
export interface Memory {
  /** Listeners that the server was given. */
  readonly listeners?: readonly number[];
  /** Port of the SSH server: it stays the same, so that the stack sees the same host. */
  readonly sshPort?: number;
  /** Password of the VPN user. */
  readonly vpnPassword?: string;
}

/** The folder of quickstart, with everything that it makes. */
export class Workspace {
  readonly directory: string;

  constructor(directory: string) {
    if (!isCarriedByOpenSsh(directory)) {
      throw new Error(
        `the path ${directory} has a space or another character that the configuration of OpenSSH cannot carry: ` +
          "name a folder with --directory whose path has only letters, digits and ._-+=@,~",
      );
    }
    this.directory = directory;
  }

  /** Keys, configuration and log of the SSH server, and what a client needs to log in. */
  get sshDirectory(): string {
    return join(this.directory, "ssh");
  }

  /** Home folder of whoever logs in: the server is installed here, and the user's real home stays untouched. */
  get home(): string {
    return join(this.directory, "home");
  }

  /** The installed executable, once it is there. */
  get executable(): string {
    return join(this.home, "vpnserver", "current", "vpnserver");
  }

  get serverLog(): string {
    return join(this.#serverState, "log", "server.log");
  }

  /** Configuration of the VPN server. */
  get serverConfig(): string {
    return join(this.#serverState, "vpn_server.config");
  }

  get #serverState(): string {
    return join(this.home, "vpnserver", "state");
  }

  /** Configuration of OpenSSH's client, with the host's name and key. */
  get sshClientConfig(): string {
    return join(this.sshDirectory, "config");
  }

  /** What a VPN client imports to connect. */
  get vpnFile(): string {
    return join(this.directory, "quickstart.vpn");
  }

  /** Holds the password of the server's administrator. */
  get passwordFile(): string {
    return join(this.directory, "admin-password");
  }

  /** A Pulumi project of the same name, where the stack's configuration is kept. */
  get project(): string {
    return join(this.directory, "project");
  }

  get pulumiHome(): string {
    return join(this.directory, "pulumi-home");
  }

  get stateDirectory(): string {
    return join(this.directory, "state");
  }

  get passphraseFile(): string {
    return join(this.directory, "passphrase");
  }

  /**
   * Makes the folder, or completes it.
   *
   * @throws Error when it is a folder of somebody else's, which `down` would remove
   */
  async create(): Promise<void> {
    if (!this.isOurs() && (await readdir(this.directory)).length > 0) {
      throw new Error(`${this.directory} is not empty and not a folder of quickstart: choose another one`);
    }
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      await this.remember({});
    } catch (error) {
      throw new Error(
        `cannot work in ${this.directory}: ${(error as Error).message}. ` +
          "Way out: name a folder of your own with --directory",
        { cause: error },
      );
    }
    for (const directory of [this.home, this.project, this.pulumiHome, this.stateDirectory]) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
    }
  }

  /** Whether the folder is missing, or was made by quickstart. */
  isOurs(): boolean {
    return !existsSync(this.directory) || existsSync(this.#memoryFile) || this.directory === defaultDirectory;
  }

  async recall(): Promise<Memory> {
    try {
      return JSON.parse(await readFile(this.#memoryFile, "utf8")) as Memory;
    } catch {
      return {};
    }
  }

  async remember(memory: Memory): Promise<void> {
    const text = `${JSON.stringify({ ...(await this.recall()), ...memory }, undefined, 2)}\n`;
    await writeFileAtomically(this.#memoryFile, text, { mode: 0o600 });
  }

  get #memoryFile(): string {
    return join(this.directory, "quickstart.json");
  }
}
