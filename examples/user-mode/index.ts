import * as pulumi from "@pulumi/pulumi";
import { VpnServer } from "pulumi-vpnserver";

const config = new pulumi.Config();

// Everything lies in ~/vpnserver of this user, and no command needs sudo.
const server = new VpnServer("home", {
  connection: {
    host: config.require("host"),
    user: config.require("user"),
    privateKey: config.requireSecret("privateKey"),
    hostKey: config.require("hostKey"),
  },
  mode: "user",
  hubs: [{ name: "DEFAULT", users: [{ name: "alice", password: config.requireSecret("alicePassword") }] }],
});

export const mode = server.mode;
export const endpoints = server.endpoints;
export const vpnFiles = server.vpnFiles;
export const adminPassword = server.adminPassword;
/** Ports 443 and 992 are root's: their listeners are in the state Error there, and clients use 5555. */
export const lastCheck = server.lastCheck;
