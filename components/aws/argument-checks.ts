import * as pulumi from "@pulumi/pulumi";
import { ArgumentError, ArgumentProblems } from "../arguments/argument-error.ts";
import {
  isLeftOut,
  kindProblems,
  type ArgumentKind,
  type ArgumentKinds,
} from "../arguments/argument-kind.ts";
import { parsePublicHost } from "../arguments/server-arguments.ts";
import { isLater } from "../arguments/later-value.ts";
import { networkProblems } from "./networks.ts";
import { tagProblems } from "./tags.ts";

/** Arguments as they were given. */
export type Members = Readonly<Record<string, unknown>>;

/** What is wrong with one argument, judged by itself; `undefined` leaves it to the table of kinds. */
export type OwnCheck = (name: string, value: unknown) => string[] | undefined;

/**
 * What is wrong with each argument that is there already.
 *
 * @param plain names of those that decide which resources there are, and cannot come later
 */
export function givenProblems(
  args: Members,
  plain: readonly string[],
  check: OwnCheck,
  kinds: ArgumentKinds,
): string[] {
  return [
    ...plain
      .filter((name) => isLater(args[name]))
      .map(
        (name) => `${name} is an Output: it decides which resources there are, so give it as a plain value`,
      ),
    ...Object.entries(args).flatMap(([name, value]) =>
      isLater(value) ? [] : valueProblems(name, value, check, kinds),
    ),
  ];
}

/** What is wrong with one argument, judged by itself. */
export function valueProblems(name: string, value: unknown, check: OwnCheck, kinds: ArgumentKinds): string[] {
  const own = check(name, value) ?? sharedCheck(name, value, kinds);
  if (own !== undefined) return own;
  const kind: ArgumentKind | undefined = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  return kind === undefined ? [] : kindProblems(name, value, kind);
}

/**
 * A value that may come later, checked when it is there.
 *
 * @throws ArgumentError in the Output, by what `attempt` does with it
 */
export function checkWhenThere<T>(
  value: pulumi.Input<T>,
  problemsOf: (value: unknown) => string[],
  attempt: <R>(work: () => R) => R,
): pulumi.Output<pulumi.Unwrap<T>> {
  return pulumi.output(value).apply((known): pulumi.Unwrap<T> =>
    attempt(() => {
      const problems = problemsOf(known);
      if (problems.length > 0) throw new ArgumentError(problems);
      return known;
    }),
  );
}

/** Of the arguments that every component on AWS has. */
function sharedCheck(name: string, value: unknown, kinds: ArgumentKinds): string[] | undefined {
  switch (name) {
    case "vpnFrom":
      return networkProblems(name, value);
    case "tags":
      return tagProblems(value);
    case "users":
    case "hubs":
      // Their members are checked by the server, which may know of them before it knows its host.
      return Array.isArray(value) || isLeftOut(value)
        ? []
        : kindProblems(name, value, kinds[name] ?? { type: "hubs" });
    case "publicHost": {
      const problems = new ArgumentProblems();
      if (!isLeftOut(value)) problems.collect(() => parsePublicHost(name, value));
      return [...problems.list];
    }
    default:
      return undefined;
  }
}

/** What is wrong with arguments that do not go together, in every component on AWS. */
export function sharedPairProblems(args: Members): string[] {
  const has = (name: string) => !isLeftOut(args[name]);
  const problems: string[] = [];
  const { vpnFrom } = args;
  if (Array.isArray(vpnFrom) && vpnFrom.length === 0) {
    problems.push("vpnFrom is an empty list: nobody could connect; leave it out for clients from everywhere");
  }
  if (has("users") && has("hubs")) {
    problems.push("users and hubs are both given: users is short for the hub DEFAULT, so write it into hubs");
  }
  if (has("ami") && has("image")) problems.push("ami and image are both given: leave one out");
  return problems;
}
