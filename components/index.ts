/** Pulumi components that deploy VPN servers. */
export { VpnServer } from "./vpn-server.ts";
export type { VpnServerArgs, VpnServerOptions } from "./arguments/server-arguments.ts";
export type { VpnServerResourceOptions } from "./deployment/resource-options.ts";
export type { ChildTransform, ServerTransforms } from "./deployment/child-transform.ts";
export { VpnFleet, type VpnFleetArgs } from "./vpn-fleet.ts";
export type { FleetMember } from "./outputs/member-report.ts";
export type { SshConnectionArgs, SshEndpointArgs } from "./arguments/connection-arguments.ts";
export { DeploymentMode } from "./arguments/deployment-settings.ts";
export type {
  AccessRuleArgs,
  HubArgs,
  HubGroupArgs,
  HubUserArgs,
  SignedCertificateArgs,
} from "./arguments/hub-arguments.ts";
export type { HubLogArgs, HubOptionsArgs, PacketLogArgs } from "./arguments/hub-options-arguments.ts";
export type { HubPolicyArgs } from "./arguments/hub-policy-arguments.ts";
export type { VpnConnection } from "./outputs/vpn-connection.ts";
export type { FirewallReport } from "./outputs/firewall-report.ts";
export type { ListenerReport } from "./outputs/listener-report.ts";
export type { CheckReport, ListenerHealth } from "./outputs/check-report.ts";
