import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { constants } from "node:os";

/** How a command ended. `code` is 128 plus the signal's number when a signal ended it. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface CommandOptions {
  /**
   * Whether another exit code than 0 is an error.
   * @default true
   */
  readonly check?: boolean;
  /** @default 60000 */
  readonly timeoutMs?: number;
  /** What the command reads: a text, or the content of a file. Nothing otherwise. */
  readonly input?: string | { readonly file: string };
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Ends a command that never stops talking before it takes all the memory. */
const maxOutputBytes = 64 * 1024 * 1024;

/**
 * Runs a program to its end.
 *
 * @throws Error that names the command and ends with its own last words
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { check = true, timeoutMs = 60_000, input, cwd, env } = options;
  const child = spawn(file, args, {
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    ...(cwd !== undefined && { cwd }),
    ...(env !== undefined && { env }),
  } satisfies SpawnOptions);
  const name = [file, ...args].join(" ");
  let cut: string | undefined;
  const end = (reason: string): void => {
    cut ??= reason;
    child.kill("SIGKILL");
    // Somebody else, such as ssh's lasting connection, may hold the other ends for longer.
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const timer = setTimeout(() => end(`did not end within ${timeoutMs / 1000} s`), timeoutMs);
  const read = collect(child, () => end(`printed more than ${maxOutputBytes} bytes`));
  try {
    if (input !== undefined) feed(child, input, end);
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    const result = { ...read(), code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) };
    if (cut !== undefined) throw new Error(`${name}: ${cut}${lastWords(result)}`);
    if (check && result.code !== 0) throw new Error(`${name}: exit code ${result.code}${lastWords(result)}`);
    return result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(`${name}: the program or its working directory does not exist`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function collect(child: ChildProcess, onTooMuch: () => void): () => { stdout: string; stderr: string } {
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  let bytes = 0;
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxOutputBytes) onTooMuch();
      else chunks[stream].push(chunk);
    });
  }
  return () => ({
    stdout: Buffer.concat(chunks.stdout).toString(),
    stderr: Buffer.concat(chunks.stderr).toString(),
  });
}

function feed(
  child: ChildProcess,
  input: string | { readonly file: string },
  end: (reason: string) => void,
): void {
  const { stdin } = child;
  if (stdin === null) return;
  // A command may end before it has read everything; its exit code tells.
  stdin.on("error", () => undefined);
  if (typeof input === "string") {
    stdin.end(input);
    return;
  }
  createReadStream(input.file)
    .on("error", (error) => end(`has nothing to read: ${error.message}`))
    .pipe(stdin);
}

function lastWords({ stdout, stderr }: { stdout: string; stderr: string }): string {
  const words = `${stdout.trim()}\n${stderr.trim()}`.trim().split("\n").slice(-20).join("\n");
  return words === "" ? "" : `\n${words}`;
}
