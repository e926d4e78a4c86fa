import { spawn, type ChildProcess } from "node:child_process";
import { ServerError } from "../errors.ts";
import { wordsOf } from "../error-words.ts";
import type { RunningStatus } from "../contract/server-status.ts";
import { stateDirectoryVariable, type StatePaths } from "../state-paths.ts";
import { errorOf } from "../supervisor/failure.ts";
import type { SupervisorMessage } from "../supervisor/messages.ts";
import { selfCommand } from "../supervisor/self-command.ts";

/** The supervisor itself gives up earlier, and says why. */
const startMs = 250_000;

/**
 * Starts user mode in a process of its own, which has no console: neither does a window stay open, nor does the server end with one.
 *
 * @throws {ServerError} why it did not start
 */
export async function startUserMode({ stateDirectory }: StatePaths): Promise<RunningStatus> {
  const command = selfCommand();
  const child = spawn(command.file, [...command.arguments, "/usermode"], {
    detached: true,
    windowsHide: true,
    env: { ...process.env, [stateDirectoryVariable]: stateDirectory },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  try {
    const message = await firstMessage(child);
    if (message.type === "failed") throw errorOf(message.failure);
    return message.status;
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function firstMessage(child: ChildProcess): Promise<SupervisorMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill();
      reject(new ServerError("FAILED", `the server did not start within ${startMs / 1000} s`));
    }, startMs);
    const settle = (end: () => void) => {
      clearTimeout(timer);
      end();
    };
    child.on("message", (message) => settle(() => resolve(message as SupervisorMessage)));
    child.on("error", (error) =>
      settle(() => reject(new ServerError("FAILED", `cannot run ${child.spawnfile}: ${wordsOf(error)}`))),
    );
    child.on("close", (code) =>
      settle(() =>
        reject(new ServerError("FAILED", `the server ended with exit code ${code} while it started`)),
      ),
    );
  });
}
