import type * as pulumi from "@pulumi/pulumi";
import type { AwsFleetTransforms } from "./fleet-transforms.ts";

/** Options of an AwsVpnFleet as a resource. */
export interface AwsVpnFleetResourceOptions extends pulumi.ComponentResourceOptions {
  /**
   * Changes to the child resources, for what no argument tells; in TypeScript and JavaScript.
   *
   * @example
   * // Instances that AWS may take away, for less.
   * { transform: { launchTemplate: () => ({ args: { instanceMarketOptions: { marketType: "spot" } } }) } }
   */
  transform?: AwsFleetTransforms;
}
