import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readOwnFile } from "../../platform/own-file.ts";
import { writeFileAtomically } from "../../platform/atomic-file.ts";
import type { StatePaths } from "../../state-paths.ts";
import { fileProblemOf, wordsOf } from "../../error-words.ts";
import { ServerError } from "../../errors.ts";
import type { FormerUnit } from "./former-units.ts";

/**
 * Where a configuration was imported from, in `imported.json` of the state directory. It is written before anything is done,
 * so that an import that broke off is taken up again, and with it what is to be started again if it fails.
 */
export interface ImportRecord {
  readonly format: 1;
  /** The file that was imported. */
  readonly from: string;
  /** What was named with `--import`, by which the same import is known when the file is gone. */
  readonly named: string;
  /** The server was healthy with it. */
  readonly complete: boolean;
  /** What ran the former server and no longer does. */
  readonly units: readonly FormerUnit[];
  /** Its executables that ran without a unit. */
  readonly executables: readonly string[];
}

type Paths = Pick<StatePaths, "stateDirectory">;

export function importRecordFile({ stateDirectory }: Paths): string {
  return join(stateDirectory, "imported.json");
}

/**
 * @returns undefined when nothing was imported
 * @throws {ServerError} STATE_INVALID when it cannot be read
 */
export async function readImportRecord(paths: Paths): Promise<ImportRecord | undefined> {
  const file = importRecordFile(paths);
  try {
    const record = JSON.parse((await readOwnFile(file)).toString()) as ImportRecord;
    const { format, from, named, complete, units, executables } = record;
    const isRecord =
      Number(format) === 1 &&
      [from, named].every((path) => typeof path === "string") &&
      typeof complete === "boolean" &&
      Array.isArray(units) &&
      Array.isArray(executables);
    if (!isRecord) throw new Error("it is not what an import writes");
    return record;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ServerError(
      "STATE_INVALID",
      `cannot read ${file}, which tells what was imported: ${wordsOf(error)}; move it away to go on without --import`,
      { cause: error },
    );
  }
}

/** @throws {ServerError} STATE_INVALID when it cannot be written */
export async function writeImportRecord(paths: Paths, record: ImportRecord): Promise<void> {
  const file = importRecordFile(paths);
  try {
    await writeFileAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new ServerError(
      "STATE_INVALID",
      `cannot write ${file}: ${fileProblemOf(error, paths.stateDirectory, "--state-dir")}`,
      { cause: error },
    );
  }
}

export async function removeImportRecord(paths: Paths): Promise<void> {
  await rm(importRecordFile(paths), { force: true });
}
