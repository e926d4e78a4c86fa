import { isSea } from "node:sea";
import { fileURLToPath } from "node:url";

/**
 * Options of the runtime for this program, in whichever form it runs. V8 lets the part of its heap for young objects grow to
 * three times 16 MiB under load and keeps it when idle; what sessions send makes next to no objects, and needs little of it. It is small
 * for another reason too: what lives in it at the end of a collection of the whole heap is marked and moved in one go, which with 4 MiB
 * held the thread for 20 to 60 ms, with 1 MiB for 5. The
 * executable has them in it and heeds no other, from the environment neither.
 */
export const runtimeOptions: readonly string[] = [
  "--disable-warning=ExperimentalWarning",
  "--max-semi-space-size=1",
  // Of young objects, pages that are in use by a twentieth become old as they are, and are not copied while the thread waits.
  "--page-promotion-threshold=5",
  // The heap grows to three times of what is in use, and not by a tenth where little was made of late: else the megabytes of a request or
  // a file, which lie outside of it and count, begin one collection after the other and have each ended while the thread waits.
  "--heap-growing-percent=200",
  // Whoever gets at a debugger's port runs code here, and it asks for no password.
  "--disable-sigusr1",
];

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
    arguments: [...runtimeOptions, entry],
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

/**
 * How glibc's malloc deals with memory that is free again (mallopt(3)). Left to itself it comes to keep the large buffers of
 * each connection among the small things that outlive them, and can then give back neither: a server that had many sessions once
 * would stay large for good. Blocks from 64 KiB on, such as what TLS reads into, get pages of their own.
 */
const mallocSettings = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "1048576",
} as const;

/** Environment of a worker: it alone has the role. What the administrator sets for malloc stays. */
export function workerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...mallocSettings, ...env, [roleVariable]: "worker" };
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
