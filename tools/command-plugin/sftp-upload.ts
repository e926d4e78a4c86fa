import { open, readdir, type FileHandle } from "node:fs/promises";
import type { Dirent } from "node:fs";
import type ssh2 from "ssh2";
import { channelFailureText } from "./connection.ts";
import { errorCode, quote, systemErrorText } from "./go-text.ts";
import { folderOf, joinPath, nameOf } from "./remote-path.ts";

/** Bytes in one write, and writes that may be on their way at once. */
const chunkBytes = 32 * 1024;
const writesInFlight = 64;

/** Uploads over SFTP, with the rules and error texts of the official program. */
export class SftpUpload {
  readonly #sftp: ssh2.SFTPWrapper;
  #lost = false;

  private constructor(sftp: ssh2.SFTPWrapper) {
    this.#sftp = sftp;
    sftp.on("error", () => (this.#lost = true)).on("close", () => (this.#lost = true));
  }

  static open(client: ssh2.Client): Promise<SftpUpload> {
    return new Promise((resolve, reject) => {
      client.sftp((error, sftp) => {
        if (error) reject(new Error(sessionFailureText(error)));
        else resolve(new SftpUpload(sftp));
      });
    });
  }

  /** Writes a text to a file, whose folders are made where they are missing. */
  async putText(text: string, destination: string): Promise<void> {
    if ((await this.#stat(destination))?.isDirectory()) {
      throw new Error(
        `remote path ${destination} is a directory; when using a text asset, remotePath must be a file path`,
      );
    }
    await this.#makeParents(destination);
    await this.#write(destination, `failed to write text content to remote path ${destination}`, [
      Buffer.from(text),
    ]);
  }

  /**
   * Copies a file or a folder of this machine.
   *
   * | source   | destination is a folder | is missing        | is a file |
   * |----------|-------------------------|-------------------|-----------|
   * | `dir`    | `destination/dir`       | `destination/dir` | fails     |
   * | `dir/`   | its contents            | its contents      | fails     |
   * | `file`   | `destination/file`      | `destination`     | replaced  |
   */
  async putPath(source: string, destination: string): Promise<void> {
    const file = await openLocal(source);
    let isFolder: boolean;
    try {
      isFolder = (await file.stat()).isDirectory();
    } finally {
      await file.close();
    }
    const existing = await this.#stat(destination);
    if (!isFolder) {
      if (existing === undefined) await this.#makeParents(destination);
      const target = existing?.isDirectory() ? joinPath(destination, nameOf(source)) : destination;
      await this.#putFile(source, target);
      return;
    }
    if (existing === undefined) {
      await this.#makeAll(destination).catch((error: Error) => {
        throw new Error(`failed to create remote directory ${destination}: ${error.message}`, {
          cause: error,
        });
      });
    }
    let target = destination;
    if (!source.endsWith("/")) {
      target = joinPath(destination, nameOf(source));
      await this.#makeFolder(target);
    }
    await this.#putFolder(source, target);
  }

  /** Copies what is in a folder, in the order of the names. */
  async #putFolder(source: string, target: string): Promise<void> {
    await this.#makeFolder(joinPath(target, "."));
    const entries = await readFolder(source);
    for (const entry of entries) {
      const from = joinPath(source, entry.name);
      const to = joinPath(target, entry.name);
      if (entry.isDirectory()) await this.#putFolder(from, to);
      else await this.#putFile(from, to);
    }
  }

  async #putFile(source: string, target: string): Promise<void> {
    const file = await openLocal(source);
    try {
      await this.#write(
        target,
        `failed to copy file ${source} to remote path ${target}`,
        chunksOf(file, source),
      );
    } finally {
      await file.close();
    }
  }

  /** Makes a file, or empties it, and fills it. Several writes are on their way at once. */
  async #write(
    target: string,
    what: string,
    chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  ): Promise<void> {
    const handle = await this.#call<Buffer>((done) => this.#sftp.open(target, "w+", done)).catch(
      (error: Error) => {
        throw new Error(`failed to create remote file ${target}: ${error.message}`, { cause: error });
      },
    );
    const writes: Promise<void>[] = [];
    try {
      let offset = 0;
      for await (const chunk of chunks) {
        const position = offset;
        offset += chunk.length;
        const write = this.#call<void>((done) =>
          this.#sftp.write(handle, chunk, 0, chunk.length, position, done),
        );
        write.catch(() => {});
        writes.push(write);
        if (writes.length >= writesInFlight) await writes.shift();
      }
      for (const write of writes) await write;
    } catch (error) {
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    } finally {
      await Promise.allSettled(writes);
      await this.#call<void>((done) => this.#sftp.close(handle, done)).catch(() => {});
    }
  }

  /** Makes a folder; one that is there is fine. */
  async #makeFolder(path: string): Promise<void> {
    const existing = await this.#stat(path);
    if (existing?.isDirectory()) return;
    if (existing) throw new Error(`remote path ${path} exists but is not a directory`);
    await this.#call<void>((done) => this.#sftp.mkdir(path, done)).catch((error: Error) => {
      throw new Error(`failed to create remote directory ${path}: ${error.message}`, { cause: error });
    });
  }

  async #makeParents(path: string): Promise<void> {
    await this.#makeAll(folderOf(path)).catch((error: Error) => {
      throw new Error(`failed to create parent directories for ${path}: ${error.message}`, { cause: error });
    });
  }

  /** Makes a folder and those above it. */
  async #makeAll(path: string): Promise<void> {
    const existing = await this.#call<ssh2.Stats>((done) => this.#sftp.stat(path, done)).catch(
      () => undefined,
    );
    if (existing?.isDirectory()) return;
    if (existing) throw new Error(`mkdir ${path}: not a directory`);
    const parent = path.replace(/\/*[^/]*\/*$/, "");
    if (parent !== "") await this.#makeAll(parent);
    try {
      await this.#call<void>((done) => this.#sftp.mkdir(path, done));
    } catch (error) {
      // Such as `folder/.`, or another upload was faster.
      const made = await this.#call<ssh2.Stats>((done) => this.#sftp.lstat(path, done)).catch(
        () => undefined,
      );
      if (!made?.isDirectory()) throw error;
    }
  }

  /** `undefined` when there is nothing at the path. */
  async #stat(path: string): Promise<ssh2.Stats | undefined> {
    try {
      return await this.#call<ssh2.Stats>((done) => this.#sftp.stat(path, done));
    } catch (error) {
      if ((error as SftpError).status === noSuchFile) return undefined;
      throw new Error(`failed to stat remote path ${path}: ${(error as Error).message}`, { cause: error });
    }
  }

  #call<T>(start: (done: (error: Error | null | undefined, result?: unknown) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#lost) {
        reject(new SftpError(undefined, ""));
        return;
      }
      start((error, result) => {
        if (error) reject(new SftpError((error as { code?: unknown }).code, error.message));
        else resolve(result as T);
      });
    });
  }
}

