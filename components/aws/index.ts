/** Pulumi components that make what a VPN server runs on, on AWS. They need `@pulumi/aws`, which the rest of the package does not. */
export { AwsVpnServer } from "./aws-vpn-server.ts";
export type { AwsVpnServerArgs } from "./aws-server-arguments.ts";
export type { AwsVpnServerResourceOptions } from "./resource-options.ts";
export type { AwsChild, AwsChildArgs, AwsChildTransform, AwsServerTransforms } from "./aws-transforms.ts";
export { AwsImage } from "./image.ts";
export { AwsVpnFleet } from "./fleet/aws-vpn-fleet.ts";
export type { AwsVpnFleetArgs, FleetScalingArgs } from "./fleet/fleet-arguments.ts";
export type { AwsVpnFleetResourceOptions } from "./fleet/resource-options.ts";
export type { AwsFleetChildArgs, AwsFleetTransforms } from "./fleet/fleet-transforms.ts";
