import { makeStateDirectories, releaseOf, type StatePaths } from "../state-paths.ts";
import { fileProblemOf, wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { createLogger } from "../logger.ts";
import { version } from "../version.ts";
import { ControlServer, type ControlAnswer } from "./control-server.ts";
import { InstanceLock } from "../platform/instance-lock.ts";
import { LogFile } from "./log-file.ts";
import { checkProc } from "../platform/proc.ts";
import { identifyProcess } from "../platform/process-identity.ts";
import { readRunFiles, removeRunFiles, writeRunFiles } from "./run-files.ts";
import type { RunningStatus } from "../contract/server-status.ts";
import { alreadyRunning } from "./instance-errors.ts";
import { selfCommand } from "./self-command.ts";
import { SystemJournal } from "../platform/system-journal.ts";
import { Supervisor } from "./supervisor.ts";
import { spawnWorkerProcess } from "./worker-process.ts";

export interface ExecsvcOptions {
  readonly paths: StatePaths;
  /** In a terminal: SIGHUP ends the server. */
  readonly inTerminal?: boolean;
  /** Takes each line of the log too, with its line break, in the place of systemd's journal. */
  readonly print?: (line: string) => void;
  /** Called once the server serves. */
  readonly onStarted: (status: RunningStatus) => void;
  /** Ends the server as TERM does, for who has no signal to send. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the supervisor in this process until the server ends.
 *
 * @returns the exit code, 0 after a server that was asked to end
 * @throws {ServerError} why the server could not start; nothing of it is left then
 */
export async function runSupervisor(options: ExecsvcOptions): Promise<number> {
  const { paths, inTerminal = false, print } = options;
  const stopRequest = new AbortController();
  const requestStop = () => stopRequest.abort();
  process.on("SIGTERM", requestStop);
  process.on("SIGINT", requestStop);
  // The end of the terminal; on Windows also the closing of its window.
  process.on("SIGHUP", inTerminal ? requestStop : () => {});
  if (process.platform === "win32") process.on("SIGBREAK", requestStop);
  options.signal?.addEventListener("abort", requestStop);
  if (options.signal?.aborted === true) requestStop();

  checkProc();
  await makeStateDirectories(paths);
  const lock = InstanceLock.acquire(paths.lockFile, "--state-dir");
  if (lock === undefined) throw alreadyRunning(readRunFiles(paths)?.supervisor.pid);
  try {
    const logFile = openLog(paths.logFile);
    const journal = print === undefined ? SystemJournal.find(process.env) : undefined;
    try {
      const write = (line: string) => {
        logFile.write(line);
        journal?.write(line);
        print?.(line);
      };
      return await supervise(options, stopRequest.signal, write);
    } finally {
      logFile.close();
    }
  } finally {
    lock.release();
  }
}

async function supervise(
  { paths, onStarted }: ExecsvcOptions,
  stopRequest: AbortSignal,
  write: (line: string) => void,
): Promise<number> {
  const log = createLogger({ write });
  const self = identifyProcess(process.pid) ?? { pid: process.pid, started: "unknown" };
  const startedAt = new Date().toISOString();
  const { program } = selfCommand();
  const supervisor = new Supervisor({
    spawnWorker: (events) => spawnWorkerProcess(paths, events, write),
    schedule: (callback, delayMs) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    now: () => performance.now(),
    log,
    onWorkerChanged: (pid) => {
      try {
        const worker = pid === undefined ? undefined : identifyProcess(pid);
        writeRunFiles(paths, { supervisor: self, worker });
      } catch (error) {
        log.warn(`cannot write to ${paths.runDirectory}: ${wordsOf(error)}`);
      }
    },
  });
  const status = (): RunningStatus => ({
    running: true,
    version,
    release: releaseOf(program),
    executable: program,
    stateDirectory: paths.stateDirectory,
    supervisor: { pid: process.pid },
    worker: { pid: supervisor.workerPid ?? null, restarts: supervisor.restarts },
    startedAt,
    listeners: supervisor.listeners,
    tlsFingerprint: supervisor.tlsFingerprint,
    hubs: null,
    sessions: null,
    warnings: null,
    restrictions: null,
    notServed: null,
    native: null,
  });
  const wholeStatus = async (): Promise<RunningStatus> => {
    const report = await supervisor.report().catch(() => undefined);
    if (report === undefined) return status();
    const sessions = report.hubs.reduce((sum, hub) => sum + hub.sessions, 0);
    return { ...status(), ...report, sessions };
  };
  const control = await listenForControl(paths.controlSocket, async (request) => {
    switch (request.command) {
      case "status":
        return { status: await wholeStatus() };
      case "stop":
        supervisor.stop();
        return { status: status() };
      case "apply": {
        const { desired, dryRun } = request;
        return { applied: await supervisor.apply({ desired, dryRun }) };
      }
    }
  });
  stopRequest.addEventListener("abort", () => supervisor.stop());
  if (stopRequest.aborted) supervisor.stop();
  log.info(`supervisor ${process.pid} started: version ${version}, ${program}`);
  try {
    if (await supervisor.start()) onStarted(await wholeStatus());
    return await supervisor.ended;
  } finally {
    await supervisor.ended;
    try {
      removeRunFiles(paths);
    } catch (error) {
      log.warn(`cannot tidy ${paths.runDirectory}: ${wordsOf(error)}`);
    }
    await control.close();
    log.info("supervisor ended");
  }
}

async function listenForControl(path: string, answer: ControlAnswer): Promise<ControlServer> {
  try {
    return await ControlServer.listen(path, answer);
  } catch (error) {
    throw new ServerError(
      "STATE_INVALID",
      `cannot make the control socket ${path}: ${fileProblemOf(error, path)}`,
      { cause: error },
    );
  }
}

function openLog(path: string): LogFile {
  try {
    return new LogFile(path);
  } catch (error) {
    throw new ServerError("STATE_INVALID", `cannot write the log ${path}: ${fileProblemOf(error, path)}`, {
      cause: error,
    });
  }
}
