import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "../arguments/argument-error.ts";
import { isLeftOut } from "../arguments/argument-kind.ts";
import { Deployment } from "../deployment/deployment.ts";
import type { AwsVpnServerArgs } from "./aws-server-arguments.ts";
import {
  awsTransformProblems,
  serverTransformsOf,
  transformAwsChild,
  type AwsChildArgs,
  type AwsServerTransforms,
} from "./aws-transforms.ts";

type ResourceType<Args, Resource> = new (
  name: string,
  args: Args,
  opts: pulumi.CustomResourceOptions,
) => Resource;

/** What is made for one AwsVpnServer, as its steps see it: whose children they make, where, and how they tell what is wrong. */
export class Provision extends Deployment {
  /** For all that is of one region. */
  readonly region: { readonly region?: pulumi.Input<string> };
  readonly #transforms: AwsServerTransforms;
  readonly #tags: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(
    name: string,
    component: pulumi.ComponentResource,
    args: Pick<AwsVpnServerArgs, "region" | "tags">,
    transforms: AwsServerTransforms,
  ) {
    super(name, component, serverTransformsOf(transforms), "AwsVpnServer");
    this.region = isLeftOut(args.region) ? {} : { region: args.region };
    this.#transforms = transforms;
    this.#tags = pulumi.output(args.tags ?? {});
    const problems = awsTransformProblems(transforms);
    if (problems.length > 0) this.fail(new ArgumentError(problems));
  }

  /** Options of the functions that are called, so that they use the provider of the component. */
  get invoking(): pulumi.InvokeOutputOptions {
    return { parent: this.server };
  }

  /** A child on AWS, as its transform wants it. @param suffix of its name, behind that of the component */
  make<Child extends keyof AwsChildArgs, Resource>(
    child: Child,
    Type: ResourceType<AwsChildArgs[Child], Resource>,
    suffix: string,
    args: AwsChildArgs[Child],
    opts: pulumi.CustomResourceOptions = {},
  ): Resource {
    const name = this.nameOf(suffix);
    const changed = this.attempt(() => transformAwsChild(this.#transforms, child, { name, args, opts }));
    return new Type(name, changed.args, { ...changed.opts, parent: this.server });
  }

  nameOf(suffix: string): string {
    return `${this.name}-${suffix}`;
  }

  /** Tags of a child: its name, and those that the user wants. */
  tags(suffix: string): pulumi.Output<Record<string, string>> {
    return this.#tags.apply((tags): Record<string, string> => ({ Name: this.nameOf(suffix), ...tags }));
  }
}
