import { isSea } from "node:sea";
import { fileURLToPath } from "node:url";

/** How to run this program once more. */
export interface SelfCommand {
  /** Path of the file to execute. */
  readonly file: string;
  /** Arguments that come before those of the program. */
  readonly arguments: readonly string[];
  /** What the user would call it: the executable, or the entry of the sources. */
  readonly program: string;
}

/** The single executable runs itself; from the sources it is Node.js that runs `server/main.ts`. */
export function selfCommand(): SelfCommand {
  if (isSea()) return { file: process.execPath, arguments: [], program: process.execPath };
  const entry = fileURLToPath(new URL("../main.ts", import.meta.url));
  return {
    file: process.execPath,
    arguments: ["--disable-warning=ExperimentalWarning", entry],
    program: entry,
  };
}

/** {@link selfCommand} for another release of the single executable. */
export function executableCommand(executable: string): SelfCommand {
  return { file: executable, arguments: [], program: executable };
}

/** First word of the command line of both processes, as `ps` shows it. */
export const processName = "vpnserver";

/** What `ps` shows of both processes, whichever file they were started from. */
export const processTitle = `${processName} execsvc`;

const roleVariable = "VPNSERVER_ROLE";

/** Environment of a worker: it alone has the role. */
export function workerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, [roleVariable]: "worker" };
}

/**
 * Tells the worker from the supervisor, and takes the role out of the environment, so that nothing that is started from
 * here inherits it. The role without the channel to a supervisor comes from somebody's shell and means nothing.
 */
export function takeWorkerRole(env: NodeJS.ProcessEnv): boolean {
  const isWorker = env[roleVariable] === "worker" && process.connected;
  delete env[roleVariable];
  return isWorker;
}
