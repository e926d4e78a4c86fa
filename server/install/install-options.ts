import type { RunProgram } from "../platform/run-program.ts";
import type { Mode } from "./mode-choice.ts";
import type { Owner } from "../contract/owner.ts";

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
