import type { AwsApi } from "../api/aws-api.ts";
import type { Values } from "../types/type-check.ts";

/** A kind of resource. Inputs have been checked against the types of `@pulumi/aws` before they come here. */
export interface ResourceKind {
  /** The inputs that are carried out. Another one is refused, so that nothing is taken for done that is not. */
  readonly carriesOut: readonly string[];
  /** The inputs whose change makes another resource. */
  readonly replaces: readonly string[];
  /**
   * The input that gets the resource's name and seven random digits when it is not given. With a `…Prefix` beside it the name is made
   * of that, when the resource is.
   */
  readonly autoNamed?: string;
  /** What AWS does not take beyond the types. Values that are not known yet are passed over. */
  refusals?(inputs: Values, api: AwsApi): Promise<readonly { property: string; reason: string }[]>;
  /** Whether this change makes another resource, where it depends on more than the name of the input. */
  replacesAlso?(property: string, inputs: Values): boolean;
  /** @returns the id */
  create(inputs: Values, api: AwsApi): Promise<string>;
  /** What AWS says of it; `undefined` when it is gone. */
  read(id: string, inputs: Values, api: AwsApi): Promise<Values | undefined>;
  update?(id: string, inputs: Values, former: Values, api: AwsApi): Promise<void>;
  delete(id: string, inputs: Values, api: AwsApi): Promise<void>;
}

/** A function: looks something up. */
export type LookUp = (args: Values, api: AwsApi) => Promise<Values>;
