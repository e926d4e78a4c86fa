import { constants } from "node:fs";
import { copyFile, open, readdir, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeFileAtomically } from "../atomic-file.ts";
import { ServerError } from "../errors.ts";
import { listBackups, writeBackup } from "./config-backups.ts";
import type { ConfigChange } from "./config-change.ts";
import { journalFileOf, readStoredConfig, sha256Of, versionOf, type StoredConfig } from "./config-reader.ts";
import { configLimits, formatConfig, type ConfigDocument } from "./config-text.ts";
import { encodeJournalHeader, encodeJournalRecord, journalSeed } from "./journal-text.ts";

export const journalLimits = {
  /** One record; larger changes are written as a whole configuration. */
  recordBytes: 1024 * 1024,
  /** The whole journal, beyond which it is folded. */
  bytes: 4 * 1024 * 1024,
} as const;

/** Files that could not be used, of one kind, that are kept aside. */
const keptAside = 5;

/**
 * Each write is on the disk when it is done, where the system can promise that in one call: it is a third quicker than to write and to
 * ask for it then.
 */
const writesThrough = process.platform === "linux";
const journalFlags = constants.O_RDWR | (writesThrough ? constants.O_DSYNC : 0);

interface OpenJournal {
  readonly handle: FileHandle;
  bytes: number;
  checksum: number;
}

/**
 * `vpn_server.config` with its journal and backups on the disk, for the one process that may write them. Calls follow each
 * other: one at a time.
 */
export class ConfigStorage {
  readonly #path: string;
  readonly #now: () => number;
  readonly #warn: (problem: string) => void;
  #journal: OpenJournal | undefined;
  /** What the file itself holds; undefined until it was written. */
  #sha256: string | undefined;
  #version: string | undefined;

  /**
   * @param now Unix time in milliseconds
   * @param warn called with what is not as it should be, and does not keep the server from working
   */
  constructor(path: string, now: () => number, warn: (problem: string) => void) {
    this.#path = path;
    this.#now = now;
    this.#warn = warn;
  }

