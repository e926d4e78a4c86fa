import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { identifyProcess, type ProcessIdentity } from "../../server/platform/process-identity.ts";

/** The running processes whose executable lies below a folder, even one that has been removed in the meantime. */
export function processesBelow(directory: string): Promise<ProcessIdentity[]> {
  return processesWhere(async (process) =>
    (await readlink(join(process, "exe"))).startsWith(`${directory}/`),
  );
}

/** The running processes of an engine with this PULUMI_HOME: a killed engine leaves its language host behind. */
export function processesOfEngine(pulumiHome: string): Promise<ProcessIdentity[]> {
  return processesWhere(async (process) => {
    const environment = await readFile(join(process, "environ"), "latin1");
    return environment.split("\0").includes(`PULUMI_HOME=${pulumiHome}`);
  });
}

/** @param matches is given the process's folder in /proc; what it throws means no: the process is gone, or not ours */
export async function processesWhere(
  matches: (process: string) => Promise<boolean>,
): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const identity = identifyProcess(Number(name));
    if (identity !== undefined && (await matches(join("/proc", name)).catch(() => false)))
      found.push(identity);
  }
  return found;
}
