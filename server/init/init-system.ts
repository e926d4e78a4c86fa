import type { RunningStatus } from "../contract/server-status.ts";

/** How one of the modes runs the server of an installation. */
export interface ModeRunner {
  /** What the host's init system has of us; `undefined` when that is nothing. Opaque, for {@link register}. */
  registration(): Promise<string | undefined>;
  /** What it should have. */
  desiredRegistration(options: { readonly opensFirewall: boolean }): string | undefined;
  /**
   * Registers the server to be started at boot, where the mode has such.
   *
   * @returns whether anything was different
   * @throws {ServerError} when something of somebody else is in the way
   */
  register(registration: string | undefined): Promise<boolean>;
  /** Takes the registration away, of a server that was stopped. */
  unregister(): Promise<void>;
  /** Whether the init system, where the mode has one, knows this running server as its own. */
  keeps(status: RunningStatus): Promise<boolean>;
  /**
   * Starts the release that `current` points to, in the place of what may run.
   *
   * @throws {ServerError} why the server did not start
   */
  start(options: { readonly timeoutMs: number }): Promise<void>;
  /** Stops the server if it runs. */
  stop(): Promise<void>;
  /** The end of what the server and the init system wrote down, for an error message. */
  lastLogLines(): Promise<string[]>;
}
