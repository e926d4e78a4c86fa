import { spawn } from "node:child_process";

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
 * how it ended. A parameter type, so that tests can stand in for the host.
 */
export type RunProgram = (
  program: string,
  args: readonly string[],
  options?: ProgramOptions,
) => Promise<ProgramResult | undefined>;

/** The system's own programs lie here, and a user's PATH often lacks the half of it that only root uses. */
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const outputLimitBytes = 16 * 1024 * 1024;

/** {@link RunProgram} on this host, with untranslated output, at most 16 MiB of it. */
export const runProgram: RunProgram = (program, args, { timeoutMs = 30_000 } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, PATH: systemPath, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    let bytes = 0;
    const collect = (stream: NodeJS.ReadableStream): Buffer[] => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > outputLimitBytes) child.kill("SIGKILL");
        else chunks.push(chunk);
      });
      return chunks;
    };
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve(undefined);
      else reject(error);
    });
    child.once("close", (code) =>
      resolve({
        code: code ?? undefined,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      }),
    );
  });

/** What to tell of a program that failed: its last words, or how it ended. */
export function failureOf(result: ProgramResult): string {
  return (
    result.stderr.trim() ||
    result.stdout.trim() ||
    (result.code === undefined ? "it did not end in time" : `exit code ${result.code}`)
  );
}
