import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { folderNameOf } from "./log-writer.ts";

export interface LogFilesOptions {
  readonly directory: string;
  /** The hubs whose logs there may be. */
  readonly hubNames: () => readonly string[];
}

interface FoundFile {
  /** Below the directory, with slashes. */
  readonly path: string;
  readonly hubName: string | undefined;
  readonly bytes: number;
  /** Unix time in milliseconds. */
  readonly updatedAt: number;
}

const hubFolders = ["security_log", "packet_log"] as const;

/** The log files that there are: the server's own in the directory itself, and a folder for each hub and kind of log. */
export class LogFiles {
  readonly #options: LogFilesOptions;

  constructor(options: LogFilesOptions) {
    this.#options = options;
  }

  /** By path. Files of hubs that are gone are among those of the server. */
  async list(): Promise<FoundFile[]> {
    const hubs = new Map(this.#options.hubNames().map((name) => [folderNameOf(name), name]));
    const files = await this.#filesIn("", undefined);
    for (const kind of hubFolders) {
      for (const folder of await this.#foldersIn(kind)) {
        files.push(...(await this.#filesIn(`${kind}/${folder}/`, hubs.get(folder))));
      }
    }
    return files.sort((one, other) => (one.path < other.path ? -1 : 1));
  }

  /** @param path one that {@link list} gave */
  async read(path: string, offset: number, bytes: number): Promise<Buffer> {
    const file = await open(join(this.#options.directory, path));
    try {
      const buffer = Buffer.alloc(bytes);
      const { bytesRead } = await file.read(buffer, 0, bytes, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async #filesIn(folder: string, hubName: string | undefined): Promise<FoundFile[]> {
    const entries = await readdir(join(this.#options.directory, folder), { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && /\.log(\.\d+)?$/.test(entry.name));
    return Promise.all(
      files.map(async ({ name }) => {
        const path = `${folder}${name}`;
        const { size, mtimeMs } = await stat(join(this.#options.directory, path));
        return { path, hubName, bytes: size, updatedAt: Math.round(mtimeMs) };
      }),
    );
  }

  async #foldersIn(folder: string): Promise<string[]> {
    try {
      const entries = await readdir(join(this.#options.directory, folder), { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    } catch (error) {
      // No hub has logged anything of this kind yet.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}
