/** Pulumi components that deploy VPN servers. */
export { VpnServer } from "./vpn-server.ts";
export type { VpnServerArgs, VpnServerOptions } from "./server-arguments.ts";
export { VpnFleet, type VpnFleetArgs, type FleetMember } from "./vpn-fleet.ts";
export type { SshConnectionArgs, SshEndpointArgs } from "./connection.ts";
export { DeploymentMode } from "./host-script.ts";
export type {
  AccessRuleArgs,
  HubArgs,
  HubGroupArgs,
  HubUserArgs,
  SignedCertificateArgs,
} from "./hub-arguments.ts";
export type { HubLogArgs, HubOptionsArgs, PacketLogArgs } from "./hub-options-arguments.ts";
export type { HubPolicyArgs } from "./hub-policy-arguments.ts";
export type { VpnConnection } from "./vpn-connection.ts";
export type { FirewallReport, ListenerReport } from "./install-report.ts";
export type { CheckReport, ListenerHealth } from "./health.ts";
