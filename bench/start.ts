import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openTcp, probeListener } from "../server/client/probe.ts";
import { buildAll } from "../tools/build/build.ts";
import { defaultCacheDirectory } from "../tools/cache-directory.ts";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";

const root = join(import.meta.dirname, "..");
const softEther = "/usr/libexec/softether/vpnserver/vpnserver";
const softEtherFolders = ["/run/softether", "/var/lib/softether", "/var/log/softether"];
const rounds = 7;
const deadlineMs = 30_000;
const port = 5555;

interface Round {
  /** From the command to the first answered handshake. */
  readonly startMs: number;
  /** From the command to its return, when both processes are gone. */
  readonly stopMs: number;
  /** Resident memory of both processes, idle. */
  readonly memoryMb: number;
}

/**
 * Starts and stops both servers in turn, each time from a state directory that has its certificate and configuration
 * already, in a network and mount namespace of its own.
 */
export async function measureStart(): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error("this benchmark needs root: it makes namespaces for both servers");
  if (process.env["BENCH_NAMESPACE"] !== "own") return inOwnNamespace();
  for (const folder of softEtherFolders) {
    run("mkdir", ["-p", folder]);
    run("mount", ["-t", "tmpfs", "tmpfs", folder]);
  }
  run("ip", ["link", "set", "lo", "up"]);
  const state = await mkdtemp(join(tmpdir(), "bench-start-"));
  try {
    const ours = [join(root, "dist/vpnserver-linux-x64"), "--state-dir", state];
    const results = { ours: [] as Round[], SoftEther: [] as Round[] };
    // The first round of each makes key and configuration, and is not counted.
    for (let round = 0; round <= rounds; round++) {
      for (const [name, command] of [
        ["ours", ours],
        ["SoftEther", [softEther]],
      ] as const) {
        const result = await measureRound(command);
        if (round > 0) results[name].push(result);
      }
    }
    print(results);
    console.log(`\nvpnserver version: ${measureVersionMs().toFixed(0)} ms, median of ${rounds}`);
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

async function inOwnNamespace(): Promise<void> {
  const log = (line: string) => console.log(line);
  await ensureDebianPackages(["softether-vpnserver", "iproute2", "util-linux"], {
    purpose: "the benchmark",
    log,
  });
  await buildAll({
    root,
    cacheDirectory: defaultCacheDirectory(),
    platforms: ["linux-x64"],
    library: false,
    log,
  });
  const { status } = spawnSync(
    "unshare",
    ["--net", "--mount", process.execPath, join(import.meta.dirname, "main.ts"), "start"],
    { stdio: "inherit", env: { ...process.env, BENCH_NAMESPACE: "own" } },
  );
  process.exitCode = status ?? 1;
}

async function measureRound([command = "", ...args]: readonly string[]): Promise<Round> {
  const begin = performance.now();
  run(command, [...args, "start"]);
  await answered(begin + deadlineMs);
  const startMs = performance.now() - begin;
  await delay(500);
  const memoryMb = await residentMb(command);
  const end = performance.now();
  run(command, [...args, "stop"]);
  return { startMs, stopMs: performance.now() - end, memoryMb };
}

async function answered(deadline: number): Promise<void> {
  for (;;) {
    try {
      await probeListener(() => openTcp("127.0.0.1", port, 1_000), { timeoutMs: 2_000 });
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(2);
    }
  }
}

/** Of every process that runs this executable. */
async function residentMb(executable: string): Promise<number> {
  let kilobytes = 0;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    try {
      const maps = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
      if (!maps.includes("Pss:") || !(await readFile(`/proc/${pid}/cmdline`, "utf8")).includes("execsvc"))
        continue;
      if (run("readlink", [`/proc/${pid}/exe`]).trim() !== executable) continue;
      // What two processes share counts once.
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(maps)?.[1] ?? 0);
    } catch {
      // The process has ended meanwhile.
    }
  }
  return kilobytes / 1024;
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", timeout: 120_000 });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? stderr}${stdout}`);
  return stdout;
}

/** How long the shortest command takes: what each one pays for the runtime and for reading the program. */
function measureVersionMs(): number {
  return median(
    Array.from({ length: rounds }, () => {
      const begin = performance.now();
      run(join(root, "dist/vpnserver-linux-x64"), ["version"]);
      return performance.now() - begin;
    }),
  );
}

function print(results: { readonly ours: readonly Round[]; readonly SoftEther: readonly Round[] }): void {
  const row = (label: string, ...cells: string[]) =>
    console.log(label.padEnd(34) + cells.map((cell) => cell.padStart(14)).join(""));
  row(`median of ${rounds}`, "ours", "SoftEther", "ratio");
  for (const [label, key, unit] of [
    ["start to first handshake", "startMs", "ms"],
    ["stop", "stopMs", "ms"],
    ["memory of both processes, idle", "memoryMb", "MB"],
  ] as const) {
    const [ours, theirs] = [
      median(results.ours.map((r) => r[key])),
      median(results.SoftEther.map((r) => r[key])),
    ];
    row(label, `${ours.toFixed(0)} ${unit}`, `${theirs.toFixed(0)} ${unit}`, (ours / theirs).toFixed(2));
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
