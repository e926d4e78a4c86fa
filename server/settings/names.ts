import { nameLimits } from "../limits.ts";

/**
 * What hubs, groups and users may be called, whoever makes them: an RPC of an administrator or a desired state. The rules are the
 * official server's, so that what is made here can be moved there. They are for what is made: a configuration with other names
 * loads, its users log in, and they can be changed and deleted.
 */

/** The characters that the official programs take in names (`Mayaqua/Str.c` IsSafeChar); of users also `@`. */
const safeName = /^[A-Za-z0-9 ()_#%&.-]+$/;
const safeUserName = /^[A-Za-z0-9 ()_#%&.@-]+$/;

/** Names of what is in a hub besides users (`Cedar/Account.c` IsUserName). A user of such a name would be taken for it. */
const reservedUserName = /^(?:administrator|link|cascade|securenat|localbridge|local bridge|l3sw_.*)$/i;

const allowed = "allowed are A-Z a-z 0-9 ( ) - _ # % & .";

/** Why a hub may not be called so, for people; undefined for a good name. */
export function hubNameProblem(name: string): string | undefined {
  return nameProblem(name, safeName) ?? (/^\.|\.$/.test(name) ? 'begins or ends with "."' : undefined);
}

/** The same of a group. */
export function groupNameProblem(name: string): string | undefined {
  return nameProblem(name, safeName);
}

/** The same of a user. `*`, which stands for the users of another server, is up to who knows how they log in. */
export function userNameProblem(name: string): string | undefined {
  return (
    nameProblem(name, safeUserName) ?? (reservedUserName.test(name) ? `"${name}" is reserved` : undefined)
  );
}

function nameProblem(name: string, characters: RegExp): string | undefined {
  if (name === "") return "is empty";
  if (name.length > nameLimits.nameCharacters)
    return `is longer than ${nameLimits.nameCharacters} characters`;
  if (characters.test(name) && name.trim() === name) return undefined;
  const more = characters === safeUserName ? " @" : "";
  return `holds a character that no name may hold; ${allowed}${more} and, inside, space`;
}
