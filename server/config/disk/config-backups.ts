import { lstat, mkdir, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readOwnFile } from "../../platform/own-file.ts";
import { writeFileAtomically } from "../../platform/atomic-file.ts";
import { isSameBytes } from "../../long-bytes.ts";

const dayMs = 86_400_000;

/** Backups that are kept: the newest ones, and of those before the last of each day for some days. */
const keptBackups = { newest: 10, days: 14 } as const;

export interface Backup {
  readonly path: string;
  readonly number: number;
  /** Unix time in milliseconds. */
  readonly writtenAt: number;
}

/**
 * The folder of a configuration's backups, named and numbered as the official server does (`Mayaqua/Cfg.c`):
 * `backup.vpn_server.config/00000001_vpn_server.config`.
 */
export function backupDirectoryOf(configFile: string): string {
  return join(dirname(configFile), `backup.${basename(configFile)}`);
}

/** The backups of a configuration, the newest first. */
export async function listBackups(configFile: string): Promise<Backup[]> {
  const directory = backupDirectoryOf(configFile);
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const numbered = names.flatMap((name) => {
    const number = numberOf(name, configFile);
    return number === undefined ? [] : [{ path: join(directory, name), number }];
  });
  const backups = await Promise.all(
    numbered.map(async (backup) => {
      try {
        return { ...backup, writtenAt: (await lstat(backup.path)).mtimeMs };
      } catch {
        // Taken away since.
        return undefined;
      }
    }),
  );
  return backups.filter((backup) => backup !== undefined).sort((one, other) => other.number - one.number);
}

/**
 * Keeps a copy of a configuration, on the disk when this resolves, and takes away those that are no longer needed.
 *
 * @param bytes of the whole file
 */
export async function writeBackup(configFile: string, bytes: Uint8Array): Promise<void> {
  await mkdir(backupDirectoryOf(configFile), { recursive: true, mode: 0o700 });
  const backups = await listBackups(configFile);
  const newest = backups[0];
  if (newest !== undefined && (await isSameBytes(await readOwnFile(newest.path), bytes))) return;
  const number = (newest?.number ?? 0) + 1;
  const name = `${String(number).padStart(8, "0")}_${basename(configFile)}`;
  await writeFileAtomically(join(backupDirectoryOf(configFile), name), bytes, { mode: 0o600 });
  for (const { path } of superfluousBackups(backups)) await rm(path, { force: true });
}

/** Those of `backups`, the newest first, that are not needed beside one more, which is newer. */
export function superfluousBackups(backups: readonly Backup[]): Backup[] {
  const days = new Set<number>();
  return backups.slice(keptBackups.newest - 1).filter(({ writtenAt }) => {
    const day = Math.floor(writtenAt / dayMs);
    if (days.has(day) || days.size === keptBackups.days) return true;
    days.add(day);
    return false;
  });
}

function numberOf(name: string, configFile: string): number | undefined {
  const [digits, rest] = [/^\d{8,15}(?=_)/.exec(name)?.[0], basename(configFile)];
  return digits !== undefined && name === `${digits}_${rest}` ? Number(digits) : undefined;
}