  /**
   * Reads what is there. Files that cannot be used are kept aside under names that say so, and the configuration that takes
   * their place is written. Undefined when there is no configuration.
   *
   * @throws {ServerError} STATE_INVALID when there is a file that cannot be used, and no backup
   */
  async read(check: (document: ConfigDocument) => void): Promise<StoredConfig | undefined> {
    await this.close();
    const stored = await readStoredConfig(this.#path, check);
    for (const problem of stored?.problems ?? []) this.#warn(problem);
    this.#version = stored?.version;
    this.#sha256 = stored?.file?.sha256;
    if (stored === undefined) {
      await this.#noFile();
      return undefined;
    }
    const { journal } = stored;
    if (stored.file === undefined || stored.hasUnusableJournal) {
      if (stored.file === undefined) await this.keepFileAside();
      if (stored.hasUnusableJournal) await this.#keepAside(journalFileOf(this.#path));
      // Until that works, each change is written as a whole configuration.
      this.#sha256 = undefined;
      await this.#foldIfPossible(stored.document);
    } else if (journal !== undefined) {
      const handle = await open(journalFileOf(this.#path), journalFlags);
      // What a crash left of a record that nobody was told of.
      await handle.truncate(journal.validBytes);
      this.#journal = { handle, bytes: journal.validBytes, checksum: journal.checksum };
    }
    return stored;
  }

  /**
   * Whether somebody else has written the file since. Asks at once: the answer comes from memory in some millionths of a second, and a
   * thread for it would take longer than all else of a small change.
   */
  isChangedByOthers(): boolean {
    return versionOf(this.#path) !== this.#version;
  }

  /** The journal is large enough to be folded. */
  get wantsFold(): boolean {
    return (this.#journal?.bytes ?? 0) > journalLimits.bytes;
  }

  /** There is a file, which changes can be added to. */
  get isWritten(): boolean {
    return this.#sha256 !== undefined;
  }

  /** The file itself does not hold everything. */
  get hasJournal(): boolean {
    return this.#journal !== undefined;
  }

  /**
   * Puts changes on the disk, all or none: into the journal if that can be, else by writing the whole configuration.
   *
   * @param document what the changes lead to
   * @throws {ServerError} STATE_INVALID when that fails; nothing has changed then
   */
  async append(changes: readonly ConfigChange[] | undefined, document: ConfigDocument): Promise<void> {
    if (changes?.length === 0) return;
    if (changes === undefined || this.#sha256 === undefined) return void (await this.fold(document));
    try {
      const journal = (this.#journal ??= await this.#createJournal(this.#sha256));
      const { line, checksum } = encodeJournalRecord({ changes }, journal.checksum);
      if (line.length > journalLimits.recordBytes) return void (await this.fold(document));
      await this.#appendLine(journal, line, checksum);
    } catch (error) {
      throw this.#writeError(error);
    }
  }

  /**
   * Writes the whole configuration, after which there is no journal; resolves with its size in bytes. A backup is written
   * first, so that the newest one is never behind the file.
   *
   * @throws {ServerError} STATE_INVALID when that fails; nothing has changed then
   */
  async fold(document: ConfigDocument): Promise<number> {
    try {
      const bytes = formatConfig(document);
      if (bytes.length > configLimits.bytes) {
        throw new Error(`it would be larger than ${configLimits.bytes} bytes`);
      }
      const sha256 = sha256Of(bytes);
      await this.#backUp(bytes);
      if (this.#journal !== undefined) {
        const { line, checksum } = encodeJournalRecord({ folded: sha256 }, this.#journal.checksum);
        await this.#appendLine(this.#journal, line, checksum);
      }
      await writeFileAtomically(this.#path, bytes, { mode: 0o600 });
      this.#sha256 = sha256;
      this.#version = versionOf(this.#path);
      await this.close();
      await rm(journalFileOf(this.#path), { force: true });
      return bytes.length;
    } catch (error) {
      throw this.#writeError(error);
    }
  }

  /** Keeps a copy of the file, which is about to be replaced, under a name that says so. */
  async keepFileAside(): Promise<void> {
    await this.#keepAside(this.#path);
  }

  async close(): Promise<void> {
    const journal = this.#journal;
    this.#journal = undefined;
    await journal?.handle.close();
  }

  async #createJournal(base: string): Promise<OpenJournal> {
    const handle = await open(
      journalFileOf(this.#path),
      journalFlags | constants.O_CREAT | constants.O_TRUNC,
      0o600,
    );
    try {
      await handle.chmod(0o600);
      const header = encodeJournalHeader(base);
      await writeAt(handle, header, 0);
      await handle.sync();
      await syncDirectory(dirname(this.#path));
      return { handle, bytes: header.length, checksum: journalSeed(base) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #appendLine(journal: OpenJournal, line: Buffer, checksum: number): Promise<void> {
    try {
      await writeAt(journal.handle, line, journal.bytes);
      if (!writesThrough) await journal.handle.datasync();
    } catch (error) {
      // Whatever of it is there must not be taken for a change: it is written over, or cut off here.
      await journal.handle.truncate(journal.bytes).catch(() => {});
      throw error;
    }
    journal.bytes += line.length;
    journal.checksum = checksum;
  }

  async #foldIfPossible(document: ConfigDocument): Promise<void> {
    try {
      await this.fold(document);
    } catch (error) {
      this.#warn((error as Error).message);
    }
  }

  async #backUp(bytes: Buffer): Promise<void> {
    try {
      await writeBackup(this.#path, bytes);
    } catch (error) {
      this.#warn(`no backup of ${this.#path} could be written: ${(error as Error).message}`);
    }
  }

  /** There is nothing that its journal could be applied to. */
  async #noFile(): Promise<void> {
    const journalFile = journalFileOf(this.#path);
    if (versionOf(journalFile) !== undefined) {
      this.#warn(
        `the journal ${journalFile} belongs to a configuration that is not there: it is not applied`,
      );
      await this.#keepAside(journalFile);
      await rm(journalFile, { force: true });
    }
    const [newest] = await listBackups(this.#path);
    if (newest !== undefined) {
      this.#warn(
        `there is no ${this.#path}: the server begins with the defaults; its newest backup is ${newest.path}`,
      );
    }
  }

  /** A copy: at no moment there is no configuration. */
  async #keepAside(path: string): Promise<void> {
    const time = new Date(this.#now()).toISOString().replace(/[-:.]/g, "");
    const aside = `${path}.unusable-${time}`;
    try {
      await copyFile(path, aside);
      this.#warn(`${path} is kept as ${aside}`);
      const prefix = `${basename(path)}.unusable-`;
      const names = (await readdir(dirname(path))).filter((name) => name.startsWith(prefix)).sort();
      for (const name of names.slice(0, -keptAside)) await rm(join(dirname(path), name), { force: true });
    } catch (error) {
      this.#warn(`${path} could not be kept as ${aside}: ${(error as Error).message}`);
    }
  }

  #writeError(error: unknown): ServerError {
    if (error instanceof ServerError) return error;
    return new ServerError("STATE_INVALID", `cannot write ${this.#path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
