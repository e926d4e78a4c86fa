import type { ArgumentKinds } from "./argument-kind.ts";
import { nearestName } from "./nearest-name.ts";

/** Names that are looked for here, and what there is instead. */
const otherNames: Readonly<Record<string, string>> = {
  keepState:
    "is gone: destroy leaves configuration, certificate, keys and logs on the host unless purgeStateOnDestroy is true",
  transform:
    "is no argument: it belongs to the options of the resource, in TypeScript and JavaScript; functions reach no component from another language",
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
      const instead = Object.hasOwn(otherNames, name) ? otherNames[name] : undefined;
      if (instead !== undefined) return `${prefix}${name} ${instead}`;
      const nearest = nearestName(name, names);
      const meant = nearest === undefined ? "known" : `did you mean ${nearest}? Known`;
      return `${prefix}${name.slice(0, 64)} is not known: ${meant} here are ${names.join(", ")}`;
    });
}
