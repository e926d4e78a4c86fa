import { lstatSync } from "node:fs";
import { readOwnFile } from "../../platform/own-file.ts";
import { ServerError } from "../../errors.ts";
import { listBackups } from "./config-backups.ts";
import { RestrictionError } from "../text/config-fields.ts";
import { withChanges } from "../text/config-change.ts";
import type { ConfigDocument } from "../text/config-node.ts";
import { configLimits, parseConfigInSteps } from "../text/config-text.ts";
import { parseJournal, type Journal } from "../text/journal-text.ts";
import { turns, type Steps } from "../../turns.ts";
import { sha256InSteps } from "../../long-bytes.ts";

/** Looks at a file that another process writes anew at the same time. */
const mostLooks = 20;

/** Throws for a document whose values cannot be used. */
export type CheckDocument = (document: ConfigDocument) => Steps<unknown>;

/** A configuration as it is on the disk. */
export interface StoredConfig {
  /** With the changes of the journal. */
  readonly document: ConfigDocument;
  /** Tells the file from what it is later. */
  readonly version: string;
  /** What the file itself holds; undefined when it cannot be used and a backup was taken instead. */
  readonly file: { readonly document: ConfigDocument; readonly sha256: string } | undefined;
  /** Undefined when there is none, or none that belongs to the file. */
  readonly journal: Journal | undefined;
  /** A journal that cannot be used, or not wholly. */
  readonly hasUnusableJournal: boolean;
  /** What is not as it should be, for people. */
  readonly problems: readonly string[];
}

/** The journal of a configuration. */
export function journalFileOf(configFile: string): string {
  return `${configFile}.journal`;
}

/**
 * Reads a configuration with its journal, and changes nothing. In the place of a file that cannot be used the newest of its
 * backups is taken that can, except where the file restricts what cannot be restricted here. Undefined when there is no file. A server
 * that runs may do so too, and goes on meanwhile.
 *
 * @throws {ServerError} STATE_INVALID when the file cannot be read, or cannot be used and has no backup
 */
export async function readStoredConfig(
  path: string,
  check: CheckDocument,
): Promise<StoredConfig | undefined> {
  for (let look = 1; ; look++) {
    const version = versionOf(path);
    const bytes = await readBytes(path);
    const journal = await readBytes(journalFileOf(path));
    // A file and the journal of another moment do not belong together.
    if (version !== versionOf(path) && look < mostLooks) continue;
    if (version === undefined || bytes === undefined) return undefined;
    return understand(path, version, bytes, journal, check);
  }
}

/** Tells a file from what it was before; undefined when there is none. */
export function versionOf(path: string): string | undefined {
  try {
    const { ino, size, mtimeNs } = lstatSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return undefined;
  }
}

/** The error of a file that cannot be used. */
export function damaged(path: string, problem: string, cause?: unknown): ServerError {
  return new ServerError(
    "STATE_INVALID",
    `the configuration ${path} cannot be used: ${problem}; the file was left as it is: correct it, put a backup back, or move it away to begin with the defaults`,
    { cause },
  );
}

async function understand(
  path: string,
  version: string,
  bytes: Buffer,
  journalBytes: Buffer | undefined,
  check: CheckDocument,
): Promise<StoredConfig> {
  const problems: string[] = [];
  let document: ConfigDocument;
  let sha256 = await sha256InSteps(bytes);
  let file: StoredConfig["file"];
  try {
    document = await checked(bytes, check);
    file = { document, sha256 };
  } catch (error) {
    if (error instanceof RestrictionError) throw damaged(path, error.message, error);
    const backup = await newestGoodBackup(path, check);
    if (backup === undefined) throw damaged(path, (error as Error).message, error);
    ({ document, sha256 } = backup);
    problems.push(
      `the configuration ${path} cannot be used: ${(error as Error).message}; the last good one is used instead: ${backup.path}`,
    );
  }
  const journal = journalBytes && parseJournal(journalBytes);
  if (journal === undefined) {
    return { document, version, file, journal, hasUnusableJournal: false, problems };
  }
  const journalFile = journalFileOf(path);
  const first = firstRecordAfter(journal, sha256);
  if (first === undefined) {
    problems.push(
      journal.base === ""
        ? `the journal ${journalFile} is damaged: changes that it holds are not applied`
        : `the journal ${journalFile} belongs to another configuration than ${path}: the changes that it holds are not applied`,
    );
    return { document, version, file, journal: undefined, hasUnusableJournal: true, problems };
  }
  try {
    const changes = journal.records
      .slice(first)
      .flatMap((record) => ("changes" in record ? record.changes : []));
    const changed = changes.length === 0 ? document : withChanges(document, changes);
    await turns.run(check(changed));
    if (journal.isDamaged) {
      problems.push(
        `the journal ${journalFile} is damaged after ${journal.validBytes} bytes: the changes before that are applied, those after it are not`,
      );
    }
    return { document: changed, version, file, journal, hasUnusableJournal: journal.isDamaged, problems };
  } catch (error) {
    problems.push(
      `the journal ${journalFile} does not fit the configuration (${(error as Error).message}): the changes that it holds are not applied`,
    );
    return { document, version, file, journal: undefined, hasUnusableJournal: true, problems };
  }
}

/** Index of the first record that a configuration does not hold yet; undefined when the journal belongs to another. */
function firstRecordAfter({ base, records }: Journal, sha256: string): number | undefined {
  const folded = records.findLastIndex((record) => "folded" in record && record.folded === sha256);
  if (folded !== -1) return folded + 1;
  return base === sha256 ? 0 : undefined;
}

async function newestGoodBackup(path: string, check: CheckDocument) {
  for (const backup of await listBackups(path)) {
    try {
      const bytes = await readOwnFile(backup.path);
      const document = await checked(bytes, check);
      return { path: backup.path, document, sha256: await sha256InSteps(bytes) };
    } catch {
      // The one before it, then.
    }
  }
  return undefined;
}

async function checked(bytes: Uint8Array, check: CheckDocument): Promise<ConfigDocument> {
  const document = await turns.run(parseConfigInSteps(bytes));
  await turns.run(check(document));
  return document;
}

async function readBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readOwnFile(path, configLimits.bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ServerError("STATE_INVALID", `cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
