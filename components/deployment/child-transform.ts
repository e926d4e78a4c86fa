import type * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import { describeValue, isLeftOut, isObject } from "../arguments/argument-kind.ts";
import { isLater } from "../arguments/later-value.ts";

/**
 * Arguments of a child that may be changed. What it runs, what it is told on standard input, and how it is deleted are not among them:
 * they belong together, and hold secrets. Nor are triggers: what replaces `install` would take the new server away.
 */
const changeableArgs = ["connection", "environment", "logging"] as const;

/** Options of a child that may be changed. Others are how the component works, such as its hooks. */
const changeableOptions = [
  "additionalSecretOutputs",
  "aliases",
  "customTimeouts",
  "deletedWith",
  "dependsOn",
  "hideDiffs",
  "pluginDownloadURL",
  "protect",
  "provider",
  "retainOnDelete",
  "version",
] as const;

export type ChildArgs = Pick<command.remote.CommandArgs, (typeof changeableArgs)[number]>;
export type ChildOptions = Pick<pulumi.CustomResourceOptions, (typeof changeableOptions)[number]>;

/** A child resource of a server as it would be registered: the part that may be changed. */
export interface ChildResource {
  /** Name of the resource, such as `office-install`. */
  readonly name: string;
  readonly args: ChildArgs;
  readonly opts: ChildOptions;
}

/** Changes arguments or options of a child; what it does not return stays. */
export type ChildTransform = (child: ChildResource) => Changes<Partial<ChildArgs>, ChildOptions> | undefined;

/** What a transform changes. */
export interface Changes<Args, Options> {
  readonly args?: Args;
  readonly opts?: Options;
}

/** Changes to the children of a server, by what comes behind its name in theirs. */
export interface ServerTransforms {
  /** Puts the executable on the host and installs it; takes it away when it is deleted. */
  readonly install?: ChildTransform;
  /** Makes hubs, users and what else is desired as declared. */
  readonly hubs?: ChildTransform;
  /** Puts a server right that is not well. */
  readonly repair?: ChildTransform;
}

export type ChildName = keyof ServerTransforms;

export const serverChildren = ["install", "hubs", "repair"] as const satisfies readonly ChildName[];

/** What is wrong with the transforms as a whole. */
export function transformProblems(
  transforms: object,
  children: readonly string[] = serverChildren,
): string[] {
  return Object.entries(transforms as Readonly<Record<string, unknown>>).flatMap(([name, transform]) => {
    if (!children.some((child) => child === name)) {
      return [`transform.${name} is not known: the children are ${children.join(", ")}`];
    }
    const isUsable = transform === undefined || typeof transform === "function";
    return isUsable ? [] : [`transform.${name} is no function`];
  });
}

/**
 * What a transform has returned, nothing for nothing.
 *
 * @param name of the transform
 * @throws Error when it is something else, of which a part would be left out in silence
 */
export function changesOf<Args extends object, Options extends object>(
  name: string,
  returned: Changes<Args, Options> | null | undefined,
): { readonly args: Args | Record<never, never>; readonly opts: Options | Record<never, never> } {
  if (isLeftOut(returned)) return { args: {}, opts: {} };
  const what = `transform.${name} returned`;
  if (isLater(returned)) throw new Error(`${what} a value that comes later: it may be no async function`);
  if (!isObject(returned))
    throw new Error(`${what} ${describeValue(returned)}: an object with args or opts is needed`);
  const others = Object.keys(returned).filter((key) => key !== "args" && key !== "opts");
  if (others.length > 0) {
    throw new Error(
      `${what} ${others.join(", ")}: put it into args, or into opts where it is an option of the resource`,
    );
  }
  const { args = {}, opts = {} } = returned as Changes<Args, Options>;
  for (const [key, members] of [
    ["args", args],
    ["opts", opts],
  ] as const) {
    if (!isObject(members) || isLater(members)) throw new Error(`${what} ${key} that are no object`);
  }
  return { args, opts };
}

/**
 * The child as a transform wants it.
 *
 * @throws Error when it changes what it may not
 */
export function transformChild(
  transforms: ServerTransforms,
  child: ChildName,
  resource: ChildResource,
): ChildResource {
  const changed = transforms[child]?.(resource);
  if (isLeftOut(changed)) return resource;
  const { args, opts } = changesOf(child, changed);
  for (const [what, members, allowed] of [
    ["args", args, changeableArgs],
    ["opts", opts, changeableOptions],
  ] as const) {
    const names: readonly string[] = allowed;
    const others = Object.keys(members).filter((name) => !names.includes(name));
    if (others.length > 0) {
      throw new Error(
        `transform.${child} returned ${what} with ${others.join(", ")}: it may change ${names.join(", ")}`,
      );
    }
  }
  return { ...resource, args: { ...resource.args, ...args }, opts: { ...resource.opts, ...opts } };
}
