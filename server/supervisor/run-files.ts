import { writeFileSync } from "node:fs";
import { readOwnFileSync } from "../platform/own-file.ts";
import type { StatePaths } from "../state-paths.ts";
import type { ProcessIdentity } from "../platform/process-identity.ts";
import { removeFile } from "../platform/remove-file.ts";
import { renameFileSync } from "../platform/rename-file.ts";

/** The two processes of a server; the worker is missing while it is started again. */
export interface ServerProcesses {
  readonly supervisor: ProcessIdentity;
  readonly worker?: ProcessIdentity | undefined;
}

/** Says which processes the server is; for the holder of the instance lock. */
export function writeRunFiles(paths: StatePaths, processes: ServerProcesses): void {
  write(paths.processesFile, `${JSON.stringify(processes)}\n`);
  write(paths.pidFile, `${processes.supervisor.pid}\n`);
}

/** For the holder of the instance lock, at its end. */
export function removeRunFiles(paths: StatePaths): void {
  for (const file of [paths.pidFile, paths.processesFile]) removeFile(file);
}

/** The processes of the last server of this state directory, which may have ended since. */
export function readRunFiles(paths: StatePaths): ServerProcesses | undefined {
  let record: Partial<ServerProcesses>;
  try {
    record = JSON.parse(readOwnFileSync(paths.processesFile).toString()) as Partial<ServerProcesses>;
  } catch {
    return undefined;
  }
  const { supervisor, worker } = record ?? {};
  if (!isIdentity(supervisor)) return undefined;
  return isIdentity(worker) ? { supervisor, worker } : { supervisor };
}

function isIdentity(value: unknown): value is ProcessIdentity {
  const { pid, started } = (value ?? {}) as Partial<ProcessIdentity>;
  return Number.isInteger(pid) && (pid as number) >= 1 && typeof started === "string";
}

// Not forced to the disk: after a power cut these processes are gone anyway.
function write(path: string, content: string): void {
  const fresh = `${path}.new`;
  // What a crash left there, and never what a link leads to.
  removeFile(fresh);
  writeFileSync(fresh, content, { mode: 0o600, flag: "wx" });
  renameFileSync(fresh, path);
}
