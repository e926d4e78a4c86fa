import type { RunProgram } from "../platform/run-program.ts";
import type { StatePaths } from "../state-paths.ts";

/** A server on this host, as what runs it has to know it. */
export interface InstalledServer {
  readonly paths: StatePaths;
  /** Absolute path that stays as it is when the release changes. On Windows a command file, which nothing but a shell can run. */
  readonly executable: string;
  readonly run: RunProgram;
}

export interface RegistrationOptions {
  readonly opensFirewall: boolean;
  /** Path of the release to run, for what keeps the path of a release and not the one that stays as it is. */
  readonly program: string;
}

export interface StartOptions {
  readonly timeoutMs: number;
  /** As in {@link RegistrationOptions}. */
  readonly program: string;
}

/** What runs one server: an init system, or what takes its place in user mode. */
export interface InitSystem {
  /** What it has of the server; `undefined` when that is nothing. Opaque, for {@link register}. */
  registration(): Promise<string | undefined>;
  /** What it should have. */
  desiredRegistration(options: RegistrationOptions): string | undefined;
  /**
   * Registers the server to be started at boot, where that is possible.
   *
   * @returns whether anything was different
   * @throws {ServerError} when something of somebody else is in the way
   */
  register(registration: string | undefined): Promise<boolean>;
  /** Takes the registration away, if there is one, of a server that was stopped. */
  unregister(): Promise<void>;
  /** Whether the supervisor with this process id is the one that it has started and watches. */
  keeps(supervisorPid: number): Promise<boolean>;
  /**
   * Starts the server, in the place of what may run.
   *
   * @throws {ServerError} why it did not start
   */
  start(options: StartOptions): Promise<void>;
  /** Stops the server if it runs. */
  stop(): Promise<void>;
  /** The end of what the server and the init system wrote down, for an error message. */
  lastLogLines(): Promise<string[]>;
  /** What on this host may keep the server from staying, for people. */
  warnings(): Promise<string[]>;
}

/** A kind of init system, as a host has one. */
export interface InitSystemKind {
  /** As people know it. */
  readonly title: string;
  /** What is there on a host that is run by it, for people. */
  readonly sign: string;
  /** Whether this host is run by it. */
  detect(): boolean;
  /** The file by which it starts a server of ours with its state in that folder, on Windows the executable; `undefined` when there is none. */
  fileOfServerIn(stateDirectory: string): Promise<string | undefined>;
  /** It as what runs one server. */
  of(server: InstalledServer): InitSystem;
}
