/** Pulumi components that deploy VPN servers. */
export { VpnServer } from "./vpn-server.ts";
export type { VpnServerArgs, VpnServerOptions } from "./server-arguments.ts";
export { VpnFleet, type VpnFleetArgs, type FleetMember } from "./vpn-fleet.ts";
export type { SshConnectionArgs, SshEndpointArgs } from "./connection.ts";
export { DeploymentMode } from "./host-script.ts";
export type { FirewallReport, ListenerReport } from "./install-report.ts";
export type { HealthReport, ListenerHealth } from "./health.ts";
