import { randomBytes } from "node:crypto";
import { lstat, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileProblemOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { writeFileAtomically } from "../platform/atomic-file.ts";
import { readOwnFile } from "../platform/own-file.ts";
import { syncFolder } from "../platform/sync-folder.ts";
import type { Layout } from "./layout.ts";

/** SHA-256 of an executable, which is the name of its release. */
export const releaseName = /^[0-9a-f]{64}$/;

/** What says which release of an installation is in use. Reading and pointing throw the system's error. */
interface Pointer {
  /** `undefined` when it is not there, or is something else. */
  read(layout: Layout): Promise<string | undefined>;
  /** In one step: whoever looks finds the former release or this one. */
  point(layout: Layout, sha256: string): Promise<void>;
}

/** A link to the release's folder, by which its executable has a path that stays. */
const link: Pointer = {
  async read({ current }) {
    try {
      return basename(await readlink(current));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EINVAL") return undefined;
      throw error;
    }
  },
  async point({ current, prefix }, sha256) {
    const temporary = `${current}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      await symlink(join("releases", sha256), temporary);
      await rename(temporary, current);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
    await syncFolder(prefix);
  },
};

/** Its last line has a shell leave it before it looks for more: `uninstall` takes the file away that runs it. */
const commandFile = (sha256: string) =>
  `@rem Made by the installation of vpnserver: runs the release that is in use.\r\n@"%~dp0releases\\${sha256}\\vpnserver.exe" %* & exit /b\r\n`;
const mostCommandFileBytes = 4096;

/**
 * On Windows a command file that runs the release's executable. Users may make no links there, and a link to a folder cannot be replaced in
 * one step: between two of them a service would have no executable.
 */
const command: Pointer = {
  async read({ current }) {
    const text = (await readOwnFile(current, mostCommandFileBytes)).toString();
    const [, sha256] = /releases\\([0-9a-f]{64})\\vpnserver\.exe"/.exec(text) ?? [];
    return sha256 !== undefined && text === commandFile(sha256) ? sha256 : undefined;
  },
  point: ({ current }, sha256) => writeFileAtomically(current, commandFile(sha256), { mode: 0o755 }),
};

/** Which release of one installation is in use. */
export class CurrentRelease {
  readonly #layout: Layout;
  readonly #pointer: Pointer;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#pointer = layout.isLinked ? link : command;
  }

  /** SHA-256 of the release; `undefined` when nothing of ours says it. */
  async read(): Promise<string | undefined> {
    try {
      const name = await this.#pointer.read(this.#layout);
      return name !== undefined && releaseName.test(name) ? name : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /**
   * Makes sure that {@link point} takes nothing away that is not ours.
   *
   * @throws {ServerError} FAILED when something else bears the name
   */
  async check(): Promise<void> {
    const { current } = this.#layout;
    const isThere = await lstat(current).catch(() => undefined);
    if (isThere === undefined || (await this.read().catch(() => undefined)) !== undefined) return;
    throw new ServerError(
      "FAILED",
      `${current} is there and was not made by an installation: move it away, or name another folder with --prefix`,
    );
  }

  /**
   * Has a release in use, in one step.
   *
   * @throws {ServerError} FAILED when that is not possible
   */
  async point(sha256: string): Promise<void> {
    const { current, prefix } = this.#layout;
    try {
      await this.#pointer.point(this.#layout, sha256);
    } catch (error) {
      throw new ServerError(
        "FAILED",
        `cannot point ${current} to the release: ${fileProblemOf(error, prefix, "--prefix")}`,
        { cause: error },
      );
    }
  }

  /** Takes away what {@link point} made, and what it left when it broke off. */
  async remove(): Promise<void> {
    const { current, prefix } = this.#layout;
    if ((await this.read().catch(() => undefined)) !== undefined) await rm(current, { force: true });
    const name = basename(current);
    for (const each of await readdir(prefix).catch(() => [])) {
      const isLeft = each.startsWith(`${name}.`) && /^\.[0-9a-f]{12}\.tmp$/.test(each.slice(name.length));
      if (isLeft) await rm(join(prefix, each), { force: true });
    }
  }
}
