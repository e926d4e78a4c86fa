import type { Owner } from "../contract/owner.ts";
import { ServerError } from "../errors.ts";

/** Whose an installation is from now on, and what to say about that. */
export interface OwnerChange {
  /** Undefined where nobody owns it. */
  readonly owner: Owner | undefined;
  /** About the progress. */
  readonly note?: string;
  /** For the result. */
  readonly warning?: string;
  /** Another deployment's record of what it made by `apply` must not guide this one's. */
  readonly forgetsApplied: boolean;
}

export function describeOwner({ stack, name }: Owner): string {
  return `"${name}" of ${stack}`;
}

/**
 * Decides whose an installation is after an `install`. A deployment takes what is nobody's, keeps its own under whatever name,
 * and takes over from another name of the same stack, which is how a renamed one appears. Everything else is another's.
 *
 * @param installed whether anything is installed
 * @param present whose that is
 * @param wanted who installs; undefined for somebody at the command line
 * @throws {ServerError} OWNED_BY_ANOTHER unless `adopt` is set
 */
export function decideOwner(options: {
  readonly installed: boolean;
  readonly present: Owner | undefined;
  readonly wanted: Owner | undefined;
  readonly adopt: boolean;
}): OwnerChange {
  const { installed, present, wanted, adopt } = options;
  if (wanted === undefined || wanted.id === present?.id) {
    return { owner: wanted ?? present, forgetsApplied: false };
  }
  if (present === undefined) {
    const note = `the server that is here belonged to no deployment: it is ${describeOwner(wanted)} from now on`;
    return { owner: wanted, forgetsApplied: false, ...(installed && { note }) };
  }
  if (present.stack === wanted.stack && present.name !== wanted.name) {
    return {
      owner: wanted,
      forgetsApplied: false,
      warning: `this server was "${present.name}" of the same stack and is now "${wanted.name}"`,
    };
  }
  if (!adopt) throw ownedByAnother(present, wanted);
  return {
    owner: wanted,
    forgetsApplied: true,
    warning: `this server belonged to ${describeOwner(present)} and was adopted: it is ${describeOwner(wanted)} now; what the former owner made on it stays until somebody deletes it`,
  };
}

function ownedByAnother(present: Owner, wanted: Owner): ServerError {
  const isNamesake = present.stack === wanted.stack;
  const whose = isNamesake
    ? `another deployment of the same name, ${describeOwner(present)} (owner id ${present.id}, and not ${wanted.id})`
    : describeOwner(present);
  return new ServerError(
    "OWNED_BY_ANOTHER",
    `the server on this host belongs to ${whose}, and nothing was changed: two deployments of one server undo each other's changes; destroy the other one first, or take the server over with adopt: true (on the command line --adopt)`,
  );
}

/** What `uninstall` says to the deployment whose server it no longer is. */
export function describeStay(prefix: string, owner: Owner): string {
  return `nothing was changed: the server in ${prefix} belongs to ${describeOwner(owner)} now, and stays`;
}
