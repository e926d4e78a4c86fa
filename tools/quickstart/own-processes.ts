import { readdir, readlink } from "node:fs/promises";
import { identifyProcess, type ProcessIdentity } from "../../server/supervisor/process-identity.ts";

/** The running processes whose executable lies below a folder, even one that has been removed in the meantime. */
export async function processesBelow(directory: string): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const identity = identifyProcess(pid);
    // Gone in the meantime, or somebody else's.
    const executable = await readlink(`/proc/${pid}/exe`).catch(() => "");
    if (identity !== undefined && executable.startsWith(`${directory}/`)) found.push(identity);
  }
  return found;
}
