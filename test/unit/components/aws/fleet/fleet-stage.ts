import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import type * as Components from "../../../../../components/aws/index.ts";
import { mockAws, untilDeclared, type MockedAws } from "../mocked-aws.ts";
import { recordOptions, type RegisteredOptions } from "../registered-options.ts";

type Inputs = Readonly<Record<string, unknown>>;

/** A fleet that was declared, and its children by what comes behind its name in theirs. */
export interface DeclaredFleet {
  readonly fleet: Components.AwsVpnFleet;
  readonly names: readonly string[];
  readonly child: (suffix: string) => Inputs;
}

/** Fleets in the place where Pulumi's engine and AWS are played. */
export class FleetStage {
  readonly aws: MockedAws;
  readonly components: typeof Components;
  /** Of resources, by their names. */
  readonly options: ReadonlyMap<string, RegisteredOptions>;

  private constructor(aws: MockedAws, components: typeof Components) {
    this.aws = aws;
    this.components = components;
    this.options = recordOptions();
  }

  static async set(): Promise<FleetStage> {
    const aws = await mockAws();
    return new FleetStage(aws, await import("../../../../../components/aws/index.ts"));
  }

  /** Resolves when all of the fleet is declared. */
  async declare(
    name: string,
    args: Components.AwsVpnFleetArgs = {},
    opts: Components.AwsVpnFleetResourceOptions = {},
  ): Promise<DeclaredFleet> {
    const { resources } = this.aws;
    const fleet = new this.components.AwsVpnFleet(name, args, opts);
    await untilDeclared(resources, [
      `${name}-group`,
      ...(args.scaling ? [`${name}-scaling`] : []),
      ...["state-version", "identity-version", "boot-policy", "declared-hubs"].map(
        (suffix) => `${name}-${suffix}`,
      ),
    ]);
    const child = (suffix: string) => {
      const resource = resources.get(`${name}-${suffix}`);
      assert.ok(resource, `there is no ${suffix}`);
      return resource.inputs;
    };
    const names = [...resources.keys()]
      .filter((key) => key.startsWith(`${name}-`))
      .map((key) => key.slice(name.length + 1));
    return { fleet, child, names };
  }

  /** Why a fleet is refused. */
  refused(args: object, opts: Components.AwsVpnFleetResourceOptions = {}): string {
    try {
      new this.components.AwsVpnFleet("wrong", args, opts);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("nothing was refused");
  }
}

/** The JSON of a secret that is an input. */
export function secretIn(input: unknown): Record<string, unknown> {
  const { value } = input as { value: string };
  return JSON.parse(value) as Record<string, unknown>;
}

export function valueOf<T>(output: pulumi.Output<T>): Promise<pulumi.Unwrap<T>> {
  return (output as unknown as { promise(): Promise<pulumi.Unwrap<T>> }).promise();
}

export function isSecret(output: pulumi.Output<unknown>): Promise<boolean> {
  return (output as unknown as { isSecret: Promise<boolean> }).isSecret;
}
