// The fleet program: stack configuration in, components out. What the configuration may say is in
// docs/reference/configuration.md.
import { deployFleet } from "./program/deploy.ts";
import { fleetFromConfig } from "./program/fleet-config.ts";

const fleet = await deployFleet(fleetFromConfig());

/** The servers by name: health, mode, where clients connect, and what is wrong where something is. */
export const servers = fleet.servers;

/** The fleets on AWS by name: where clients connect, and what runs them; absent without such a fleet. */
export const fleets = fleet.fleets;

/** Texts of `.vpn` files by server or fleet, hub and user, for VPN clients to import; secret. */
export const vpnFiles = fleet.vpnFiles;

/** Passwords of the servers' administrators by server or fleet, for vpncmd and the JSON-RPC interface; secret. */
export const adminPasswords = fleet.adminPasswords;

/** Private keys for SSH to the instances of servers on AWS, by server; secret, and absent without such a server. */
export const sshPrivateKeys = fleet.sshPrivateKeys;
