import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** How a program ended. */
export interface ProgramResult {
  /** Exit code, or `undefined` when a signal or the time limit ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  /** After this the program is killed; `code` is `undefined` then. */
  readonly timeoutMs?: number;
}

/**
 * Runs a program of the host to its end, with nothing on its standard input. Resolves to `undefined` when there is no such program; never rejects because of
 * how it ended, only with the system's error when it cannot be run at all. A parameter type, so that tests can stand in for
 * the host.
 */
export type RunProgram = (
  program: string,
  args: readonly string[],
  options?: ProgramOptions,
) => Promise<ProgramResult | undefined>;

/** The system's own programs lie here, and a user's PATH often lacks the half of it that only root uses. */
const systemPath =
  process.platform === "win32"
    ? `${process.env["SystemRoot"] ?? "C:\\Windows"}\\System32`
    : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const outputLimitBytes = 16 * 1024 * 1024;

/** From the end of a program, or from its KILL, to the end of its output, which a program that it started may hold open. */
const outputGraceMs = 1_000;

/** {@link RunProgram} on this host, with untranslated output, at most 16 MiB of it. Nothing of it outlasts the promise. */
export const runProgram: RunProgram = (program, args, { timeoutMs = 30_000 } = {}) =>
  new Promise((resolve, reject) => {
    // No `timeout` of spawn's: its timer stays, and with it this process, where there is no such program.
    const child = spawn(program, args, {
      env: { ...process.env, PATH: systemPath, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    let exitCode: number | null = null;
    let grace: NodeJS.Timeout | undefined;
    const letGo = () => {
      clearTimeout(timer);
      clearTimeout(grace);
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      child.unref();
    };
    const finish = () => {
      letGo();
      resolve({
        code: exitCode ?? undefined,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    };
    const kill = () => {
      child.kill("SIGKILL");
      // What another user's program became, as sudo does, cannot be killed; nobody waits for it any longer.
      grace ??= setTimeout(finish, outputGraceMs);
    };
    const timer = setTimeout(kill, timeoutMs);
    let bytes = 0;
    const collect = (stream: NodeJS.ReadableStream): Buffer[] => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > outputLimitBytes) kill();
        else chunks.push(chunk);
      });
      return chunks;
    };
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    child.on("error", (error: NodeJS.ErrnoException) => {
      // Also told when it could not be killed.
      if (child.pid !== undefined) return;
      letGo();
      if (error.code === "ENOENT") resolve(undefined);
      else reject(error);
    });
    child.once("exit", (code) => {
      exitCode = code;
      grace ??= setTimeout(finish, outputGraceMs);
    });
    child.once("close", finish);
  });

/** Whether {@link runProgram} would find a program of that name. */
export function isOnHost(program: string): boolean {
  return systemPath.split(":").some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What to tell of a program that failed: its last words, or how it ended. Never empty. */
export function failureOf(result: ProgramResult): string {
  return (
    result.stderr.trim() ||
    result.stdout.trim() ||
    (result.code === undefined
      ? "it was killed, or did not end in time, and said nothing"
      : `exit code ${result.code}, and it said nothing`)
  );
}
