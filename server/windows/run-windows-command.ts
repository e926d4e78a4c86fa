import { setTimeout as sleep } from "node:timers/promises";
import { readServerConfig } from "../config/disk/config-file.ts";
import { wordsOf } from "../error-words.ts";
import { errorCodes, ServerError } from "../errors.ts";
import { windowsFirewall } from "../firewall/windows-firewall.ts";
import { loadWindowsCalls, type WindowsCalls } from "../native/windows/windows-calls.ts";
import { runProgram } from "../platform/run-program.ts";
import { windowsHost } from "../platform/windows-host.ts";
import { makeStateDirectories, type StatePaths } from "../state-paths.ts";
import { failureOf } from "../supervisor/failure.ts";
import { alreadyRunning } from "../supervisor/instance-errors.ts";
import type { SupervisorMessage } from "../supervisor/messages.ts";
import { Boxes, ConsoleNotices, wantsBoxes, type Notices } from "./notices.ts";
import { runService } from "./run-service.ts";
import {
  installService,
  startService,
  stopService,
  uninstallService,
  type ServiceHost,
} from "./service-control.ts";
import { productName, serviceName } from "./service-plan.ts";
import { writeTrayShown } from "./tray-setting.ts";
import { findUserMode, runUserMode, tellUserMode } from "./user-mode.ts";
import { startUserMode } from "./user-mode-start.ts";
import { verbHelp, type Verb, type WindowsCommand } from "./verbs.ts";

/** What the verbs know of the process that they run in. */
export interface WindowsContext {
  readonly env: NodeJS.ProcessEnv;
  /** Path of this executable; `undefined` when the sources run. */
  readonly executable: string | undefined;
  /** Of the service, or of this user; `stateDirectory` comes from `--state-dir`. */
  paths(mode: "service" | "user", stateDirectory: string | undefined): StatePaths;
  /** Help of the commands that there are on every system. */
  readonly commandHelp: () => string;
}

/** Runs what {@link parseWindowsCommand} found, and tells what came of it. @returns the exit code */
export async function runWindowsCommand(command: WindowsCommand, context: WindowsContext): Promise<number> {
  if (command.kind === "help") return showHelp(command.problem, context);
  const { verb, silent } = command;
  const mode = verb.startsWith("usermode") ? "user" : "service";
  let notices: Notices = new ConsoleNotices();
  try {
    const paths = context.paths(mode, command.stateDirectory);
    const loaded = await loadWindowsCalls(context.env);
    const calls = "calls" in loaded ? loaded.calls : undefined;
    if (verb === "service") return await runService(needed(loaded), paths);
    if (mode === "user" && process.connected) return await serveUser(calls, paths);
    if (calls !== undefined) notices = noticesOf(calls, silent);
    const done = isServiceVerb(verb)
      ? await controlService(
          verb,
          serviceHost(needed(loaded), paths, notices),
          context.executable,
          paths,
          silent,
        )
      : await startForUser(verb, calls, paths);
    if (done !== undefined) await notices.tell("information", done);
    return 0;
  } catch (error) {
    await notices.tell("warning", wordsOf(error));
    return error instanceof ServerError ? error.exitCode : errorCodes.FAILED.exitCode;
  }
}

/** Who runs this by mouse sees a box; on a console the commands come too, for which a box has no room. */
async function showHelp(problem: string | undefined, { commandHelp, env }: WindowsContext): Promise<number> {
  const loaded = await loadWindowsCalls(env);
  const notices = "calls" in loaded ? noticesOf(loaded.calls, false) : new ConsoleNotices();
  const isBox = notices instanceof Boxes;
  const help = verbHelp("vpnserver", !isBox);
  const text = problem === undefined ? help : `${problem}.\n\n${help}`;
  if (isBox) await notices.tell("information", text);
  else if (problem !== undefined) await notices.tell("warning", text);
  else await notices.tell("information", `${help}\n\n${commandHelp()}`);
  return problem === undefined ? 0 : errorCodes.USAGE.exitCode;
}

