import type { FirewallReport } from "../firewall/firewall.ts";
import type { ListenerStatus } from "../listener-status.ts";
import type { RunProgram } from "../run-program.ts";
import type { Mode } from "./mode-choice.ts";

export interface InstallOptions {
  /** The release: path of the executable to install. */
  readonly executable: string;
  readonly mode: Mode;
  /** Why this mode. */
  readonly reason: string;
  readonly prefix: string;
  /** That of the installation, or the mode's own, when left out. */
  readonly stateDirectory?: string | undefined;
  /** TCP ports; those that the server has when left out. */
  readonly listeners?: readonly number[] | undefined;
  /** Whether ports are opened in the host's firewall; as before, or yes, when left out. Service mode only. */
  readonly openFirewall?: boolean | undefined;
  /** How long the server has to become healthy. */
  readonly healthTimeoutMs: number;
  readonly run: RunProgram;
  /** Told what is being done. */
  readonly note: (message: string) => void;
  /** Breaks the installation off: what was changed is undone. */
  readonly signal?: AbortSignal | undefined;
}

/** What `install --json` prints. */
export interface InstallResult {
  readonly mode: Mode;
  readonly reason: string;
  readonly version: string;
  readonly sha256: string;
  readonly prefix: string;
  readonly stateDirectory: string;
  readonly listeners: readonly ListenerStatus[];
  readonly tlsFingerprint: string;
  readonly firewall: FirewallReport;
  /** What is not as it could be, though the server serves. */
  readonly warnings: readonly string[];
  /** Whether anything on the host is different now. */
  readonly changed: boolean;
}
