import type { ArgumentKinds } from "./argument-kind.ts";
import { nearestName } from "./nearest-name.ts";

/** Arguments of former versions, and what took their place. */
const formerNames: Readonly<Record<string, string>> = {
  keepState:
    "is gone: destroy leaves configuration, certificate, keys and logs on the host unless purgeStateOnDestroy is true",
};

/**
 * Names that are not known, each with the one that was probably meant. Members that Pulumi adds by itself begin with `__`, and are
 * left alone.
 *
 * @param prefix of the paths in messages, such as `connection.`
 */
export function unknownNames(args: object, known: ArgumentKinds, prefix: string): string[] {
  const names = Object.keys(known);
  return Object.keys(args)
    .filter((name) => !Object.hasOwn(known, name) && !name.startsWith("__"))
    .map((name) => {
      const former = Object.hasOwn(formerNames, name) ? formerNames[name] : undefined;
      if (former !== undefined) return `${prefix}${name} ${former}`;
      const nearest = nearestName(name, names);
      const meant = nearest === undefined ? "known" : `did you mean ${nearest}? Known`;
      return `${prefix}${name.slice(0, 64)} is not known: ${meant} here are ${names.join(", ")}`;
    });
}
