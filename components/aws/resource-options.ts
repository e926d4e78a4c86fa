import type * as pulumi from "@pulumi/pulumi";
import type { AwsServerTransforms } from "./aws-transforms.ts";

/** Options of an AwsVpnServer as a resource. */
export interface AwsVpnServerResourceOptions extends pulumi.ComponentResourceOptions {
  /**
   * Changes to the child resources, for what no argument tells; in TypeScript and JavaScript.
   *
   * @example
   * // Keep a snapshot of the state when it is destroyed.
   * { transform: { stateVolume: () => ({ args: { finalSnapshot: true } }) } }
   */
  transform?: AwsServerTransforms;
}
