import { ServerError } from "../errors.ts";
import type { InitSystemFinding } from "../init/init-systems.ts";

/** How a server runs on its host, as the SoftEther manual names it. */
export type Mode = "service" | "user";

export const requestableModes = ["auto", "service", "user"] as const;
export type RequestedMode = (typeof requestableModes)[number];

/** What of a host decides about the mode. */
export interface HostFacts {
  /** Effective user id; 0 for an administrator of Windows. */
  readonly uid: number;
  /** Name of that user. */
  readonly user: string;
  /** Who became root by sudo for this command, if anybody did. */
  readonly sudoUser?: string | undefined;
  readonly initSystem: InitSystemFinding;
  /** Who may have a service. @default "root" */
  readonly superuser?: "root" | "administrator";
  /** Whether this very executable can be run as root by `sudo -n`; why not, if not. Not asked where it does not matter. */
  readonly sudo: { readonly works: true } | { readonly works: false; readonly reason: string };
}

export interface ModeChoice {
  readonly mode: Mode;
  /** Why, in words that complete "service mode: ...". */
  readonly reason: string;
  /** The command has to be run again by sudo. */
  readonly needsSudo: boolean;
  /** What would have been better, and how it can be had, where only the user's rights stand in the way. */
  readonly warning?: string;
}

/**
 * Chooses the mode. `auto` is service mode where an init system that is known here runs the host and the user is root or
 * may become it by sudo without a password; else user mode.
 *
 * @throws {ServerError} NOT_PERMITTED or UNSUPPORTED when service mode is asked for and cannot be
 */
export function chooseMode(requested: RequestedMode, facts: HostFacts): ModeChoice {
  if (requested === "user") return { mode: "user", reason: "it was asked for", needsSudo: false };
  const answer = serviceOn(facts);
  if ("initSystem" in answer) {
    const asked = requested === "service" ? "it was asked for, " : "";
    return {
      mode: "service",
      reason: `${asked}${answer.initSystem} runs this host and ${rightsOf(facts)}`,
      needsSudo: facts.uid !== 0,
    };
  }
  if (requested === "service") {
    throw new ServerError(
      answer.code,
      `service mode is not possible: ${answer.reason}; ${answer.wayOut}, or install with --mode user`,
    );
  }
  const choice = { mode: "user", reason: answer.reason, needsSudo: false } as const;
  if (answer.code !== "NOT_PERMITTED") return choice;
  return {
    ...choice,
    warning:
      facts.superuser === "administrator"
        ? `user mode was chosen because ${answer.reason}: the server ends when the user logs off, and nothing starts it with Windows; for service mode ${answer.wayOut}; to keep user mode ask for it (--mode user)`
        : `user mode was chosen because ${answer.reason}: nothing starts the server at boot, and ports below 1024 may stay closed; for service mode let the user run sudo without a password, or install as root; to keep user mode ask for it (--mode user)`,
  };
}

interface Obstacle {
  readonly code: "UNSUPPORTED" | "NOT_PERMITTED";
  readonly reason: string;
  readonly wayOut: string;
}

/** The init system that would start the service, or what is in the way of it. */
function serviceOn({
  uid,
  user,
  initSystem,
  sudo,
  superuser,
}: HostFacts): { readonly initSystem: string } | Obstacle {
  if (!("title" in initSystem)) return { code: "UNSUPPORTED", ...initSystem };
  if (uid !== 0 && superuser === "administrator") {
    return {
      code: "NOT_PERMITTED",
      reason: `the user "${user}" does not run this with the rights of an administrator`,
      wayOut: 'open a console by "Run as administrator", and install there',
    };
  }
  if (uid !== 0 && !sudo.works) {
    return {
      code: "NOT_PERMITTED",
      reason: `the user "${user}" is not root, and ${sudo.reason}`,
      wayOut: "run this as root",
    };
  }
  return { initSystem: initSystem.title };
}

function rightsOf({ uid, user, sudoUser, superuser }: HostFacts): string {
  if (superuser === "administrator") return `the user "${user}" is an administrator`;
  if (uid !== 0) return `the user "${user}" may use sudo without a password`;
  return sudoUser === undefined ? "the user is root" : `the user "${sudoUser}" became root by sudo`;
}
