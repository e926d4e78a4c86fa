import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

/**
 * Opens what the server and its installation keep, below the state directory and the folder of the executables. As root they would
 * read, write or change the mode of whatever a link leads to, and wait forever for the other end of a named pipe: nothing but a file
 * is opened here, and no link followed.
 *
 * Sources: open(2), O_NOFOLLOW and O_NONBLOCK. Windows has neither: what stands there is looked at before, in folders that nobody else
 * may write to, and named pipes have a name space of their own.
 */

/** To append to a file, which is made if it is missing. */
export const appendFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;

const isWindows = process.platform === "win32";
const always = isWindows ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Something else stands where a file should be. */
export class NotOwnFileError extends Error {
  override readonly name = "NotOwnFileError";
  /** The system's, such as ELOOP. */
  readonly code: string;

  constructor(path: string, what: string, code: string, options?: ErrorOptions) {
    super(`${path} is ${what} where a file should be: move it away (${code})`, options);
    this.code = code;
  }
}

/**
 * @param flags of open(2), to read by default
 * @throws {NotOwnFileError} for anything but a file; the system's error for a file that cannot be opened
 */
export async function openOwnFile(
  path: string,
  flags: number = constants.O_RDONLY,
  mode?: number,
): Promise<FileHandle> {
  refuseLink(path);
  const file = await open(path, flags | always, mode).catch((error: unknown) => {
    throw explained(path, error);
  });
  try {
    check(path, await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The same at once; returns the descriptor. */
export function openOwnFileSync(path: string, flags: number = constants.O_RDONLY, mode?: number): number {
  refuseLink(path);
  let descriptor: number;
  try {
    descriptor = openSync(path, flags | always, mode);
  } catch (error) {
    throw explained(path, error);
  }
  try {
    check(path, fstatSync(descriptor));
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * @param most bytes that are read
 * @throws as {@link openOwnFile}, and an Error for a file that is larger
 */
export async function readOwnFile(path: string, most = Infinity): Promise<Buffer> {
  const file = await openOwnFile(path);
  try {
    checkSize((await file.stat()).size, most);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The same at once. */
export function readOwnFileSync(path: string, most = Infinity): Buffer {
  const descriptor = openOwnFileSync(path);
  try {
    checkSize(fstatSync(descriptor).size, most);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Changes the mode of a folder, and of no other that a link leads to. On Windows folders have what the one above them hands down. */
export async function setFolderMode(path: string, mode: number): Promise<void> {
  if (isWindows) return;
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  await folder.chmod(mode).finally(() => folder.close());
}

function refuseLink(path: string): void {
  if (isWindows && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    throw new NotOwnFileError(path, "a link", "ELOOP");
  }
}

function check(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw new NotOwnFileError(path, "a folder", "EISDIR");
  throw new NotOwnFileError(path, stats.isFIFO() ? "a named pipe" : "a device", "ENXIO");
}

function checkSize(size: number, most: number): void {
  if (size > most) throw new Error(`it has more than ${most} bytes`);
}

/** What stands there, by what the system says of an open that it refused. */
const refusals: Readonly<Record<string, string>> = {
  ELOOP: "a link",
  EISDIR: "a folder",
  ENXIO: "a named pipe or a socket",
};

function explained(path: string, error: unknown): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  const what = refusals[code];
  return what === undefined ? error : new NotOwnFileError(path, what, code, { cause: error });
}
