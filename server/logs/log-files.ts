import type { Dirent } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { openOwnFile } from "../platform/own-file.ts";
import { folderNameOf } from "./log-writer.ts";

export interface LogFilesOptions {
  readonly directory: string;
  /** The hubs whose logs there may be. */
  readonly hubNames: () => readonly string[];
}

export interface FoundFile {
  /** Below the directory, with slashes. */
  readonly path: string;
  readonly hubName: string | undefined;
  readonly bytes: number;
  /** Unix time in milliseconds. */
  readonly updatedAt: number;
}

const logName = /\.log(\.\d+)?$/;

/** Of a file in one of the folders. */
const pathParts =
  /^(?:server_log\/|(?<kind>security_log|packet_log)\/(?<folder>[^/\0]+)\/)?(?<name>[^/\0]+\.log(?:\.\d+)?)$/;

const hubFolders = ["security_log", "packet_log"] as const;

/**
 * The log files that there are: those of the server in `server_log/`, a folder for each hub and kind of log, and the journal's
 * in the directory itself.
 */
export class LogFiles {
  readonly #options: LogFilesOptions;

  constructor(options: LogFilesOptions) {
    this.#options = options;
  }

  /** By path. Files of hubs that are gone are among those of the server. */
  async list(): Promise<FoundFile[]> {
    const hubs = new Map(this.#options.hubNames().map((name) => [folderNameOf(name), name]));
    const files = [
      ...(await this.#filesIn("", undefined)),
      ...(await this.#filesIn("server_log/", undefined)),
    ];
    for (const kind of hubFolders) {
      for (const folder of await this.#foldersIn(kind)) {
        files.push(...(await this.#filesIn(`${kind}/${folder}/`, hubs.get(folder))));
      }
    }
    return files.sort((one, other) => (one.path < other.path ? -1 : 1));
  }

  /** The file that {@link list} names so; undefined where it names none. Looks at no other. */
  async find(path: string): Promise<FoundFile | undefined> {
    const { kind, folder, name } = pathParts.exec(path)?.groups ?? {};
    if (name === undefined || (folder !== undefined && /^\.+$/.test(folder))) return undefined;
    const hubs = kind === undefined ? [] : this.#options.hubNames();
    // A folder that is not named as its hub has a hash in its name.
    const mayBe = (hub: string) => folder === hub || folder?.includes("~");
    return this.#fileAt(
      path,
      hubs.find((hub) => mayBe(hub) && folderNameOf(hub) === folder),
    );
  }

  /** @param path one that {@link list} gave */
  async read(path: string, offset: number, bytes: number): Promise<Buffer> {
    const file = await openOwnFile(join(this.#options.directory, path));
    try {
      const buffer = Buffer.alloc(bytes);
      const { bytesRead } = await file.read(buffer, 0, bytes, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** @param path one that {@link list} gave */
  async remove(path: string): Promise<void> {
    await rm(join(this.#options.directory, path), { force: true });
  }

  async #filesIn(folder: string, hubName: string | undefined): Promise<FoundFile[]> {
    const entries = await this.#entriesOf(folder);
    const names = entries.filter((entry) => entry.isFile() && logName.test(entry.name));
    const files: FoundFile[] = [];
    for (const { name } of names) {
      // Unless it was removed meanwhile.
      const file = await this.#fileAt(`${folder}${name}`, hubName);
      if (file !== undefined) files.push(file);
    }
    return files;
  }

  /** Undefined where there is no file, or something that is none, such as a link. */
  async #fileAt(path: string, hubName: string | undefined): Promise<FoundFile | undefined> {
    try {
      const found = await lstat(join(this.#options.directory, path));
      if (!found.isFile()) return undefined;
      return { path, hubName, bytes: found.size, updatedAt: Math.round(found.mtimeMs) };
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes((error as NodeJS.ErrnoException).code ?? ""))
        return undefined;
      throw error;
    }
  }

  async #foldersIn(folder: string): Promise<string[]> {
    const entries = await this.#entriesOf(folder);
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  async #entriesOf(folder: string): Promise<Dirent[]> {
    try {
      return await readdir(join(this.#options.directory, folder), { withFileTypes: true });
    } catch (error) {
      // Nothing of this kind was logged yet.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}
