import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { stateDirectoryVariable, type StatePaths } from "../state-paths.ts";
import type { EndRequest, NumberedRequest, WorkerMessage } from "./messages.ts";
import { processName, selfCommand, workerEnvironment } from "./self-command.ts";
import type { WorkerEvents, WorkerHandle } from "./supervisor.ts";

/** Longest line of a worker that is kept whole. */
const longestLine = 64 * 1024;

/**
 * Spawns a worker: this program once more, with a channel for messages. When the channel closes, because this process
 * ended in whatever way, the worker ends. On Windows the system ends it at once then: the runtime has its children in a job that
 * ends with it.
 *
 * @param onOutput called with each line that the worker prints, its line break included; what Node.js itself prints when
 *   it dies is among them
 */
export function spawnWorkerProcess(
  paths: StatePaths,
  events: WorkerEvents,
  onOutput: (line: string) => void,
): WorkerHandle {
  const command = selfCommand();
  let child: ChildProcess;
  try {
    child = spawn(command.file, [...command.arguments, "execsvc"], {
      argv0: processName,
      cwd: "/",
      env: workerEnvironment({ ...process.env, [stateDirectoryVariable]: paths.stateDirectory }),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      windowsHide: true,
    });
  } catch (error) {
    // Out of memory, say; other failures are told by an event.
    setImmediate(() => events.onEnd({ code: null, signal: null, error: error as Error }));
    return { pid: undefined, askToEnd: () => {}, kill: () => {}, send: () => {} };
  }
  let ended = false;
  const end: WorkerEvents["onEnd"] = (how) => {
    if (ended) return;
    ended = true;
    events.onEnd(how);
  };
  child.on("message", (message) => events.onMessage(message as WorkerMessage));
  // Not "exit", which comes before the last messages.
  child.on("close", (code, signal) => end({ code, signal }));
  child.on("error", (error) => {
    // Also told when a signal or message could not be sent; only without a process id there is no process.
    if (child.pid === undefined) end({ code: null, signal: null, error });
  });
  forwardLines(child.stdout, onOutput);
  forwardLines(child.stderr, onOutput);
  // A worker whose channel is closed is about to end, which whoever waits for an answer is told.
  const send = (request: NumberedRequest | EndRequest) =>
    void (child.connected && child.send(request, () => {}));
  return {
    pid: child.pid,
    // Windows knows no signal that a program could answer.
    askToEnd: () => (process.platform === "win32" ? send({ type: "end" }) : void child.kill("SIGTERM")),
    kill: () => void child.kill("SIGKILL"),
    send,
  };
}

function forwardLines(stream: Readable | null, onLine: (line: string) => void): void {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(`${line}\n`);
    if (rest.length > longestLine) {
      onLine(`${rest}\n`);
      rest = "";
    }
  });
  stream?.on("error", () => {});
  stream?.on("close", () => {
    if (rest !== "") onLine(`${rest}\n`);
  });
}