function noticesOf({ session }: WindowsCalls, silent: boolean): Notices {
  const { consoleProcesses, hasDesktop, isRedirected } = session;
  return wantsBoxes({ consoleProcesses, hasDesktop, isRedirected, silent })
    ? new Boxes(session)
    : new ConsoleNotices();
}

function needed(loaded: Awaited<ReturnType<typeof loadWindowsCalls>>): WindowsCalls {
  if ("calls" in loaded) return loaded.calls;
  throw new ServerError(
    "UNSUPPORTED",
    `the library for native calls cannot be loaded, without which there is no service: ${loaded.reason}`,
  );
}

type ServiceVerb = "install" | "uninstall" | "start" | "stop";

function isServiceVerb(verb: Verb): verb is ServiceVerb {
  return verb === "install" || verb === "uninstall" || verb === "start" || verb === "stop";
}

async function controlService(
  verb: ServiceVerb,
  host: ServiceHost,
  executable: string | undefined,
  { stateDirectory }: StatePaths,
  silent: boolean,
): Promise<string> {
  switch (verb) {
    case "install":
      if (executable === undefined) {
        throw new ServerError(
          "UNSUPPORTED",
          "the sources cannot be a service: build the executable (npm run build), and run its /install",
        );
      }
      return installService(host, { executable, stateDirectory }, { silent });
    case "uninstall":
      return uninstallService(host);
    case "start":
      return startService(host);
    case "stop":
      return stopService(host);
  }
}

function serviceHost({ serviceManager }: WindowsCalls, paths: StatePaths, notices: Notices): ServiceHost {
  return {
    manager: serviceManager,
    isAdministrator: windowsHost()?.isAdministrator === true,
    ask: (question) => notices.ask(question),
    prepare: () => makeStateDirectories(paths),
    openFirewall: async () => {
      try {
        const { listeners } = await readServerConfig(paths);
        const ports = listeners.filter(({ enabled }) => enabled).map(({ port }) => port);
        const firewall = await windowsFirewall.find(runProgram);
        return (
          (await firewall?.open(ports))?.report.message ??
          "There is no netsh here: the firewall was left alone."
        );
      } catch (error) {
        return `The firewall was left alone: ${wordsOf(error)}`;
      }
    },
    closeFirewall: async () => void (await windowsFirewall.close(undefined, runProgram)),
    sleep: (ms) => sleep(ms),
    now: () => performance.now(),
  };
}

/** @returns what to tell; nothing where the icon shows it */
async function startForUser(
  verb: Verb,
  calls: WindowsCalls | undefined,
  paths: StatePaths,
): Promise<string | undefined> {
  const shown = verb === "usermode" ? undefined : verb === "usermode_showtray";
  if (shown !== undefined) {
    await makeStateDirectories(paths);
    await writeTrayShown(paths, shown);
  }
  const window = calls === undefined ? null : findUserMode(calls, paths);
  if (calls !== undefined && window !== null) {
    if (shown === undefined) throw alreadyRunning(undefined);
    tellUserMode(calls, window, shown);
    return undefined;
  }
  if (calls?.serviceManager.status(serviceName)?.state === "RUNNING") {
    throw new ServerError(
      "ALREADY_RUNNING",
      `${productName} runs already as the service ${serviceName}; to stop it, as an administrator: vpnserver /stop`,
    );
  }
  await startUserMode(paths);
  return undefined;
}

/** What {@link startUserMode} starts. */
async function serveUser(calls: WindowsCalls | undefined, paths: StatePaths): Promise<number> {
  try {
    return await runUserMode({ calls, paths, onStarted: (status) => void tell({ type: "started", status }) });
  } catch (error) {
    await tell({ type: "failed", failure: failureOf(error) });
    return error instanceof ServerError ? error.exitCode : errorCodes.FAILED.exitCode;
  }
}

/** Tells the process that has started this one, once. */
function tell(message: SupervisorMessage): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send === undefined) return void resolve();
    process.send(message, undefined, undefined, () => {
      if (process.connected) process.disconnect();
      resolve();
    });
  });
}
