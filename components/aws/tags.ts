import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "../arguments/argument-error.ts";
import { describeValue, isLeftOut, isObject } from "../arguments/argument-kind.ts";
import { isLater } from "../arguments/later-value.ts";

export type Tags = pulumi.Input<{ [name: string]: pulumi.Input<string> }>;

/** What AWS takes for each resource, one of which is `Name`. */
const mostTags = 50;
const mostNameCharacters = 128;
const mostValueCharacters = 256;
/** What services other than EC2 do not take in a tag. */
const refusedCharacter = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u;

/** What is wrong with tags that are there, on resources of every service. */
export function tagProblems(tags: unknown): string[] {
  if (isLeftOut(tags)) return [];
  if (!isObject(tags)) return [`tags is ${describeValue(tags)}: an object of texts is needed`];
  const entries = Object.entries(tags);
  const count = entries.filter(([name]) => name !== "Name").length;
  const problems =
    count < mostTags
      ? []
      : [`tags has ${count} of them: AWS takes ${mostTags} for each resource, one of which is "Name"`];
  return [...problems, ...entries.flatMap(([name, value]) => tagProblem(name, value))];
}

function tagProblem(name: string, value: unknown): string[] {
  const described = describeValue(name);
  if (/^aws:/i.test(name)) return [`tags: the name ${described} begins with "aws:", which is AWS's own`];
  if (name === "" || name.length > mostNameCharacters) {
    return [
      `tags: the name ${described} has ${name.length} characters: 1 to ${mostNameCharacters} are needed`,
    ];
  }
  if (isLater(value)) return [];
  if (typeof value !== "string")
    return [`tags: the value of ${described} is ${describeValue(value)}: a text is needed`];
  return value.length <= mostValueCharacters
    ? []
    : [
        `tags: the value of ${described} has ${value.length} characters: AWS takes ${mostValueCharacters} at most`,
      ];
}

/**
 * What is wrong with tags beyond that where a role is made, or a load balancer or a bucket: EC2 takes every character, and other services do
 * not.
 */
export function narrowTagProblems(tags: unknown): string[] {
  if (!isObject(tags) || isLater(tags)) return [];
  const needed = 'letters, digits, blanks and "_.:/=+-@" are needed';
  const names = new Map([["name", "Name"]]);
  return Object.entries(tags).flatMap(([name, value]) => {
    const other = names.get(name.toLowerCase());
    if (other !== undefined && other !== name) {
      return [
        `tags has ${describeValue(other)} and ${describeValue(name)}, which IAM takes for the same name`,
      ];
    }
    names.set(name.toLowerCase(), name);
    return [
      ...(refusedCharacter.test(name) ? [`tags: the name ${describeValue(name)}: ${needed}`] : []),
      ...(typeof value === "string" && refusedCharacter.test(value)
        ? [`tags: the value of ${describeValue(name)} is ${describeValue(value)}: ${needed}`]
        : []),
    ];
  });
}

/**
 * Tags as they are when all of them are there; those that come later are checked then.
 *
 * @throws ArgumentError in the Output, by what `attempt` does with it
 */
export function checkedTags(
  tags: Tags | undefined,
  attempt: <T>(work: () => T) => T,
): pulumi.Output<Readonly<Record<string, string>>> {
  return pulumi.output(tags ?? {}).apply((known) => {
    if (!isLater(tags)) return known;
    return attempt(() => {
      const problems = tagProblems(known);
      if (problems.length > 0) throw new ArgumentError(problems);
      return known;
    });
  });
}

/** The name of a resource as the value of its tag, which every service takes. */
export function nameTag(resourceName: string): string {
  return resourceName.replace(new RegExp(refusedCharacter, "gu"), "-").slice(0, mostValueCharacters);
}
