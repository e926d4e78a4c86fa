import type { FirewallReport } from "../firewall/firewall-report.ts";
import type { ListenerStatus } from "../listener-status.ts";
import type { RunProgram } from "../platform/run-program.ts";
import type { Mode } from "./mode-choice.ts";
import type { Owner } from "./owner.ts";

export interface InstallOptions {
  /** The release: path of the executable to install. */
  readonly executable: string;
  readonly mode: Mode;
  /** Why this mode. */
  readonly reason: string;
  /** What it lacks, for the result's warnings. */
  readonly modeWarning?: string | undefined;
  readonly prefix: string;
  /** What the executable has to be, in lower-case hexadecimal. */
  readonly sha256?: string | undefined;
  /** The deployment that the server belongs to from now on; as before when left out. */
  readonly owner?: Owner | undefined;
  /** Take the server over from another deployment. */
  readonly adopt?: boolean | undefined;
  /** That of the installation, or the mode's own, when left out. */
  readonly stateDirectory?: string | undefined;
  /** TCP ports; those that the server has when left out. */
  readonly listeners?: readonly number[] | undefined;
  /** Configuration of a SoftEther VPN Server to take over: its file, or the folder that holds it; absolute. */
  readonly importFrom?: string | undefined;
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
  /** The deployment that the server belongs to; left out where it belongs to none. */
  readonly owner?: Owner;
  /** Left out when nothing was to be imported. */
  readonly imported?: ImportReport;
  /** What is not as it could be, though the server serves. */
  readonly warnings: readonly string[];
  /** Whether anything on the host is different now. */
  readonly changed: boolean;
}

/** What an installation took over of a SoftEther VPN Server. */
export interface ImportReport {
  /** The file. */
  readonly from: string;
  /** `before`: by an earlier run, and nothing was imported again. */
  readonly status: "now" | "before";
  readonly hubs?: number;
  readonly users?: number;
  /** Units of systemd that ran the former server, and are stopped and disabled; by the names that they have now. */
  readonly formerServices: readonly string[];
  /** What is kept in the configuration and not served. */
  readonly notServed: readonly string[];
}
