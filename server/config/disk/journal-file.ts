import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { openOwnFile } from "../../platform/own-file.ts";
import { syncFolder } from "../../platform/sync-folder.ts";
import {
  encodeJournalHeader,
  encodeJournalRecord,
  isLongerThan,
  journalSeed,
  type Journal,
  type JournalRecord,
} from "../text/journal-text.ts";

export const journalLimits = {
  /** One record, which is made in one step; larger changes are written as a whole configuration. */
  recordBytes: 256 * 1024,
  /** Changes of one record. */
  changes: 1024,
  /** The whole journal, beyond which it is folded. */
  bytes: 4 * 1024 * 1024,
  /** Zeros that are written ahead of the records. */
  reservedBytes: 128 * 1024,
} as const;

/**
 * Each write is on the disk when it is done, where the system can promise that in one call: it is a third quicker than to write and to
 * ask for it then.
 */
const writesThrough = process.platform === "linux";
const journalFlags = constants.O_RDWR | (writesThrough ? constants.O_DSYNC : 0);

/** What is needed of an open file. */
export type JournalHandle = Pick<FileHandle, "chmod" | "close" | "datasync" | "sync" | "truncate" | "write">;
export type OpenJournalHandle = (path: string, flags: number, mode?: number) => Promise<JournalHandle>;

/**
 * A journal that is open for writing. Calls follow each other: one at a time.
 *
 * Records are written over zeros that are on the disk already: a file that does not grow needs one write of the disk for a
 * record, and none of the file system's own records, which takes half the time.
 */
export class JournalFile {
  readonly #handle: JournalHandle;
  #bytes: number;
  #checksum: number;
  /** Where the zeros end that are written ahead; at least the bytes of the records. */
  #reservedEnd: number;
  /** Something may be there behind the last record that is none. */
  #hasRest = false;

  private constructor(handle: JournalHandle, bytes: number, checksum: number, reservedEnd = bytes) {
    this.#handle = handle;
    this.#bytes = bytes;
    this.#checksum = checksum;
    this.#reservedEnd = reservedEnd;
  }

  /**
   * Makes the journal of a configuration, in the place of one that may be there; on the disk when this resolves.
   *
   * @param base SHA-256 of the configuration
   */
  static async create(
    path: string,
    base: string,
    openHandle: OpenJournalHandle = openOwnFile,
  ): Promise<JournalFile> {
    const flags = journalFlags | constants.O_CREAT | constants.O_TRUNC;
    const handle = await openHandle(path, flags, 0o600);
    try {
      await handle.chmod(0o600);
      const header = encodeJournalHeader(base);
      await writeAt(handle, header, 0);
      await handle.sync();
      await syncFolder(dirname(path));
      return new JournalFile(handle, header.length, journalSeed(base));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Goes on with a journal, without what a crash left of a record that nobody was told of. */
  static async reopen(
    path: string,
    { validBytes, checksum }: Journal,
    openHandle: OpenJournalHandle = openOwnFile,
  ): Promise<JournalFile> {
    const handle = await openHandle(path, journalFlags);
    try {
      await handle.truncate(validBytes);
      return new JournalFile(handle, validBytes, checksum);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Of the header and all records. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Puts a record on the disk. False when it is too large for a journal: nothing is written then.
   *
   * @throws when that fails; nothing of it counts then, and the next one can be written
   */
  async append(record: JournalRecord): Promise<boolean> {
    if (isLongerThan(record, journalLimits.recordBytes)) return false;
    const { line, checksum } = encodeJournalRecord(record, this.#checksum);
    if (line.length > journalLimits.recordBytes) return false;
    if (this.#hasRest) await this.#cut();
    if (this.#bytes + line.length > this.#reservedEnd) await this.#reserve(line.length);
    try {
      await this.#write(line, this.#bytes);
    } catch (error) {
      await this.#cut().catch(() => {});
      throw error;
    }
    this.#bytes += line.length;
    this.#reservedEnd = Math.max(this.#reservedEnd, this.#bytes);
    this.#checksum = checksum;
    return true;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** Where there is no room for it, the record that comes may still have enough. */
  async #reserve(lineBytes: number): Promise<void> {
    const zeros = Buffer.alloc(lineBytes + journalLimits.reservedBytes);
    try {
      await this.#write(zeros, this.#bytes);
      this.#reservedEnd = this.#bytes + zeros.length;
    } catch {
      await this.#cut();
    }
  }

  /** What is written in part must not be taken for a record. */
  async #cut(): Promise<void> {
    this.#hasRest = true;
    await this.#handle.truncate(this.#bytes);
    this.#reservedEnd = this.#bytes;
    this.#hasRest = false;
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    await writeAt(this.#handle, bytes, position);
    if (!writesThrough) await this.#handle.datasync();
  }
}

async function writeAt(handle: JournalHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}
