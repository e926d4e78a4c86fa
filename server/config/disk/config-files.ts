import { open, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readOwnFile } from "../../platform/own-file.ts";
import { writeFileAtomically } from "../../platform/atomic-file.ts";
import { fileProblemOf } from "../../error-words.ts";
import { ServerError } from "../../errors.ts";
import { listBackups, writeBackup } from "./config-backups.ts";
import type { ConfigChange } from "../text/config-change.ts";
import {
  journalFileOf,
  readStoredConfig,
  versionOf,
  type CheckDocument,
  type StoredConfig,
} from "./config-reader.ts";
import { formatConfigInSteps } from "../text/config-format.ts";
import type { ConfigDocument } from "../text/config-node.ts";
import { configLimits } from "../text/config-text.ts";
import { turns } from "../../turns.ts";
import { JournalFile, journalLimits, type OpenJournalHandle } from "./journal-file.ts";
import { joined, sha256InSteps } from "../../long-bytes.ts";

/** Files that could not be used, of one kind, that are kept aside. */
const keptAside = 5;

/** What files are written with. */
export interface ConfigDisk {
  readonly openJournal: OpenJournalHandle;
  readonly writeFileAtomically: typeof writeFileAtomically;
}

const realDisk: ConfigDisk = { openJournal: open, writeFileAtomically };

/**
 * `vpn_server.config` with its journal and backups on the disk, for the one process that may write them. Calls follow each
 * other: one at a time.
 */
export class ConfigFiles {
  readonly #path: string;
  readonly #now: () => number;
  readonly #warn: (problem: string) => void;
  readonly #disk: ConfigDisk;
  #journal: JournalFile | undefined;
  /** What the file itself holds; undefined until it was written. */
  #sha256: string | undefined;
  #version: string | undefined;

  /**
   * @param now Unix time in milliseconds
   * @param warn called with what is not as it should be, and does not keep the server from working
   */
  constructor(path: string, now: () => number, warn: (problem: string) => void, disk: ConfigDisk = realDisk) {
    this.#path = path;
    this.#disk = disk;
    this.#now = now;
    this.#warn = warn;
  }

  /**
   * Reads what is there. Files that cannot be used are kept aside under names that say so, and the configuration that takes
   * their place is written. Undefined when there is no configuration.
   *
   * @throws {ServerError} STATE_INVALID when there is a file that cannot be used, and no backup
   */
  async read(check: CheckDocument): Promise<StoredConfig | undefined> {
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
      this.#journal = await JournalFile.reopen(journalFileOf(this.#path), journal, this.#disk.openJournal);
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
      this.#journal ??= await JournalFile.create(
        journalFileOf(this.#path),
        this.#sha256,
        this.#disk.openJournal,
      );
      if (!(await this.#journal.append({ changes }))) await this.fold(document);
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
      const bytes = await joined(await turns.run(formatConfigInSteps(document)));
      if (bytes.length > configLimits.bytes) {
        throw new Error(`it would be larger than ${configLimits.bytes} bytes`);
      }
      const sha256 = await sha256InSteps(bytes);
      await this.#backUp(bytes);
      await this.#journal?.append({ folded: sha256 });
      await this.#disk.writeFileAtomically(this.#path, bytes, { mode: 0o600 });
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
    await journal?.close();
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
      await writeFileAtomically(aside, await readOwnFile(path), { mode: 0o600 });
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
    return new ServerError(
      "STATE_INVALID",
      `cannot write ${this.#path}: ${fileProblemOf(error, this.#path)}`,
      {
        cause: error,
      },
    );
  }
}
