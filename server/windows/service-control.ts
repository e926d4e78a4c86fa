import { wordsOf } from "../error-words.ts";
import { errorCodes, ServerError } from "../errors.ts";
import type {
  ServiceManager,
  ServiceSettings,
  ServiceState,
  ServiceStatus,
} from "../native/windows/service-manager.ts";
import { isWindowsError, windowsErrors } from "../native/windows/windows-error.ts";
import {
  parseCommandLine,
  planService,
  productName,
  serviceName,
  type ServiceCommand,
} from "./service-plan.ts";

/** What a service is controlled with. */
export interface ServiceSteps {
  readonly manager: ServiceManager;
  readonly sleep: (ms: number) => Promise<void>;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

/** What the verbs of service mode work with. */
export interface ServiceHost extends ServiceSteps {
  readonly isAdministrator: boolean;
  /** Asks a person; `undefined` where there is nobody to ask. */
  readonly ask: (question: string) => Promise<boolean | undefined>;
  /** Makes what the service needs on the disk. */
  readonly prepare: () => Promise<void>;
  /** Lets other hosts reach the server. @returns a sentence about it */
  readonly openFirewall: () => Promise<string>;
  /** Takes our rules away. */
  readonly closeFirewall: () => Promise<void>;
}

const pollMs = 100;
/** The supervisor gives up earlier by itself, and says why. */
const startMs = 250_000;
/** A little over what the supervisor allows its worker, and Windows to tell of it. */
const stopMs = 80_000;
/** Whatever shows services, such as services.msc, keeps a deleted one until it is closed. */
const deleteMs = 10_000;

/**
 * `/install`: registers the service, opens the firewall and starts it. A service of this name that is there already is replaced when a
 * person says so, or with `silent` where it is one of ours.
 *
 * @returns what to tell
 * @throws {ServerError} and then says what was done
 */
export async function installService(
  host: ServiceHost,
  command: ServiceCommand,
  { silent }: { readonly silent: boolean },
): Promise<string> {
  requireAdministrator(host, "install");
  const there = settingsOf(host);
  const ours = there === undefined ? undefined : parseCommandLine(there.command);
  if (there !== undefined) {
    await agreeToReplace(host, there.command, ours, silent);
    // One of another program has settings that are none of ours.
    if (ours === undefined) await removeService(host);
    else if (statusOf(host).state !== "STOPPED") await endService(host);
  }
  await host.prepare();
  registerService(host, command);
  const firewall = await host.openFirewall();
  try {
    await runService(host, command.stateDirectory);
  } catch (error) {
    throw new ServerError(
      error instanceof ServerError ? error.code : "FAILED",
      `the service was installed, and does not run: ${wordsOf(error)}`,
      { cause: error },
    );
  }
  const when =
    settingsOf(host)?.start === "manual" ? "It starts on demand, as before." : "It starts with Windows.";
  return `${productName} was installed as the service ${serviceName}, and runs. ${when}\n${firewall}`;
}

/** `/uninstall`: stops the service and takes it away; what it keeps on the disk stays. */
export async function uninstallService(host: ServiceHost): Promise<string> {
  requireAdministrator(host, "uninstall");
  const there = settingsOf(host);
  if (there === undefined) throw notInstalled();
  const ours = parseCommandLine(there.command);
  if (ours === undefined) throw foreign(there.command, "uninstall that program by its own means");
  await removeService(host);
  await host.closeFirewall();
  return `The service ${serviceName} was taken away. Its configuration and logs stay in ${ours.stateDirectory}`;
}

/** `/start`. */
export async function startService(host: ServiceHost): Promise<string> {
  requireAdministrator(host, "start");
  const { command } = host.manager.settings(serviceName) ?? {};
  if (command === undefined) throw notInstalled();
  if (statusOf(host).state === "RUNNING") {
    throw new ServerError(
      "ALREADY_RUNNING",
      `the service ${serviceName} runs already; to stop it: vpnserver /stop`,
    );
  }
  await runService(host, parseCommandLine(command)?.stateDirectory);
  return `The service ${serviceName} was started.`;
}

/** `/stop`: returns when the service has ended, with its configuration on the disk. */
export async function stopService(host: ServiceHost): Promise<string> {
  requireAdministrator(host, "stop");
  if (statusOf(host).state === "STOPPED") {
    throw new ServerError(
      "NOT_RUNNING",
      `the service ${serviceName} does not run; to start it: vpnserver /start`,
    );
  }
  await endService(host);
  return `The service ${serviceName} was stopped.`;
}

async function agreeToReplace(
  host: ServiceHost,
  line: string,
  ours: ServiceCommand | undefined,
  silent: boolean,
): Promise<void> {
  if (silent && ours !== undefined) return;
  const replace = "to replace it: vpnserver /install /silent";
  if (silent)
    throw foreign(line, "uninstall it by its own means, or run /install without /silent to be asked");
  const answer = await host.ask(
    ours === undefined
      ? `A service named ${serviceName} is there already, and belongs to another program:\n${line}\n\nStop it and replace it?`
      : `The service ${serviceName} is installed already:\n${ours.executable}\n\nStop it and install it anew?`,
  );
  if (answer === true) return;
  const why = answer === undefined ? "is installed already, and there is nobody to ask" : "was left as it is";
  throw new ServerError(
    "FAILED",
    `the service ${serviceName} ${why}${ours === undefined ? "" : `; ${replace}`}`,
  );
}

/** What is registered; `undefined` where there is no such service. @throws {ServerError} NOT_PERMITTED for who is no administrator */
export function settingsOf({ manager }: ServiceSteps): ServiceSettings | undefined {
  return told(() => manager.settings(serviceName));
}

/**
 * Registers the service for a command, or gives the one of ours that is there this command. Whoever chose that it starts on demand has
 * chosen it for the next release too.
 *
 * @returns whether anything was different
 */
export function registerService({ manager }: ServiceSteps, command: ServiceCommand): boolean {
  return told(() => {
    const there = manager.settings(serviceName);
    const registration = planService(command, there?.start === "manual" ? "manual" : "automatic");
    if (there === undefined) manager.install(registration);
    else manager.update(registration);
    return there?.command !== registration.command || there.start !== registration.start;
  });
}

/** Stops the service, if it runs, and takes it away. */
export async function removeService(host: ServiceSteps): Promise<void> {
  if (statusOf(host).state !== "STOPPED") await endService(host);
  told(() => host.manager.uninstall(serviceName));
  const deadline = host.now() + deleteMs;
  while (host.manager.status(serviceName) !== undefined) {
    if (host.now() >= deadline) {
      throw new ServerError(
        "FAILED",
        `the service ${serviceName} is deleted as soon as nothing shows it any more: close services.msc and the Task Manager`,
      );
    }
    await host.sleep(pollMs);
  }
}

/**
 * Starts the service; resolves when it runs.
 *
 * @throws {ServerError} why it does not run
 */
export async function runService(
  host: ServiceSteps,
  stateDirectory: string | undefined,
  timeoutMs = startMs,
): Promise<void> {
  const { manager } = host;
  told(() => {
    try {
      manager.start(serviceName);
    } catch (error) {
      // Somebody was faster, or Windows has begun by itself.
      if (!isWindowsError(error, windowsErrors.serviceAlreadyRunning)) throw error;
    }
  });
  const status = await waitFor(
    host,
    (state) => state === "RUNNING" || state === "STOPPED",
    timeoutMs,
    "start",
  );
  if (status.state === "STOPPED")
    throw new ServerError("FAILED", `it ended while it started${endOf(status, stateDirectory)}`);
}

/** Stops the service; resolves when it has ended, with its configuration on the disk. */
export async function endService(host: ServiceSteps): Promise<void> {
  told(() => {
    try {
      host.manager.stop(serviceName);
    } catch (error) {
      // One that starts or stops takes no orders, and most often ends by itself.
      const ignored = [windowsErrors.serviceNotActive, windowsErrors.serviceCannotAcceptControl];
      if (!ignored.some((code) => isWindowsError(error, code))) throw error;
    }
  });
  await waitFor(host, (state) => state === "STOPPED", stopMs, "stop");
}

async function waitFor(
  host: ServiceSteps,
  isReached: (state: ServiceState) => boolean,
  timeoutMs: number,
  what: string,
): Promise<ServiceStatus> {
  const deadline = host.now() + timeoutMs;
  for (;;) {
    const status = statusOf(host);
    if (isReached(status.state)) return status;
    if (host.now() >= deadline) {
      throw new ServerError(
        "FAILED",
        `the service ${serviceName} did not ${what} within ${timeoutMs / 1000} s: it is ${status.state}, process ${status.pid}`,
      );
    }
    await host.sleep(pollMs);
  }
}

/** How a service ended, in words that follow a sentence. */
function endOf({ exitCode, specificExitCode }: ServiceStatus, stateDirectory: string | undefined): string {
  const code = exitCode === windowsErrors.serviceSpecificError ? specificExitCode : undefined;
  const meaning = Object.values(errorCodes).find((each) => each.exitCode === code)?.meaning;
  const how =
    code === undefined
      ? `error ${exitCode} of Windows`
      : `exit code ${code}${meaning === undefined ? "" : `: ${meaning}`}`;
  const log = stateDirectory === undefined ? "" : `; see ${stateDirectory}\\log\\server.log`;
  return ` (${how})${log}, and the log "Application" of the Event Viewer`;
}

function statusOf({ manager }: ServiceSteps): ServiceStatus {
  const status = told(() => manager.status(serviceName));
  if (status === undefined) throw notInstalled();
  return status;
}

function requireAdministrator({ isAdministrator }: ServiceHost, verb: string): void {
  if (!isAdministrator) throw notAdministrator(`/${verb}`);
}

/** Errors of Windows as those of a command. */
function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isWindowsError(error, windowsErrors.accessDenied)) throw notAdministrator("this");
    throw new ServerError("FAILED", wordsOf(error), { cause: error });
  }
}

function notAdministrator(what: string): ServerError {
  return new ServerError(
    "NOT_PERMITTED",
    `${what} needs the rights of an administrator: open a console by "Run as administrator", and run it there; without them: vpnserver /usermode`,
  );
}

function notInstalled(): ServerError {
  return new ServerError(
    "NOT_INSTALLED",
    `the service ${serviceName} is not installed; to install it: vpnserver /install`,
  );
}

function foreign(line: string, wayOut: string): ServerError {
  return new ServerError(
    "FAILED",
    `the service ${serviceName} belongs to another program (${line}) and was left as it is: ${wayOut}`,
  );
}
