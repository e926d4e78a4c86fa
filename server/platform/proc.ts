import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ServerError } from "../errors.ts";

/**
 * Makes sure that this host tells of its processes, by which the server knows its own and even finds its executable.
 *
 * @param procDirectory stands in for `/proc` in tests
 * @throws {ServerError} UNSUPPORTED when it does not
 */
export function checkProc(procDirectory = "/proc"): void {
  if (process.platform !== "linux" || existsSync(join(procDirectory, "self", "stat"))) return;
  throw new ServerError(
    "UNSUPPORTED",
    `${procDirectory} is not mounted, and the server cannot run without it: mount it (mount -t proc proc ${procDirectory})`,
  );
}

/**
 * Boot of the machine and start of a process within it, as Linux tells them; opaque. Undefined when there is no such process,
 * or when it only waits for its parent and holds on to nothing any more.
 */
export function startInProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name is in parentheses and may hold anything; the fields after it are of a fixed form (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const threads = Number(fields[17]);
    const startTime = fields[19];
    if (state === undefined || startTime === undefined) return undefined;
    // While other threads of a process that was killed end, they keep its ports and locks.
    if (state === "X" || (state === "Z" && threads <= 1)) return undefined;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return `${boot}/${startTime}`;
  } catch {
    return undefined;
  }
}

/**
 * Children of a process that have ended, of which it has not taken notice yet.
 *
 * @param procDirectory stands in for `/proc` in tests
 */
export function endedChildren(parent: number, procDirectory = "/proc"): number[] {
  return processIds(procDirectory).filter((pid) => {
    try {
      const stat = readFileSync(join(procDirectory, String(pid), "stat"), "latin1");
      const [state, itsParent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" && itsParent === String(parent);
    } catch {
      // It is gone.
      return false;
    }
  });
}

/** How many files, sockets among them, this process may have open. */
export function openFileLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? [];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    // Another system tells no bound in this way.
    return Infinity;
  }
}

/** Numbers of capabilities (linux/capability.h). */
const capabilities = { CAP_NET_ADMIN: 12 } as const;

/** Whether this process has a right of root's. */
export function hasCapability(name: keyof typeof capabilities): boolean {
  try {
    const [, effective = "0"] =
      /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
    return ((BigInt(`0x${effective}`) >> BigInt(capabilities[name])) & 1n) === 1n;
  } catch {
    return false;
  }
}

/** A process, as far as its user and the system tell. */
export interface ListedProcess {
  readonly pid: number;
  readonly uid: number;
  /** Undefined for another user's, which only root sees. */
  readonly executable: string | undefined;
  /** First word of its command line. */
  readonly firstWord: string;
  /** Undefined as {@link executable}. */
  readonly workingDirectory: string | undefined;
  /** Unit of systemd that it belongs to. */
  readonly unit: string | undefined;
}

/**
 * The processes whose command has that name, without those in containers, whose paths are not those of this host.
 *
 * @param procDirectory stands in for `/proc` in tests
 */
export function processesNamed(name: string, procDirectory = "/proc"): ListedProcess[] {
  return processIds(procDirectory).flatMap((pid) => processNamed(name, procDirectory, String(pid)) ?? []);
}

function processIds(procDirectory: string): number[] {
  return readdirSync(procDirectory)
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

/** Tables of iptables in the kernel's older way, which nft does not show, such as `filter`; empty where there is none. */
export async function legacyIptablesTables(): Promise<string[]> {
  const names = await readFile("/proc/net/ip_tables_names", "utf8").catch(() => "");
  return names.split("\n").filter((name) => name !== "");
}

function processNamed(name: string, procDirectory: string, pid: string): ListedProcess | undefined {
  const folder = join(procDirectory, pid);
  try {
    if (readFileSync(join(folder, "comm"), "utf8").trim() !== name) return undefined;
    const [its, own] = [folder, join(procDirectory, "self")].map((of) => linkTarget(join(of, "ns/pid")));
    if (its !== undefined && its !== own) return undefined;
    const [firstWord = ""] = readFileSync(join(folder, "cmdline"), "utf8").split("\0");
    const [, unit] = /\/([^/\n]+\.service)$/m.exec(readFileSync(join(folder, "cgroup"), "utf8")) ?? [];
    return {
      pid: Number(pid),
      uid: statSync(folder).uid,
      executable: linkTarget(join(folder, "exe"))?.replace(/ \(deleted\)$/, ""),
      firstWord,
      workingDirectory: linkTarget(join(folder, "cwd")),
      unit,
    };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
