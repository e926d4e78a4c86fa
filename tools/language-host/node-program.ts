import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import type { Readable } from "node:stream";

/** Time that a program has to end by itself after it was told to. */
const endGraceMs = 5_000;
/** Time in which the rest of the output is taken: who left a process behind that holds it open is not waited for. */
const outputGraceMs = 5_000;

export interface ProgramOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the program: first with SIGINT, then with SIGKILL. */
  readonly signal: AbortSignal;
  /** Take the output; what they return is awaited before more is read. */
  readonly onStdout: (chunk: Buffer) => void | Promise<void>;
  readonly onStderr: (chunk: Buffer) => void | Promise<void>;
}

/**
 * Runs a program to its end, and resolves to its exit code, which is -1 when a signal ended it.
 *
 * @throws Error when it could not be started
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<number> {
  options.signal.throwIfAborted();
  let child: ChildProcessByStdio<null, Readable, Readable>;
  try {
    // In the process group of this process, so that the engine reaches it too.
    child = spawn(command, args, { cwd: options.cwd, env: options.env, stdio: ["ignore", "pipe", "pipe"] });
    await once(child, "spawn");
  } catch (error) {
    throw new Error(describeStartFailure(command, options.cwd, error as NodeJS.ErrnoException), {
      cause: error,
    });
  }
  const exited = once(child, "exit") as Promise<[number | null]>;
  const output = Promise.all([pass(child.stdout, options.onStdout), pass(child.stderr, options.onStderr)]);
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    child.kill("SIGINT");
    timer = setTimeout(() => child.kill("SIGKILL"), endGraceMs);
  };
  options.signal.addEventListener("abort", end, { once: true });
  if (options.signal.aborted) end();
  const [code] = await exited;
  options.signal.removeEventListener("abort", end);
  clearTimeout(timer);
  await waitAtMost(outputGraceMs, output);
  child.stdout.destroy();
  child.stderr.destroy();
  return code ?? -1;
}

async function pass(stream: Readable, take: (chunk: Buffer) => void | Promise<void>): Promise<void> {
  try {
    for await (const chunk of stream) await take(chunk as Buffer);
  } catch {
    // Nobody takes it any more, or the end was not waited for.
  }
}

async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}

function describeStartFailure(command: string, cwd: string, error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") {
    return existsSync(cwd)
      ? `could not find ${command} on the $PATH: install it, or put its folder on PATH`
      : `the folder ${cwd} does not exist`;
  }
  if (error.code === "E2BIG") {
    return (
      `${command} could not be started (${error.message}): its arguments and variables, the stack's configuration ` +
      `among them, are larger than the system allows (128 KiB each)`
    );
  }
  return `${command} could not be started: ${error.message}`;
}

/** Path of a program of the folders of PATH, as far as there is one. */
export function findOnPath(name: string, path = process.env["PATH"] ?? ""): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/**
 * Path of a module as a program in a folder would load it.
 *
 * @throws Error that tells how to install the SDK when it is not there
 */
export function locateModule(name: string, programDirectory: string, installCommand: string): string {
  try {
    return createRequire(join(programDirectory, "program.js")).resolve(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new Error(
      `It looks like the Pulumi SDK has not been installed. Have you run ${installCommand}? ` +
        `(${name} was not found from ${programDirectory})`,
      { cause: error },
    );
  }
}
