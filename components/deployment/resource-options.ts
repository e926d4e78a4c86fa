import type * as pulumi from "@pulumi/pulumi";
import type { ServerTransforms } from "./child-transform.ts";

/**
 * Options of a VpnServer or VpnFleet as a resource. `transform` is here and not among the arguments because functions reach no
 * component of a plugin: arguments are the same in every language.
 */
export interface VpnServerResourceOptions extends pulumi.ComponentResourceOptions {
  /**
   * Changes to the server's child resources, for what no argument tells.
   *
   * @example
   * // The instance takes its server along, so that nobody dials it when both are destroyed.
   * { transform: { install: () => ({ opts: { deletedWith: instance } }) } }
   */
  transform?: ServerTransforms;
}
