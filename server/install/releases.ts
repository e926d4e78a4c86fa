import { createHash, randomBytes } from "node:crypto";
import { copyFile, lstat, mkdir, open, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { openOwnFile, setFolderMode } from "../platform/own-file.ts";
import { fileProblemOf, isAboutRights, wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { failureOf, type RunProgram } from "../platform/run-program.ts";
import { removeIfEmpty } from "./folders.ts";
import type { Layout } from "./layout.ts";

const releaseName = /^[0-9a-f]{64}$/;
const stagingPrefix = ".staging-";

/** SHA-256 of a file, in lower-case hexadecimal. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await openOwnFile(path);
  // Closes the file at its end, and when it breaks off.
  for await (const chunk of file.createReadStream({ highWaterMark: 1024 * 1024 })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}

/** The releases of one installation, each in a folder that is named by the SHA-256 of its executable. */
export class ReleaseStore {
  readonly #layout: Layout;
  /** Of folders and executables: 0o755 where every user may run it, 0o700 where it is the user's own. */
  readonly #mode: number;

  constructor(layout: Layout, options: { readonly mode: number }) {
    this.#layout = layout;
    this.#mode = options.mode;
  }

  executableOf(sha256: string): string {
    return join(this.#layout.releases, sha256, "vpnserver");
  }

  /**
   * Puts a copy of the executable there, whole or not at all; one that is there and undamaged is left alone.
   *
   * @throws {ServerError} FAILED when there is no room, or the file changed while it was copied
   */
  async stage(executable: string, sha256: string): Promise<void> {
    const { releases } = this.#layout;
    const target = this.executableOf(sha256);
    if ((await sha256OfFile(target).catch(() => undefined)) === sha256) {
      await setFileMode(target, this.#mode);
      return;
    }
    const staging = join(releases, stagingPrefix + randomBytes(6).toString("hex"));
    try {
      await this.#makeFolder(staging);
      // The folder of releases is made on the way, with the umask's mode.
      await setFolderMode(releases, this.#mode);
      const copy = join(staging, "vpnserver");
      await copyFile(executable, copy);
      await setFileMode(copy, this.#mode);
      await syncToDisk(copy);
      if ((await sha256OfFile(copy)) !== sha256) {
        throw new ServerError("FAILED", `${executable} changed while it was copied`);
      }
      await syncToDisk(staging);
      // A damaged release goes, since a folder that is not empty cannot be replaced.
      await rm(join(releases, sha256), { recursive: true, force: true });
      await rename(staging, join(releases, sha256));
      await syncToDisk(releases);
    } catch (error) {
      await rm(staging, { recursive: true, force: true }).catch(() => {});
      if (error instanceof ServerError) throw error;
      throw new ServerError(
        isAboutRights(error) ? "NOT_PERMITTED" : "FAILED",
        `cannot put the release into ${releases}: ${fileProblemOf(error, releases, "--prefix")}`,
        { cause: error },
      );
    }
  }

  /**
   * Runs a release that was staged, for it to say its version: a file system may hold programs and not let them run.
   *
   * @throws {ServerError} UNSUPPORTED when it does not run
   */
  async tryOut(sha256: string, run: RunProgram): Promise<void> {
    const executable = this.executableOf(sha256);
    const { prefix } = this.#layout;
    try {
      const result = await run(executable, ["version"]);
      if (result?.code === 0) return;
      // The file is there; it is the loader of programs which it names that is not.
      const why = result === undefined ? "its loader is not on this host" : failureOf(result);
      throw new ServerError("UNSUPPORTED", `${executable} does not run on this host: ${why}`);
    } catch (error) {
      if (error instanceof ServerError) throw error;
      if (!isAboutRights(error)) {
        throw new ServerError("UNSUPPORTED", `${executable} cannot be run: ${wordsOf(error)}`, {
          cause: error,
        });
      }
      throw new ServerError(
        "UNSUPPORTED",
        `the file system of ${prefix} does not let programs run (${wordsOf(error)}), as the mount option noexec does it (findmnt -T ${prefix}): mount it without, or name a folder on another file system with --prefix`,
        { cause: error },
      );
    }
  }

  /** SHA-256 of the release that `current` points to; `undefined` when there is no such link. */
  async current(): Promise<string | undefined> {
    try {
      const name = basename(await readlink(this.#layout.current));
      return releaseName.test(name) ? name : undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "EINVAL") return undefined;
      throw error;
    }
  }

  /**
   * Makes sure that {@link switchTo} takes nothing away that is not ours.
   *
   * @throws {ServerError} FAILED when something else bears the name
   */
  async checkCurrent(): Promise<void> {
    const { current } = this.#layout;
    const isThere = await lstat(current).catch(() => undefined);
    if (isThere !== undefined && (await this.current()) === undefined) {
      throw new ServerError(
        "FAILED",
        `${current} is there and was not made by an installation: move it away, or name another folder with --prefix`,
      );
    }
  }

  /**
   * Points `current` to a release, in one step: whoever looks finds the former one or this one.
   *
   * @throws {ServerError} FAILED when that is not possible
   */
  async switchTo(sha256: string): Promise<void> {
    const { current, prefix } = this.#layout;
    const link = `${current}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      await symlink(join("releases", sha256), link);
      await rename(link, current);
    } catch (error) {
      await rm(link, { force: true }).catch(() => {});
      throw new ServerError(
        "FAILED",
        `cannot point ${current} to the release: ${fileProblemOf(error, prefix, "--prefix")}`,
        { cause: error },
      );
    }
    await syncToDisk(prefix);
  }

  /** Whether that release is there; it may be damaged. */
  async has(sha256: string): Promise<boolean> {
    return (await this.list()).includes(sha256);
  }

  async list(): Promise<string[]> {
    return (await this.#names()).filter((name) => releaseName.test(name));
  }

  /** Takes away every release but these, and what broken installations left; nothing else. */
  async prune(keep: readonly (string | undefined)[]): Promise<void> {
    for (const name of await this.#names()) {
      const superfluous = releaseName.test(name) ? !keep.includes(name) : name.startsWith(stagingPrefix);
      if (superfluous) await rm(join(this.#layout.releases, name), { recursive: true, force: true });
    }
  }

  /** Takes away everything that is ours here. */
  async remove(): Promise<void> {
    const { current, prefix, releases } = this.#layout;
    if ((await this.current()) !== undefined) await rm(current, { force: true });
    for (const name of await readdir(prefix).catch(() => [])) {
      if (/^current\.[0-9a-f]{12}\.tmp$/.test(name)) await rm(join(prefix, name), { force: true });
    }
    await this.prune([]);
    await removeIfEmpty(releases);
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#layout.releases);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  async #makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true });
    // Whatever the umask is.
    await setFolderMode(path, this.#mode);
  }
}

async function setFileMode(path: string, mode: number): Promise<void> {
  const file = await openOwnFile(path);
  await file.chmod(mode).finally(() => file.close());
}

async function syncToDisk(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
