import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { modulesOf } from "./shared-process.ts";
import { groupNamed, type TestGroupName } from "./test-groups.ts";

/** How a run of node's test runner ended. */
export interface GroupResult {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const closeGraceMs = 5_000;

/** Runs one group, with all that node's test runner has to say on standard output. */
export async function runGroup(name: TestGroupName, root: string): Promise<GroupResult> {
  const folder = await mkdtemp(join(tmpdir(), "test-modules-"));
  try {
    return await runModules(name, root, modulesOf(name, root, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runModules(
  name: TestGroupName,
  root: string,
  modules: readonly string[],
): Promise<GroupResult> {
  const group = groupNamed(name);
  const child = spawn(
    process.execPath,
    [
      "--test",
      "--test-reporter=spec",
      `--test-concurrency=${group.concurrency}`,
      `--test-timeout=${group.timeoutMs}`,
      ...modules,
    ],
    {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}),
        ...(group.keepsCompiled
          ? { NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "compiled") }
          : {}),
      },
    },
  );
  let tail = "";
  child.stdout.on("data", (chunk: Buffer) => {
    process.stdout.write(chunk);
    tail = (tail + chunk.toString()).slice(-100_000);
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    console.log(`${name}: not at its end after ${group.deadlineMs / 60_000} minutes, so it is ended now`);
    child.kill("SIGTERM");
  }, group.deadlineMs);
  const closed = once(child, "close");
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(timer);
  // What a test left running may hold the other end of the pipe for good.
  const grace = setTimeout(() => child.stdout.destroy(), closeGraceMs);
  await closed;
  clearTimeout(grace);
  const counts = readCounts(tail);
  if (counts === undefined) return { ok: false, passed: 0, failed: 1, skipped: 0 };
  // A run that executed nothing proves nothing.
  return { ...counts, ok: code === 0 && counts.passed > 0 && !late };
}

/** Reads the counts that node's test runner closes with, from the end of its output. */
export function readCounts(output: string): Omit<GroupResult, "ok"> | undefined {
  // eslint-disable-next-line no-control-regex -- colours of a terminal
  const text = output.replaceAll(/\u001b\[[0-9;]*m/g, "");
  const count = (name: string) => {
    const last = [...text.matchAll(new RegExp(`^ℹ ${name} (\\d+)$`, "gm"))].at(-1);
    return last === undefined ? undefined : Number(last[1]);
  };
  const passed = count("pass");
  const failed = count("fail");
  const cancelled = count("cancelled");
  const skipped = count("skipped");
  const todo = count("todo");
  if (passed === undefined || failed === undefined) return undefined;
  return { passed, failed: failed + (cancelled ?? 0), skipped: (skipped ?? 0) + (todo ?? 0) };
}
