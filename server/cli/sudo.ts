import { spawn } from "node:child_process";
import { wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";

/**
 * Runs this executable once more as root, by sudo without a password; what it prints goes where our own output goes.
 *
 * @returns its exit code
 */
export function runAsRoot(executable: string, words: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn("sudo", ["-n", "--", executable, ...words], { stdio: "inherit" });
    // Broken off, it has to end in its own way; sudo passes the signal on.
    const passOn = (signal: NodeJS.Signals) => void child.kill(signal);
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, passOn);
    child.on("error", (error) => {
      // Also told when a signal could not be passed on: sudo is root's.
      if (child.pid !== undefined) return;
      reject(new ServerError("NOT_PERMITTED", `cannot run sudo: ${wordsOf(error)}`, { cause: error }));
    });
    child.once("close", (code) => resolve(code ?? 1));
  });
}
