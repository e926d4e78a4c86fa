import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { openOwnFile, setFolderMode } from "../platform/own-file.ts";
import { renameFile } from "../platform/rename-file.ts";
import { syncFolder } from "../platform/sync-folder.ts";
import { fileProblemOf, isAboutRights, wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { failureOf, type RunProgram } from "../platform/run-program.ts";
import { CurrentRelease, releaseName } from "./current-release.ts";
import { removeIfEmpty } from "./folders.ts";
import type { Layout } from "./layout.ts";
import { removeAside, removeProgramFolder } from "./program-folder.ts";

/** Of folders that are no release: one that is being made, and programs that Windows does not delete yet. */
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
  readonly #current: CurrentRelease;
  /** Of folders and executables: 0o755 where every user may run it, 0o700 where it is the user's own. */
  readonly #mode: number;

  constructor(layout: Layout, options: { readonly mode: number }) {
    this.#layout = layout;
    this.#current = new CurrentRelease(layout);
    this.#mode = options.mode;
  }

  executableOf(sha256: string): string {
    return join(this.#layout.releases, sha256, this.#layout.program);
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
    const staging = this.#newFolder();
    try {
      await this.#makeFolder(staging);
      // The folder of releases is made on the way, with the umask's mode.
      await setFolderMode(releases, this.#mode);
      const copy = join(staging, this.#layout.program);
      await copyFile(executable, copy);
      await setFileMode(copy, this.#mode);
      await syncFile(copy);
      if ((await sha256OfFile(copy)) !== sha256) {
        throw new ServerError("FAILED", `${executable} changed while it was copied`);
      }
      await syncFolder(staging);
      // A damaged release goes, since a folder that is not empty cannot be replaced.
      await removeProgramFolder(join(releases, sha256), this.#newFolder());
      await renameFile(staging, join(releases, sha256));
      await syncFolder(releases);
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
        process.platform === "win32"
          ? `Windows does not let ${executable} run (${wordsOf(error)}), as a policy or a virus scanner does it: have it allowed, or name another folder with --prefix`
          : `the file system of ${prefix} does not let programs run (${wordsOf(error)}), as the mount option noexec does it (findmnt -T ${prefix}): mount it without, or name a folder on another file system with --prefix`,
        { cause: error },
      );
    }
  }

  /** Which release is in use. */
  get current(): CurrentRelease {
    return this.#current;
  }

  /** Path by which a release is run once it is in use: one that stays as it is where a link leads to the release. */
  programOf(sha256: string): string {
    return this.#layout.isLinked ? this.#layout.executable : this.executableOf(sha256);
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
    const { releases } = this.#layout;
    for (const name of await this.#names()) {
      if (name.startsWith(stagingPrefix)) await removeAside(join(releases, name));
      if (!releaseName.test(name) || keep.includes(name)) continue;
      await removeProgramFolder(join(releases, name), this.#newFolder());
    }
  }

  /** Takes away everything that is ours here. */
  async remove(): Promise<void> {
    await this.#current.remove();
    await this.prune([]);
    await removeIfEmpty(this.#layout.releases);
  }

  /** Folders with programs that could not be taken away by {@link remove}, since they still run; absolute. */
  async leftovers(): Promise<string[]> {
    const left = (await this.#names()).filter((name) => name.startsWith(stagingPrefix));
    return left.map((name) => join(this.#layout.releases, name));
  }

  #newFolder(): string {
    return join(this.#layout.releases, stagingPrefix + randomBytes(6).toString("hex"));
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

/** On Windows a file has what its folder hands down, and may be no copy of a file that nobody may write to. */
async function setFileMode(path: string, mode: number): Promise<void> {
  if (process.platform === "win32") return chmod(path, mode);
  const file = await openOwnFile(path);
  await file.chmod(mode).finally(() => file.close());
}

async function syncFile(path: string): Promise<void> {
  // Windows writes nothing to the disk for who may only read.
  const file = await openOwnFile(path, constants.O_RDWR);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
