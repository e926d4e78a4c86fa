import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  type Dirent,
} from "node:fs";
import { basename, join } from "node:path";

/**
 * Everything that a lab puts on the machine bears its name, which tells the process that made it: folders below
 * {@link labsDirectory}, network namespaces and control groups. So a later process can tell what is left over from one
 * that was killed. All of it is synchronous, since it has to work while the process exits.
 */
const prefix = "vpnlab-";
const labsDirectory = "/run/vpnserver-lab";
const namespacesDirectory = "/run/netns";
const settingsDirectory = "/etc/netns";
const endDeadlineMs = 10_000;

let labsSoFar = 0;

/** The name of the next lab of this process: `vpnlab-<pid>-<start time>-<count>`. */
export function nextLabName(): string {
  return `${prefix}${process.pid}-${startTime(process.pid)}-${++labsSoFar}`;
}

/** The lab's folder, for keys, sockets and mount points. */
export function labDirectory(lab: string): string {
  return join(labsDirectory, lab);
}

/** Where `ip netns exec` looks for files that a namespace has in the place of those in /etc. */
export function namespaceSettings(namespace: string): string {
  return join(settingsDirectory, namespace);
}

export function namespacePath(namespace: string): string {
  return join(namespacesDirectory, namespace);
}

/**
 * Makes the control groups of a host, in each hierarchy that systemd uses to keep track of processes.
 *
 * @returns their folders
 */
export function createControlGroups(lab: string, host: string): string[] {
  const groups = hierarchies().map((hierarchy) => join(hierarchy, lab, host));
  for (const group of groups) mkdirSync(group, { recursive: true });
  return groups;
}

/** Takes away what labs of dead processes have left. */
export function sweepLeftOvers(): void {
  const labs = new Set([...entries(labsDirectory), ...entries(namespacesDirectory)].map(labOf));
  for (const lab of labs) if (lab !== undefined && !creatorLives(lab)) removeLab(lab);
}

/**
 * Ends every process of a lab and takes away its namespaces, control groups and files. Mounts need no care: they are in
 * mount namespaces of the processes.
 *
 * @throws Error that names what could not be ended or taken away
 */
export function removeLab(lab: string): void {
  const deadline = Date.now() + endDeadlineMs;
  for (;;) {
    const processes = processesOf(lab);
    if (processes.length === 0) break;
    for (const pid of processes) kill(pid);
    if (Date.now() > deadline) {
      throw new Error(`processes of the lab ${lab} do not end: ${processes.join(", ")}`);
    }
    pause(10);
  }
  removeNamespaces(namespacesOf(lab));
  for (const group of groupsOf(lab)) removeGroup(group, deadline);
  rmSync(labDirectory(lab), { recursive: true, force: true });
  for (const directory of [labsDirectory, settingsDirectory]) {
    try {
      rmdirSync(directory);
    } catch {
      // Other labs live there, or somebody else was faster.
    }
  }
}

/** The processes of a lab: of its hosts, and what runs in its network. */
export function processesOf(lab: string): number[] {
  return [...new Set([...namespacesOf(lab).flatMap(processesIn), ...groupsOf(lab).flatMap(membersOf)])];
}

/** Whether there is such a process that has not ended yet. One that only waits for its parent to take notice has. */
export function lives(pid: number): boolean {
  return startTime(pid) !== undefined;
}

/** The processes in a network namespace, as this machine counts them. */
export function processesIn(namespace: string): number[] {
  const inode = statSync(namespacePath(namespace), { throwIfNoEntry: false })?.ino;
  if (inode === undefined) return [];
  return entries("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => attempt(() => readlinkSync(`/proc/${pid}/ns/net`)) === `net:[${inode}]`)
    .map(Number);
}

/** Deletes network namespaces together with the interfaces in them. */
export function removeNamespaces(namespaces: readonly string[]): void {
  if (namespaces.length === 0) return;
  for (const name of namespaces) rmSync(namespaceSettings(name), { recursive: true, force: true });
  const input = namespaces.map((name) => `netns del ${name}\n`).join("");
  const { status, stderr } = spawnSync("ip", ["-force", "-batch", "-"], { input, encoding: "utf8" });
  const left = namespaces.filter((name) => existsSync(namespacePath(name)));
  if (left.length > 0) {
    throw new Error(`cannot delete the namespaces ${left.join(", ")} (${status}): ${stderr?.trim()}`);
  }
}

function namespacesOf(lab: string): string[] {
  return entries(namespacesDirectory).filter((name) => labOf(name) === lab);
}

function groupsOf(lab: string): string[] {
  return hierarchies()
    .map((hierarchy) => join(hierarchy, lab))
    .filter((group) => existsSync(group));
}

function hierarchies(): string[] {
  const root = "/sys/fs/cgroup";
  if (existsSync(join(root, "cgroup.controllers"))) return [root];
  const found = ["systemd", "unified"].map((name) => join(root, name)).filter((path) => existsSync(path));
  if (found.length === 0) {
    throw new Error(
      "the lab's test hosts run systemd, which needs control groups: neither cgroup2 nor the hierarchy name=systemd is mounted below /sys/fs/cgroup",
    );
  }
  return found;
}

function labOf(name: string): string | undefined {
  return /^vpnlab-\d+-\d+-\d+/.exec(name)?.[0];
}

function creatorLives(lab: string): boolean {
  const [, pid, started] = lab.split("-");
  return startTime(Number(pid)) === started;
}

/** Clock ticks from the machine's start to that of the process (field 22 of proc(5)'s stat): pids come again, this does not. */
function startTime(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The second field is a name in parentheses that may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" ? undefined : fields?.[19];
}

function membersOf(group: string): number[] {
  const own = attempt(() => readFileSync(join(group, "cgroup.procs"), "utf8")) ?? "";
  return [...own.split("\n").filter(Boolean).map(Number), ...subgroups(group).flatMap(membersOf)];
}

function removeGroup(group: string, deadline: number): void {
  for (const subgroup of subgroups(group)) removeGroup(subgroup, deadline);
  for (;;) {
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      if (code !== "EBUSY" || Date.now() > deadline) {
        throw new Error(`cannot remove the control group ${group}: ${String(error)}`, { cause: error });
      }
      pause(10);
    }
  }
}

function subgroups(group: string): string[] {
  const found = attempt((): Dirent[] => readdirSync(group, { withFileTypes: true })) ?? [];
  return found.filter((entry) => entry.isDirectory()).map((entry) => join(group, basename(entry.name)));
}

function kill(pid: number): void {
  // The kernel counts a process of another pid namespace that it cannot name as 0, which would be our own group.
  if (pid <= 1 || pid === process.pid) return;
  attempt(() => process.kill(pid, "SIGKILL"));
}

function entries(directory: string): string[] {
  return attempt(() => readdirSync(directory)) ?? [];
}

/** For what may vanish while it is looked at. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
