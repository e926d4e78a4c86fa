import type { Dirent } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
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
    const names = entries.filter((entry) => entry.isFile() && /\.log(\.\d+)?$/.test(entry.name));
    const files: FoundFile[] = [];
    for (const { name } of names) {
      const path = `${folder}${name}`;
      try {
        const { size, mtimeMs } = await stat(join(this.#options.directory, path));
        files.push({ path, hubName, bytes: size, updatedAt: Math.round(mtimeMs) });
      } catch (error) {
        // Removed meanwhile.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
    return files;
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
