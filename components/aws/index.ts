/** Pulumi components that make what a VPN server runs on, on AWS. They need `@pulumi/aws`, which the rest of the package does not. */
export { AwsVpnServer } from "./aws-vpn-server.ts";
export type { AwsVpnServerArgs } from "./aws-server-arguments.ts";
export type { AwsVpnServerResourceOptions } from "./resource-options.ts";
export type { AwsChild, AwsChildArgs, AwsChildTransform, AwsServerTransforms } from "./aws-transforms.ts";
export { AwsImage } from "./image.ts";
