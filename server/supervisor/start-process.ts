import { spawn, type ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import { appendFlags, openOwnFileSync } from "../platform/own-file.ts";
import { makeStateDirectories, stateDirectoryVariable, type StatePaths } from "../state-paths.ts";
import { fileProblemOf, wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { errorOf } from "./failure.ts";
import { readLastLogLines } from "./log-file.ts";
import type { SupervisorMessage } from "./messages.ts";
import type { RunningStatus } from "../contract/server-status.ts";
import { executableCommand, processName, selfCommand } from "./self-command.ts";
import { checkProc } from "../platform/proc.ts";
import { journalDescriptor } from "../platform/system-journal.ts";
import { firstStartRestarts, supervisorTimes } from "./supervisor.ts";

/** The supervisor itself gives up earlier, and says why. */
const startMs = supervisorTimes.startMs * (firstStartRestarts + 1);

const logLines = 10;

/**
 * Starts a server in the background: a process of its own session that outlives terminal and connection and holds on to
 * nothing of the caller's but the way to systemd's journal, where that is the caller's output.
 *
 * @param options.executable the single executable to start, this program by default
 * @param options.timeoutMs bound on the start; by default the supervisor gives up before it
 * @returns the status of the server, which serves on at least one port
 * @throws {ServerError} ALREADY_RUNNING, or why the server did not start; nothing of it is left then
 */
export async function startServerProcess(
  paths: StatePaths,
  options: { executable?: string; timeoutMs?: number } = {},
): Promise<RunningStatus> {
  const { executable, timeoutMs = startMs } = options;
  checkProc();
  await makeStateDirectories(paths);
  const command = executable === undefined ? selfCommand() : executableCommand(executable);
  const log = openLog(paths.logFile);
  let child: ChildProcess;
  try {
    child = spawn(command.file, [...command.arguments, "execsvc"], {
      argv0: processName,
      cwd: "/",
      detached: true,
      windowsHide: true,
      env: { ...process.env, [stateDirectoryVariable]: paths.stateDirectory },
      stdio: ["ignore", journalDescriptor(process.env) ?? log, log, "ipc"],
    });
  } finally {
    closeSync(log);
  }
  const message = await firstMessage(child, paths, timeoutMs);
  if (message.type === "failed") throw errorOf(message.failure);
  if (child.connected) child.disconnect();
  child.unref();
  return message.status;
}

/** What the supervisor says; a failure is told only when its process is gone. */
function firstMessage(child: ChildProcess, paths: StatePaths, timeoutMs: number): Promise<SupervisorMessage> {
  return new Promise((resolve, reject) => {
    let failure: SupervisorMessage | undefined;
    const timer = setTimeout(() => {
      child.kill("SIGTERM");
      // One that does not end by that is no reason to wait.
      if (child.connected) child.disconnect();
      child.unref();
      reject(new ServerError("FAILED", `the server did not start within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    child.on("message", (message) => {
      const told = message as SupervisorMessage;
      if (told.type === "failed") {
        failure = told;
        return;
      }
      clearTimeout(timer);
      resolve(told);
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(
        new ServerError("FAILED", `cannot run ${child.spawnfile}: ${wordsOf(error)}`, {
          cause: error,
        }),
      );
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (failure !== undefined) {
        resolve(failure);
        return;
      }
      if (code === 0) {
        reject(new ServerError("FAILED", "the server was asked to end before it served"));
        return;
      }
      const lines = readLastLogLines(paths.logFile, logLines).map((line) => `\n  ${line}`);
      const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      const log =
        lines.length === 0
          ? `there is nothing in ${paths.logFile}`
          : `the end of ${paths.logFile}:${lines.join("")}`;
      reject(new ServerError("FAILED", `the server ${how} while it started; ${log}`));
    });
  });
}

function openLog(path: string): number {
  try {
    return openOwnFileSync(path, appendFlags, 0o600);
  } catch (error) {
    throw new ServerError("STATE_INVALID", `cannot write the log ${path}: ${fileProblemOf(error, path)}`, {
      cause: error,
    });
  }
}
