import type { StatePaths } from "../state-paths.ts";

/** What the commands know of the process that they run in. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv;
  readonly uid: number;
  readonly home: string;
  /** Path of this executable with links resolved; `undefined` when the sources run. */
  readonly executable: string | undefined;
  /** `--state-dir` as it was given, or `undefined`. */
  stateDirectoryOption(): string | undefined;
  /** @throws {ServerError} see resolveStatePaths */
  statePaths(): StatePaths;
  /** A line of a result, on standard output. */
  print(line: string): void;
  /** A line about the progress, or a hint, on standard error: `vpnserver: ...`. */
  note(message: string): void;
}
