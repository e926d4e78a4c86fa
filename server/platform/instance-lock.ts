import { closeSync, lstatSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { appendFlags, openOwnFileSync } from "./own-file.ts";
import { fileProblemOf, isAboutRights, wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";

/**
 * The lock that one server holds on its state directory. The kernel frees it when its holder ends, however that happens,
 * so a file that a crash left behind locks nothing.
 *
 * Node.js has no file locks of its own; SQLite's exclusive lock on an empty database is one. On POSIX such a lock is lost
 * when its process closes any descriptor of the file: nothing else here may open it.
 */
export class InstanceLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * @param option names another place for the file
   * @returns the lock, or `undefined` when another process holds it
   * @throws {ServerError} STATE_INVALID when the file cannot be used, NOT_PERMITTED when this user may not
   */
  static acquire(path: string, option?: "--prefix" | "--state-dir"): InstanceLock | undefined {
    let database: DatabaseSync | undefined;
    try {
      refuseOthers(path);
      database = new DatabaseSync(path, { timeout: patienceMs });
      // Nothing is ever written, so no journal needs to be beside the file.
      database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
      return new InstanceLock(database);
    } catch (error) {
      database?.close();
      if (error instanceof ServerError) throw error;
      if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined;
      throw cannotLock(path, option, error);
    }
  }

  release(): void {
    this.#database.close();
  }
}

/** SQLite opens by itself: it would make an empty database of what a link leads to, and wait for the other end of a named pipe. */
function refuseOthers(path: string): void {
  for (const file of [path, `${path}-journal`]) {
    const stats = lstatSync(file, { throwIfNoEntry: false });
    if (stats === undefined || stats.isFile()) continue;
    const what = stats.isSymbolicLink() ? "a link" : "no file";
    throw new ServerError("STATE_INVALID", `${file} is ${what}: remove it, no server runs here`);
  }
}

/** SQLite does not say why a file cannot be opened: the system does. */
function cannotLock(
  path: string,
  option: "--prefix" | "--state-dir" | undefined,
  error: unknown,
): ServerError {
  try {
    closeSync(openOwnFileSync(path, appendFlags, 0o600));
  } catch (cause) {
    const code = isAboutRights(cause) ? "NOT_PERMITTED" : "STATE_INVALID";
    return new ServerError(code, `cannot lock ${path}: ${fileProblemOf(cause, path, option)}`, { cause });
  }
  return new ServerError(
    "STATE_INVALID",
    `cannot lock ${path}: ${wordsOf(error)}; remove the file if it is damaged, no server runs here`,
    { cause: error },
  );
}

/** A holder that ends has freed the lock a moment after the process is seen to be gone. */
const patienceMs = 200;

/** `SQLITE_BUSY`. */
const sqliteBusy = 5;