const noSuchFile = 2;

const statusNames = [
  "SSH_FX_OK",
  "SSH_FX_EOF",
  "SSH_FX_NO_SUCH_FILE",
  "SSH_FX_PERMISSION_DENIED",
  "SSH_FX_FAILURE",
  "SSH_FX_BAD_MESSAGE",
  "SSH_FX_NO_CONNECTION",
  "SSH_FX_CONNECTION_LOST",
  "SSH_FX_OP_UNSUPPORTED",
];

/** What the server answered, or that it did not. */
class SftpError extends Error {
  readonly status: number | undefined;

  constructor(code: unknown, message: string) {
    super(typeof code === "number" ? statusText(code, message) : "connection lost");
    this.status = typeof code === "number" ? code : undefined;
  }
}

function statusText(code: number, message: string): string {
  switch (code) {
    case 1:
      return "EOF";
    case noSuchFile:
      return "file does not exist";
    case 3:
      return "permission denied";
    default:
      return `sftp: ${quote(message)} (${statusNames[code] ?? "unknown"})`;
  }
}

function sessionFailureText(error: Error & { reason?: unknown }): string {
  if (/^Unable to start subsystem/.test(error.message)) return "ssh: subsystem request failed";
  if (/Channel open failure/.test(error.message)) return channelFailureText(error);
  const received = "error receiving version packet from server";
  if (/packet.*(long|length|size)|Invalid packet/i.test(error.message)) return `${received}: packet too long`;
  return `${received}: server unexpectedly closed connection: unexpected EOF`;
}

async function openLocal(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw new Error(`open ${path}: ${systemErrorText(error)}`, { cause: error });
  }
}

async function* chunksOf(file: FileHandle, path: string): AsyncGenerator<Buffer> {
  for (;;) {
    const chunk = Buffer.alloc(chunkBytes);
    let bytesRead: number;
    try {
      ({ bytesRead } = await file.read(chunk, 0, chunkBytes, null));
    } catch (error) {
      throw new Error(`read ${path}: ${systemErrorText(error)}`, { cause: error });
    }
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}

async function readFolder(path: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    throw new Error(`open ${path}: ${systemErrorText(error)}`, { cause: error });
  }
}
