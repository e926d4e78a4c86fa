import type * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "../arguments/argument-error.ts";
import { isLeftOut } from "../arguments/argument-kind.ts";
import { transformProblems, type ServerTransforms } from "../deployment/child-transform.ts";
import { Deployment } from "../deployment/deployment.ts";
import { transformAwsChild, type AwsChildArgs, type AwsChildTransform } from "./aws-transforms.ts";
import { checkedTags, nameTag, type Tags } from "./tags.ts";
import type { AwsFleetChildArgs } from "./fleet/fleet-transforms.ts";

type ResourceType<Args, Resource> = new (
  name: string,
  args: Args,
  opts: pulumi.CustomResourceOptions,
) => Resource;

type ChildArgs = AwsChildArgs & AwsFleetChildArgs;

interface ProvisionOptions {
  /** Name of the component's class, for messages. */
  readonly kind: string;
  readonly region: pulumi.Input<string> | undefined;
  readonly tags: Tags | undefined;
  readonly transforms: object;
  /** What transforms there may be. */
  readonly children: readonly string[];
  /** The transforms of a server that the component makes. */
  readonly serverTransforms?: ServerTransforms;
}

/** What is made for one component on AWS, as its steps see it: whose children they make, where, and how they tell what is wrong. */
export class Provision extends Deployment {
  /** For all that is of one region. */
  readonly region: { readonly region?: pulumi.Input<string> };
  readonly #transforms: { readonly [Child in keyof ChildArgs]?: AwsChildTransform<ChildArgs[Child]> };
  readonly #tags: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(name: string, component: pulumi.ComponentResource, options: ProvisionOptions) {
    super(name, component, options.serverTransforms ?? {}, options.kind);
    this.region = isLeftOut(options.region) ? {} : { region: options.region };
    this.#transforms = options.transforms;
    this.#tags = checkedTags(options.tags, (work) => this.attempt(work));
    const problems = transformProblems(options.transforms, options.children);
    if (problems.length > 0) this.fail(new ArgumentError(problems));
  }

  /** Options of the functions that are called, so that they use the provider of the component. */
  get invoking(): pulumi.InvokeOutputOptions {
    return { parent: this.server };
  }

  /** A child on AWS, as its transform wants it. @param suffix of its name, behind that of the component */
  make<Child extends keyof ChildArgs, Resource>(
    child: Child,
    Type: ResourceType<ChildArgs[Child], Resource>,
    suffix: string,
    args: ChildArgs[Child],
    opts: pulumi.CustomResourceOptions = {},
  ): Resource {
    const name = this.nameOf(suffix);
    const { [child]: transform } = this.#transforms;
    const asked = { name, args, opts: keepingName(args, opts) };
    const changed = this.attempt(() => transformAwsChild<ChildArgs[Child]>(child, transform, asked));
    return new Type(name, changed.args, { ...changed.opts, parent: this.server });
  }

  nameOf(suffix: string): string {
    return `${this.name}-${suffix}`;
  }

  /** Tags of a child: its name, and those that the user wants. */
  tags(suffix: string): pulumi.Output<Record<string, string>> {
    return this.#tags.apply((tags): Record<string, string> => ({
      Name: nameTag(this.nameOf(suffix)),
      ...tags,
    }));
  }
}

/** What is named by a prefix keeps its name when the component is renamed: another name would be another thing. */
function keepingName(args: object, opts: pulumi.CustomResourceOptions): pulumi.CustomResourceOptions {
  const prefixes = ["namePrefix", "keyNamePrefix", "bucketPrefix"].filter((name) =>
    Object.hasOwn(args, name),
  );
  return prefixes.length === 0
    ? opts
    : { ...opts, ignoreChanges: [...(opts.ignoreChanges ?? []), ...prefixes] };
}
