import { execFile } from "node:child_process";
import { promisify } from "node:util";

const runFile = promisify(execFile);

/**
 * Runs a program to its end, and resolves to what it printed.
 *
 * @throws Error with the program's own words when it cannot be started, fails or takes longer than `timeoutMs`
 */
export async function runTool(
  command: string,
  args: readonly string[],
  options: { cwd: string; timeoutMs: number; env?: NodeJS.ProcessEnv; input?: string },
): Promise<string> {
  try {
    const running = runFile(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      timeout: options.timeoutMs,
      maxBuffer: 16 * 1024 * 1024,
    });
    const { stdin } = running.child;
    // A program that ends without having read it says itself what is wrong.
    stdin?.on("error", () => undefined);
    stdin?.end(options.input);
    return (await running).stdout;
  } catch (error) {
    const { code, killed, stderr, stdout } = error as NodeJS.ErrnoException & {
      killed?: boolean;
      stderr?: string;
      stdout?: string;
    };
    if (code === "ENOENT") throw new Error(`the program ${command} is missing`, { cause: error });
    const reason = killed ? `did not end within ${options.timeoutMs / 1000} s` : `failed (${String(code)})`;
    const words = `${stdout ?? ""}\n${stderr ?? ""}`.trim().split("\n").slice(-12).join("\n");
    throw new Error(`${[command, ...args].join(" ")} ${reason}${words && `:\n${words}`}`, { cause: error });
  }
}
